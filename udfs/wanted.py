"""What a session says should be an alert at an instant: breaches that go on or are over, waits that are due, words that were found.

A function of the session and the watermark alone; what was told of it is the business of `udfs.alarms`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from udfs.limits import FOREVER, Limits
from udfs.measures import (
    ARRIVED,
    BREACH_AGENT,
    DUE,
    ENDED_AT,
    EVIDENCE,
    HIT_AGENT,
    HIT_AT,
    HIT_DETAIL,
    HIT_MESSAGE,
    HIT_RANK,
    HIT_RULE,
    LINE_ARRIVED,
    LINE_AT,
    NEVER,
    OBSERVED,
    OPENER,
    REASON,
    RULE,
    START,
    STARTED_AT,
    WAIT_OPENER,
    Measures,
    Wait,
    silence,
)


class Wanted(NamedTuple):
    """A breach or hit of a rule as the sessions say it is now. Times are epoch ms."""

    rule: str
    opener: str  # message_id that opened it
    at: int  # that message's time
    due: int  # when it became an alert
    ended_at: int  # NEVER while it goes on
    reason: str
    observed: int | str  # ms, messages, or the words of a hit
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
    for breach in session.breaches:
        yield _of_breach(breach, session)
    for breach in session.running:
        yield _of_breach(breach, session)
    for breach in waiting(session, limits):
        if breach[DUE] <= now:
            breach[OBSERVED] = now - breach[STARTED_AT]
            yield _of_breach(breach, session)
    seen: set[str] = set()
    for hit in session.hits:
        if hit[HIT_RULE] not in seen:
            seen.add(hit[HIT_RULE])
            evidence = tuple(other[HIT_MESSAGE] for other in session.hits if other[HIT_RULE] == hit[HIT_RULE])
            yield Wanted(
                hit[HIT_RULE],
                hit[HIT_MESSAGE],
                hit[HIT_AT],
                hit[HIT_AT],
                NEVER,
                "",
                hit[HIT_DETAIL],
                hit[HIT_AGENT],
                evidence[:20],
                session,
                *hit[HIT_RANK:],
            )


def waiting(session: Measures, limits: Limits) -> Iterator[list[Any]]:
    """The alarms of the wait that is open now, as breaches that have not ended, due or not."""
    wait = session.wait
    if wait is None or session.cut:
        return
    for rule, limit in limits.slow_reply:
        due = max(wait[START] + limit, wait[ARRIVED] + limits.alarm_grace_ms)
        yield [rule, wait[WAIT_OPENER], wait[START], due, NEVER, "", 0, session.agent, [wait[WAIT_OPENER]]]
    for rule, limit in limits.silence:
        since, opener, due = silence(wait, rule, limit, limits)
        yield [rule, opener, since, due, NEVER, "", 0, session.agent, [opener]]


def first_due(wait: Wait, limits: Limits) -> int:
    """When the first of a wait's alarms is due; a silence that was broken off by a further line apart."""
    grace = limits.alarm_grace_ms
    reply: int = max(wait[START] + limits.shortest_reply_ms, wait[ARRIVED] + grace)
    silent: int = max(wait[LINE_AT] + limits.shortest_silence_ms, wait[LINE_ARRIVED] + grace)
    return min(reply, silent)


def next_due(sessions: list[Measures], now: int, limits: Limits) -> int:
    """The earliest instant after `now` at which an open wait becomes an alert; FOREVER if there is none."""
    due = FOREVER
    for session in sessions:
        wait = session.wait
        if wait is None or session.cut:
            continue
        first = first_due(wait, limits)
        if now < first:
            due = min(due, first)
            continue
        for breach in waiting(session, limits):
            if now < breach[DUE] < due:
                due = breach[DUE]
    return due


def _of_breach(breach: list[Any], session: Measures) -> Wanted:
    opener = breach[OPENER]
    return Wanted(
        breach[RULE],
        opener,
        breach[STARTED_AT],
        breach[DUE],
        breach[ENDED_AT],
        breach[REASON],
        breach[OBSERVED],
        breach[BREACH_AGENT],
        tuple(breach[EVIDENCE]),
        session,
    )
