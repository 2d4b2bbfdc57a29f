"""Which alerts of a conversation should be firing at an instant, and what has to be said so that they are.

Alarms are reconciled, not triggered: *wanted* is a function of the sessions and the watermark, *told* is what has been
published; the difference is news. So it does not matter in which order messages came, whether a timer ran in time, or
whether the job was restarted in between: what is over its limit fires, what is not (any more) resolves, and a wait that
broke its limit and ended between two watermarks does both at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from udfs.conversation import Conversation, settles_at
from udfs.events import ARRIVAL, HITS, ID_HASH, MESSAGE_ID, PLACE, RANK, SENT_AT
from udfs.limits import FOREVER, Limits
from udfs.measures import (
    ARRIVED,
    BREACH_AGENT,
    DUE,
    ENDED_AT,
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
    SILENT,
    START,
    STARTED_AT,
    WAIT_OPENER,
    Measures,
    Wait,
    silence,
    writer,
)

# Columns of what was told: [rule, opener now, opener when it first fired, its time, revision, firing, when it opened].
TOLD_RULE, TOLD_OPENER, TOLD_FIRST, TOLD_AT, TOLD_REVISION, TOLD_FIRING, TOLD_SINCE = range(7)


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


class News(NamedTuple):
    """One change of an alert's status."""

    wanted: Wanted
    first_opener: str  # the alert's identity: kept when reordering finds another opener
    revision: int
    firing: bool
    opened_at: int
    at: int  # event time of the change
    reason: str


def wanted(session: Measures, now: int, limits: Limits) -> Iterator[Wanted]:
    """What should have fired in this session by the watermark `now`, whether it has ended since or not."""
    for breach in session.breaches:
        yield _of_breach(breach, session)
    for breach in session.running:
        yield _of_breach(breach, session)
    for breach in waiting(session, limits):
        if breach[DUE] <= now:
            yield _of_breach([*breach[:OBSERVED], now - breach[STARTED_AT], breach[BREACH_AGENT]], session)
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
        yield [rule, wait[WAIT_OPENER], wait[START], due, NEVER, "", 0, session.agent]
    for rule, limit in limits.silence:
        since, opener, due = silence(wait, rule, limit, limits)
        yield [rule, opener, since, due, NEVER, "", 0, session.agent]


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


def quiet(conversation: Conversation, now: int, limits: Limits) -> bool:
    """Whether there is certainly nothing to say: the common case, told without looking at every rule."""
    if conversation.told:
        return False
    for session in conversation.sessions:
        if session.breaches or session.hits or session.running:
            return False
        wait = session.wait
        if wait is not None and (wait[SILENT] or first_due(wait, limits) <= now):
            return False
    return True


def reconcile(conversation: Conversation, now: int, limits: Limits) -> list[News]:
    """What has to be said at the watermark `now`; remembers that it was said."""
    if quiet(conversation, now, limits):
        return []
    sessions = conversation.sessions
    told = conversation.told
    goal = [want for session in sessions for want in wanted(session, now, limits)]
    exact = {(entry[TOLD_RULE], entry[TOLD_OPENER]): entry for entry in told}
    matched = {id(exact[key]) for want in goal if (key := (want.rule, want.opener)) in exact}
    news: list[News] = []
    for want in goal:
        entry = exact.get((want.rule, want.opener))
        if entry is None:
            entry = _adopt(told, want, matched, limits)
        if entry is None:
            entry = _untold(want)
            told.append(entry)
        matched.add(id(entry))
        entry[TOLD_OPENER], entry[TOLD_AT] = want.opener, want.at
        over = want.ended_at != NEVER
        if not entry[TOLD_FIRING] and (entry[TOLD_REVISION] == NEVER or not over):
            news.append(_say(entry, want, True, want.due if entry[TOLD_REVISION] == NEVER else max(want.due, now), ""))
        if entry[TOLD_FIRING] and over:
            news.append(_say(entry, want, False, want.ended_at, want.reason))
    for entry in told:
        if id(entry) not in matched and entry[TOLD_FIRING] and not _goes_on(entry, sessions, now, limits):
            news.append(_say(entry, _gone(entry, sessions), False, now, "corrected"))
    # An entry without a cause stays until its session is published: should the cause come back, its revision goes on.
    return news


def close(conversation: Conversation, count: int, now: int, limits: Limits) -> list[News]:
    """The first `count` sessions are published at `now`: what still fires in them resolves with them."""
    published, going_on = conversation.sessions[:count], conversation.sessions[count:]
    kept, theirs = (
        {(want.rule, want.opener) for session in sessions for want in wanted(session, now, limits)}
        for sessions in (going_on, published)
    )
    end = published[-1].last_at
    leaving = [
        entry
        for entry in conversation.told
        if (key := (entry[TOLD_RULE], entry[TOLD_OPENER])) not in kept
        # What an edit has brought in may be later than the session's last message.
        and (not going_on or entry[TOLD_AT] <= end or key in theirs)
    ]
    conversation.told = [entry for entry in conversation.told if all(entry is not gone for gone in leaving)]
    news: list[News] = []
    for entry in leaving:
        if entry[TOLD_FIRING]:
            session = next(s for s in reversed(published) if s.opened_at <= entry[TOLD_AT] or s is published[0])
            want = next((w for w in wanted(session, now, limits) if _is(entry, w)), _gone(entry, [session]))
            news.append(_say(entry, want, False, now, "session_closed"))
    for session in published:
        if session.wait is not None and not session.cut:
            for rule in limits.abandonment:
                wait = session.wait
                waited = session.last_at + limits.session_gap_ms - wait[START]
                want = Wanted(
                    rule, wait[WAIT_OPENER], wait[START], now, now, "", waited, session.agent, (wait[WAIT_OPENER],), session
                )
                entry = _untold(want)
                news.append(_say(entry, want, True, now, ""))
                news.append(_say(entry, want, False, now, "session_closed"))
    return news


def loose_hits(conversation: Conversation, limits: Limits) -> list[News]:
    """What edits have brought in when no session was open, and none can be any more: it fires, and is over at once."""
    news: list[News] = []
    for row in conversation.loose:
        sent_at, rank, message_id, id_hash = row[SENT_AT], row[RANK], row[MESSAGE_ID], row[ID_HASH]
        session = Measures(sent_at, row[ARRIVAL], last_at=sent_at, place=row[PLACE])
        for rule, detail in row[HITS]:
            want = Wanted(
                rule, message_id, sent_at, sent_at, NEVER, "", detail, writer(row), (message_id,), session, rank, id_hash
            )
            entry = _untold(want)
            news.append(_say(entry, want, True, sent_at, ""))
            news.append(_say(entry, want, False, settles_at(row, limits), "session_closed"))
    conversation.loose = []
    return news


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
        (opener,),
        session,
    )


def _untold(want: Wanted) -> list[Any]:
    return [want.rule, want.opener, want.edit or want.opener, want.at, NEVER, False, want.due]


def _adopt(told: list[list[Any]], want: Wanted, matched: set[int], limits: Limits) -> list[Any] | None:
    """An alert for the same rule in the same session, though another message was its opener: one that fires, or one that is over and
    was raised while this breach lasted. That is the same breach, told before a line that came late."""
    session = want.session
    # An edit belongs to a session until its gap is over.
    last = session.last_at if session.cut else session.last_at + limits.session_gap_ms - 1
    alike = [
        entry
        for entry in told
        if entry[TOLD_RULE] == want.rule and id(entry) not in matched and session.opened_at <= entry[TOLD_AT] <= last
    ]
    ended_at = FOREVER if want.ended_at == NEVER else want.ended_at
    return next(
        (entry for entry in alike if entry[TOLD_FIRING]),
        next((entry for entry in alike if want.at <= entry[TOLD_SINCE] <= ended_at), None),
    )


def _goes_on(entry: list[Any], sessions: list[Measures], now: int, limits: Limits) -> bool:
    """Whether a wait is still too long, though a line that came late has given it another opener.

    That line has its grace before it may raise an alert, but the grace takes back none that was raised.
    """
    lengths = dict(limits.slow_reply + limits.silence)
    for session in sessions:
        if session.opened_at <= entry[TOLD_AT] <= session.last_at:
            for breach in waiting(session, limits):
                rule, started_at = breach[RULE], breach[STARTED_AT]
                if rule == entry[TOLD_RULE] and started_at + lengths[rule] <= now:
                    entry[TOLD_OPENER], entry[TOLD_AT] = breach[OPENER], started_at
                    return True
    return False


def _say(entry: list[Any], want: Wanted, firing: bool, at: int, reason: str) -> News:
    entry[TOLD_REVISION] += 1
    entry[TOLD_FIRING] = firing
    return News(want, entry[TOLD_FIRST], entry[TOLD_REVISION], firing, entry[TOLD_SINCE], at, reason)


def _is(entry: list[Any], want: Wanted) -> bool:
    return bool(entry[TOLD_RULE] == want.rule and entry[TOLD_OPENER] == want.opener)


def _gone(entry: list[Any], sessions: list[Measures]) -> Wanted:
    """What is left to say of an alert whose cause the messages no longer show."""
    at = entry[TOLD_AT]
    session = next((s for s in reversed(sessions) if s.opened_at <= at), sessions[0] if sessions else Measures(at, at))
    rule, opener = entry[TOLD_RULE], entry[TOLD_OPENER]
    return Wanted(rule, opener, at, at, at, "", 0, session.agent, (opener,), session)
