"""Which alerts of a conversation should be firing at an instant, and what has to be said so that they are.

Alarms are reconciled, not triggered: *wanted* is a function of the sessions and the watermark, *told* is what has been
published; the difference is news. So it does not matter in which order messages came, whether a timer ran in time, or
whether the job was restarted in between: what is over its limit fires, what is not (any more) resolves, and a wait that
broke its limit and ended between two watermarks does both at once.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from udfs.conversation import Conversation
from udfs.events import ARRIVAL, HITS, ID_HASH, MESSAGE_ID, PLACE, RANK, SENT_AT
from udfs.limits import FOREVER, Limits
from udfs.measures import NEVER, OPENER, RULE, SILENT, START, STARTED_AT, WAIT_OPENER, Measures, writer
from udfs.wanted import Wanted, first_due, waiting, wanted

# Columns of what was told: [rule, opener now, what names it since it first fired, the opener's time, revision, firing, when it opened,
# the edit that its hit came with]. Firing is None where it was taken back.
TOLD_RULE, TOLD_OPENER, TOLD_FIRST, TOLD_AT, TOLD_REVISION, TOLD_FIRING, TOLD_SINCE, TOLD_EDIT = range(8)


class News(NamedTuple):
    """One change of an alert's status."""

    wanted: Wanted
    first_opener: str  # the alert's identity: kept when reordering finds another opener
    revision: int
    firing: bool
    opened_at: int
    at: int  # event time of the change
    reason: str


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
    entries = _known(told, goal)
    matched = {id(entry) for entry in entries if entry is not None}
    news: list[News] = []
    for want, entry in zip(goal, entries, strict=True):
        if entry is None:
            entry = _adopt(told, want, matched, limits)
        if entry is None:
            entry = _untold(want)
            told.append(entry)
        matched.add(id(entry))
        entry[TOLD_OPENER], entry[TOLD_AT], entry[TOLD_EDIT] = want.opener, want.at, want.edit
        over = want.ended_at != NEVER
        new, taken_back = entry[TOLD_REVISION] == NEVER, entry[TOLD_FIRING] is None
        if not entry[TOLD_FIRING] and (new or taken_back or not over):
            news.append(_say(entry, want, True, want.due if new or over else max(want.due, now), ""))
        if entry[TOLD_FIRING] and over:
            # Lines that came late may have moved its whole length to before it was raised.
            news.append(_say(entry, want, False, max(want.ended_at, entry[TOLD_SINCE]), want.reason))
    for entry in told:
        if id(entry) not in matched and entry[TOLD_FIRING] and not _goes_on(entry, sessions, now, limits):
            news.append(_say(entry, _gone(entry, sessions), False, max(now, entry[TOLD_SINCE]), "corrected"))
            entry[TOLD_FIRING] = None
    # An entry without a cause stays until its session is published: should the cause come back, its revision goes on.
    return news


def close(conversation: Conversation, count: int, now: int, limits: Limits) -> list[News]:
    """The first `count` sessions are published at `now`: what still fires in them resolves with them."""
    published, going_on = conversation.sessions[:count], conversation.sessions[count:]
    kept, theirs = (
        {want.cause for session in sessions for want in wanted(session, now, limits)}
        for sessions in (going_on, published)
    )
    end = published[-1].last_at
    leaving = [
        entry
        for entry in conversation.told
        if (cause := _cause(entry)) not in kept
        # What an edit has brought in may be later than the session's last message.
        and (not going_on or entry[TOLD_AT] <= end or cause in theirs)
    ]
    conversation.told = [entry for entry in conversation.told if all(entry is not gone for gone in leaving)]
    news: list[News] = []
    for entry in leaving:
        if entry[TOLD_FIRING]:
            session = next(s for s in reversed(published) if s.opened_at <= entry[TOLD_AT] or s is published[0])
            want = next((w for w in wanted(session, now, limits) if w.cause == _cause(entry)), _gone(entry, [session]))
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
        for rule, detail in dict(reversed(row[HITS])).items():  # of each rule the first words, as in a session
            want = Wanted(
                rule, message_id, sent_at, sent_at, NEVER, "", detail, writer(row), (message_id,), session, rank, id_hash
            )
            entry = _untold(want)
            news.append(_say(entry, want, True, sent_at, ""))
            news.append(_say(entry, want, False, sent_at + limits.allowed_lateness_ms, "session_closed"))
    conversation.loose = []
    return news


def _known(told: list[list[Any]], goal: list[Wanted]) -> list[list[Any] | None]:
    """What was told of each: the alert that has its name, since no two may have one, or else the one that it was the cause of last."""
    named = {(entry[TOLD_RULE], entry[TOLD_FIRST]): entry for entry in told}
    exact = {_cause(entry): entry for entry in told}
    found = [named.get((want.rule, want.name)) for want in goal]
    taken = {id(entry) for entry in found if entry is not None}
    for at, want in enumerate(goal):
        entry = exact.get(want.cause)
        if found[at] is None and entry is not None and id(entry) not in taken:
            found[at] = entry
            taken.add(id(entry))
    return found


def _untold(want: Wanted) -> list[Any]:
    return [want.rule, want.opener, want.name, want.at, NEVER, False, want.due, want.edit]


def _cause(entry: list[Any]) -> tuple[str, str, str]:
    return entry[TOLD_RULE], entry[TOLD_OPENER], entry[TOLD_EDIT]


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
        # One that was taken back is no such alert: that it was not so was said, and what is so must be.
        next((e for e in alike if e[TOLD_FIRING] is not None and want.at <= e[TOLD_SINCE] <= ended_at), None),
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


def _gone(entry: list[Any], sessions: list[Measures]) -> Wanted:
    """What is left to say of an alert whose cause the messages no longer show."""
    at = entry[TOLD_AT]
    session = next((s for s in reversed(sessions) if s.opened_at <= at), sessions[0] if sessions else Measures(at, at))
    rule, opener = entry[TOLD_RULE], entry[TOLD_OPENER]
    return Wanted(rule, opener, at, at, at, "", 0, session.agent, (opener,), session)
