"""What a session says should be an alert at an instant: breaches that go on or are over, waits that are due, words that were found.

A function of the session and the watermark alone; what was told of it is the business of `udfs.alarms`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from udfs.findings import Breach
from udfs.limits import FOREVER, NEVER, Limits
from udfs.measures import Measures


class Wanted(NamedTuple):
    """A breach or hit of a rule as the sessions say it is now. Times are epoch ms."""

    rule: str
    opener: str  # message_id that opened it
    at: int  # that message's time
    due: int  # when it became an alert
    ended_at: int  # NEVER while it goes on
    reason: str
    kind: str  # of the rule when it was measured; "" if that is not known, see `udfs.findings`
    observed: int | float | str | None  # ms or messages, of a hit points or words; None where nothing is left to measure
    agent: str
    evidence: tuple[str, ...]
    session: Measures
    rank: int = NEVER  # Rank of whoever a hit's words are from
    edit: str = ""  # the hash of the edit that brought a hit in: one message may be edited in one session and in another

    @property
    def cause(self) -> tuple[str, str, str]:
        """What tells it from others of the conversation."""
        return self.rule, self.opener, self.edit

    @property
    def name(self) -> str:
        """What names its alert, if it is told now."""
        return self.edit or self.opener


def wanted(session: Measures, now: int, limits: Limits) -> Iterator[Wanted]:
    """What should have fired in this session by the watermark `now`, whether it has ended since or not."""
    findings = session.findings
    for breach in findings.breaches:
        yield _of_breach(breach, session)
    for breach in findings.running:
        yield _of_breach(breach, session)
    for breach in waiting(session, limits):
        if breach.due <= now:
            breach.observed = now - breach.started_at
            yield _of_breach(breach, session)
    seen: set[str] = set()
    for hit in findings.hits:
        if hit.rule not in seen:
            seen.add(hit.rule)
            evidence = tuple(other.message_id for other in findings.hits if other.rule == hit.rule)[:20]
            yield Wanted(
                hit.rule,
                hit.message_id,
                hit.at,
                hit.at,
                NEVER,
                "",
                hit.kind,
                hit.detail,
                hit.agent,
                evidence,
                session,
                hit.rank,
                hit.edit,
            )


def waiting(session: Measures, limits: Limits) -> Iterator[Breach]:
    """The alarms of what is waited for now, as breaches that have not ended, due or not."""
    if session.cut:
        return
    replies = session.replies
    agent = replies.agent
    if (wait := replies.wait) is not None:
        for rule, limit in limits.slow_reply:
            due = wait.reply_due(limit, limits)
            yield Breach(rule, wait.opener, wait.start, due, agent=agent, evidence=[wait.opener], kind="slow_reply")
        for rule, limit in limits.silence:
            silent = wait.silence(rule, limit, limits)
            yield Breach(rule, silent.opener, silent.since, silent.due, agent=agent, evidence=[silent.opener], kind="silence")
    if (promise := replies.promise) is not None:
        for rule, limit in limits.promised_return:
            due = promise.due(limit, limits)
            yield Breach(rule, promise.opener, promise.at, due, agent=promise.agent, evidence=[promise.opener], kind="promised_return")


def next_due(sessions: list[Measures], now: int, limits: Limits) -> int:
    """The earliest instant after `now` at which an open wait becomes an alert; FOREVER if there is none."""
    due = FOREVER
    for session in sessions:
        first = FOREVER if session.cut else session.replies.first_due(limits)
        if first == FOREVER:
            continue
        if now < first:
            due = min(due, first)
            continue
        for breach in waiting(session, limits):
            if now < breach.due < due:
                due = breach.due
    return due


def _of_breach(breach: Breach, session: Measures) -> Wanted:
    return Wanted(
        breach.rule,
        breach.opener,
        breach.started_at,
        breach.due,
        breach.ended_at,
        breach.reason,
        breach.kind,
        breach.observed,
        breach.agent,
        tuple(breach.evidence),
        session,
    )
