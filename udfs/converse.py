"""One conversation, step by step: a record reaches it, or time passes; what comes out are records for the topics.

This is the pure side of the job's main operator: state and time are arguments, records are return values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from models.satisfaction import SatisfactionModel
from udfs import alarms, records
from udfs.alerts import alert_record
from udfs.conversation import NO_TIMER, Conversation
from udfs.events import SENT_AT, Row
from udfs.limits import Limits
from udfs.measures import CUSTOMER
from udfs.news import News
from udfs.quality import rated
from udfs.rules import RuleSet
from udfs.wanted import next_due


class Output(NamedTuple):
    """A record on its way out: the stream's name (`alerts`, `sessions`, `late`, `duplicates`), its key, its JSON.

    `latencies_ms` are a session's reply latencies, which are measured besides.
    """

    stream: str
    key: str
    value: str
    latencies_ms: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Context:
    """What every conversation is judged by."""

    limits: Limits
    rules: RuleSet
    model_version: str
    timezone: str
    topic: str  # the input topic, named in late and duplicate records
    satisfaction: SatisfactionModel | None = None  # without one, sessions are not rated


def hear(state: Conversation, key: str, row: Row, now: int, clock_ms: int, context: Context) -> list[Output]:
    """A record reaches its conversation.

    `now` is the watermark, `clock_ms` the wall clock, which is only copied into `detected_at`. `state` changes in
    place; any order of records within the allowed lateness ends in the same sessions.
    """
    limits = context.limits
    state.watermark = now
    latest = row[SENT_AT] if row[SENT_AT] > now else now
    state.forget_at = max(state.forget_at, latest + limits.duplicate_memory_ms)
    out: list[Output] = []
    if not state.remember_id(row, now, limits):
        out.append(Output("duplicates", key, records.duplicate(key, row, context.topic)))
    elif not state.add(row, now, limits):
        out.append(Output("late", key, records.late(key, row, context.topic)))
    news = alarms.reconcile(state, now, limits)
    if state.loose:
        news += alarms.loose_hits(state, limits)
    if news:
        out += [_alert(item, key, state, clock_ms, context) for item in news]
    return out


def advance(state: Conversation, key: str, now: int, clock_ms: int, context: Context) -> list[Output]:
    """The watermark has reached `now`: raise what is due, publish what can't change any more, in the order of time."""
    limits = context.limits
    out: list[Output] = []
    while state.live or state.done:
        sessions = state.sessions
        publish = min(state.publish_at(limits))
        due = next_due(sessions, state.watermark, limits)
        at = min(publish, due)
        if at > now:
            break
        state.watermark = max(state.watermark, at)
        out += [_alert(item, key, state, clock_ms, context) for item in alarms.reconcile(state, at, limits)]
        if at == publish:
            out += _publish(state, key, at, clock_ms, context)
    # What is due by a rule that was not there, or less strict, when it was looked at last.
    out += [_alert(item, key, state, clock_ms, context) for item in alarms.reconcile(state, now, limits)]
    state.settle_loose(now, limits)
    out += [_alert(item, key, state, clock_ms, context) for item in alarms.loose_hits(state, limits)]
    state.watermark = max(state.watermark, now)
    if not (state.live or state.done):
        state.told = []
    return out


def wake_at(state: Conversation, now: int, limits: Limits) -> int:
    """The next instant, as a watermark, at which `advance` has something to do."""
    at = _wake_at(state, now, limits)
    return at if state.loose_at == NO_TIMER else min(at, state.loose_at)


def _wake_at(state: Conversation, now: int, limits: Limits) -> int:
    sessions = state.sessions
    if not sessions:
        return max(_forget_at(state, limits), now + 1)
    if len(sessions) == 1:  # as a rule
        session = sessions[0]
        publish = session.final_at(limits)
        nothing = session.replies.wait is None and session.replies.promise is None
        return publish if nothing else min(publish, next_due(sessions, now, limits))
    # With its successor's first message all of a session's alerts are over; that message may be ahead of the watermark.
    begins = [session.opened_at for session in sessions[1:] if session.opened_at > now]
    return min(*state.publish_at(limits), next_due(sessions, now, limits), *begins)


def forgettable(state: Conversation, now: int, limits: Limits) -> bool:
    """Whether nothing is left to remember: no session, and every id's memory is over."""
    return not state.live and not state.done and now >= _forget_at(state, limits)


def _forget_at(state: Conversation, limits: Limits) -> int:
    """A message may follow within the memory's time, and arrive late; one in the gap of a session is told from a new one by this state."""
    return state.forget_at + limits.allowed_lateness_ms + limits.session_gap_ms


def _publish(state: Conversation, key: str, at: int, clock_ms: int, context: Context) -> list[Output]:
    limits = context.limits
    count = state.publishable(at, limits)
    state.settle(at, limits)
    news = alarms.close(state, count, at, limits)
    out = [_alert(item, key, state, clock_ms, context) for item in news]
    for session in state.sessions[:count]:
        record = records.session(key, session, state, context.model_version, limits)
        if context.satisfaction is not None:
            by_agents = {hit.rule for hit in session.findings.hits if hit.rank != CUSTOMER}
            record |= rated(record, context.satisfaction, context.rules, by_agents)
        out.append(Output("sessions", key, orjson.dumps(record).decode(), session.replies.latencies))
    state.drop(count, at, limits)
    return out


def _alert(item: News, key: str, state: Conversation, clock_ms: int, context: Context) -> Output:
    url = state.place(item.wanted.session).url
    record: dict[str, Any] = alert_record(
        item, key, url, context.rules.by_id(item.wanted.rule), context.timezone, context.model_version, clock_ms
    )
    return Output("alerts", record["dedup_key"], orjson.dumps(record).decode())
