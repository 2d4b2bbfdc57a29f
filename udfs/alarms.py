"""Which alerts of a conversation should be firing at an instant, and what has to be said so that they are.

Alarms are reconciled, not triggered: *wanted* is a function of the sessions and the watermark, *told* is what has been
published; the difference is news. So it does not matter in which order messages came, whether a timer ran in time, or
whether the job was restarted in between: what is over its limit fires, what is not (any more) resolves, and a wait that
broke its limit and ended between two watermarks does both at once.
"""

from __future__ import annotations

from typing import NamedTuple

from udfs.conversation import Conversation
from udfs.events import ARRIVAL, HITS, ID_HASH, MESSAGE_ID, PLACE, RANK, SENT_AT
from udfs.limits import FOREVER, NEVER, Limits
from udfs.measures import Measures, writer
from udfs.told import Told
from udfs.wanted import Wanted, waiting, wanted

UNKNOWN_SEVERITY = "warning"
"""Of an alert whose rule is no longer there, and that fired before its severity was remembered."""


class News(NamedTuple):
    """One change of an alert's status."""

    wanted: Wanted
    first_opener: str  # the alert's identity: kept when reordering finds another opener
    revision: int
    firing: bool
    opened_at: int
    at: int  # event time of the change
    reason: str
    shop: str  # where it fired, and how grave it was then
    queue: str
    severity: str


def quiet(conversation: Conversation, now: int, limits: Limits) -> bool:
    """Whether there is certainly nothing to say: the common case, told without looking at every rule."""
    if conversation.told:
        return False
    for session in conversation.sessions:
        replies = session.replies
        if session.findings.any:
            return False
        if (replies.wait is not None and replies.wait.silences) or replies.first_due(limits) <= now:
            return False
    return True


def reconcile(conversation: Conversation, now: int, limits: Limits) -> list[News]:
    """What has to be said at the watermark `now`; remembers that it was said."""
    if quiet(conversation, now, limits):
        return []
    sessions = conversation.sessions
    told = conversation.told
    goal = _goal(conversation, now, limits)
    entries = _known(told, goal)
    matched = {id(entry) for entry in entries if entry is not None}
    ends: list[News] = []
    for at, want in enumerate(goal):
        known = entries[at] = entries[at] or _adopt(told, want, matched, limits)
        if known is None:
            continue
        matched.add(id(known))
        known.opener, known.at, known.edit = want.opener, want.at, want.edit
        if known.firing and want.ended_at != NEVER:
            ends.append(_end(conversation, limits, known, want))
    corrections: list[News] = []
    causes = {want.cause for want in goal}
    for entry in told:
        if id(entry) in matched or not entry.firing:
            continue
        if waits := _still_waiting(entry, sessions, causes, now, limits):
            entry.opener, entry.at = waits
        else:
            corrections.append(_say(conversation, limits, entry, _gone(entry, sessions), False, max(now, entry.since), "corrected"))
            entry.firing = None
    # An entry without a cause stays until its session is published: should the cause come back, its revision goes on.
    # All stand under one `dedup_key`: what is over ends before what goes on begins, and while one fires no other is told.
    begins: list[News] = []
    for want, known in zip(goal, entries, strict=True):
        if _unsaid(known, want) and not any(other.firing and other.rule == want.rule for other in told):
            if known is None:
                told.append(known := _untold(want))
            begins += _begin(conversation, now, limits, known, want)
    return corrections + ends + begins


def close(conversation: Conversation, count: int, now: int, limits: Limits) -> list[News]:
    """The first `count` sessions are published at `now`: what still fires in them resolves with them."""
    published, going_on = conversation.sessions[:count], conversation.sessions[count:]
    kept, theirs = (
        {want.cause for session in sessions for want in wanted(session, now, limits)}
        for sessions in (going_on, published)
    )
    held = _held(conversation, published, now, limits)
    end = published[-1].last_at
    leaving = [
        entry
        for entry in conversation.told
        if (cause := entry.cause) not in kept
        # What an edit has brought in may be later than the session's last message.
        and (not going_on or entry.at <= end or cause in theirs)
    ]
    conversation.told = [entry for entry in conversation.told if all(entry is not gone for gone in leaving)]
    news: list[News] = []
    for entry in leaving:
        if entry.firing:
            session = next(s for s in reversed(published) if s.opened_at <= entry.at or s is published[0])
            want = next((w for w in wanted(session, now, limits) if w.cause == entry.cause), _gone(entry, [session]))
            news.append(_say(conversation, limits, entry, want, False, now, "session_closed"))
    for want, known in held:
        over = want if want.ended_at != NEVER else want._replace(ended_at=now, reason="session_closed")
        news += _begin(conversation, now, limits, known or _untold(want), over)
    for session in published:
        wait = session.replies.wait
        if wait is not None and not session.cut:
            for rule in limits.abandonment:
                waited = session.last_at + limits.session_gap_ms - wait.start
                want = Wanted(
                    rule, wait.opener, wait.start, now, now, "", "abandonment", waited, session.replies.agent, (wait.opener,), session
                )
                entry = _untold(want)
                news.append(_say(conversation, limits, entry, want, True, now, ""))
                news.append(_say(conversation, limits, entry, want, False, now, "session_closed"))
    return news


def loose_hits(conversation: Conversation, limits: Limits) -> list[News]:
    """What edits have brought in when no session was open, and none can be any more: it fires, and is over at once."""
    news: list[News] = []
    for row in conversation.loose:
        sent_at, rank, message_id, id_hash = row[SENT_AT], row[RANK], row[MESSAGE_ID], row[ID_HASH]
        session = Measures(sent_at, row[ARRIVAL], last_at=sent_at, place=row[PLACE])
        for rule, detail in dict(reversed(row[HITS])).items():  # of each rule the first words, as in a session
            want = Wanted(
                rule,
                message_id,
                sent_at,
                sent_at,
                NEVER,
                "",
                "phrases",
                detail,
                writer(row),
                (message_id,),
                session,
                rank,
                id_hash,
            )
            entry = _untold(want)
            news.append(_say(conversation, limits, entry, want, True, sent_at, ""))
            news.append(_say(conversation, limits, entry, want, False, sent_at + limits.allowed_lateness_ms, "session_closed"))
    conversation.loose = []
    return news


def _goal(conversation: Conversation, now: int, limits: Limits) -> list[Wanted]:
    """What should have fired in all sessions, in their order. Two sessions must not both have an alert firing under one `dedup_key`: with
    its successor's first message all of a session is over, at once where the successor has something to say of the same rule."""
    goal: list[Wanted] = []
    of_later: set[str] = set()
    over = FOREVER
    for session in reversed(conversation.sessions):
        found = [
            _succeeded(want, over) if want.ended_at == NEVER and (now >= over or want.rule in of_later) else want
            for want in wanted(session, now, limits)
        ]
        goal = found + goal
        of_later |= {want.rule for want in found}
        over = session.opened_at
    return goal


def _succeeded(want: Wanted, over: int) -> Wanted:
    """A breach or hit that goes on, ended by the next session's first message."""
    ended_at = max(over, want.due)
    goes_on = want.kind in ("slow_reply", "silence", "promised_return")
    return want._replace(ended_at=ended_at, reason="session_closed", observed=ended_at - want.at if goes_on else want.observed)


def _known(told: list[Told], goal: list[Wanted]) -> list[Told | None]:
    """What was told of each: the alert that has its name, since no two may have one, or else the one that it was the cause of last."""
    named = {(entry.rule, entry.first): entry for entry in told}
    exact = {entry.cause: entry for entry in told}
    found = [named.get((want.rule, want.name)) for want in goal]
    taken = {id(entry) for entry in found if entry is not None}
    for at, want in enumerate(goal):
        entry = exact.get(want.cause)
        if found[at] is None and entry is not None and id(entry) not in taken:
            found[at] = entry
            taken.add(id(entry))
    return found


def _untold(want: Wanted) -> Told:
    return Told(want.rule, want.opener, want.name, want.at, NEVER, False, want.due, want.edit)


def _adopt(told: list[Told], want: Wanted, matched: set[int], limits: Limits) -> Told | None:
    """An alert for the same rule in the same session, though another message was its opener: one that fires, or one that is over and
    was raised while this breach lasted. That is the same breach, told before a line that came late."""
    session = want.session
    # An edit belongs to a session until its gap is over.
    last = session.last_at if session.cut else session.last_at + limits.session_gap_ms - 1
    alike = [
        entry
        for entry in told
        if entry.rule == want.rule and id(entry) not in matched and session.opened_at <= entry.at <= last
    ]
    ended_at = FOREVER if want.ended_at == NEVER else want.ended_at
    return next(
        (entry for entry in alike if entry.firing),
        # One that was taken back is no such alert: that it was not so was said, and what is so must be.
        next((e for e in alike if e.firing is not None and want.at <= e.since <= ended_at), None),
    )


def _unsaid(entry: Told | None, want: Wanted) -> bool:
    """Whether that it fires is still to be said: never yet, since it was taken back, or since it was over and isn't."""
    return entry is None or entry.firing is None or (not entry.firing and want.ended_at == NEVER)


def _held(conversation: Conversation, published: list[Measures], now: int, limits: Limits) -> list[tuple[Wanted, Told | None]]:
    """What is still to be said of these sessions: another alert of its rule was firing, and goes on or is over now."""
    if not any(entry.firing for entry in conversation.told):
        return []
    goal = _goal(conversation, now, limits)
    ids = {id(session) for session in published}
    pairs = zip(goal, _known(conversation.told, goal), strict=True)
    return [(want, entry) for want, entry in pairs if id(want.session) in ids and _unsaid(entry, want)]


def _begin(conversation: Conversation, now: int, limits: Limits, entry: Told, want: Wanted) -> list[News]:
    """It fires, and is over at once if it is over."""
    new, over = entry.revision == NEVER, want.ended_at != NEVER
    news = [_say(conversation, limits, entry, want, True, want.due if new or over else max(want.due, now), "")]
    return [*news, _end(conversation, limits, entry, want)] if over else news


def _end(conversation: Conversation, limits: Limits, entry: Told, want: Wanted) -> News:
    # Lines that came late may have moved its whole length to before it was raised.
    return _say(conversation, limits, entry, want, False, max(want.ended_at, entry.since), want.reason)


def _still_waiting(
    entry: Told, sessions: list[Measures], causes: set[tuple[str, str, str]], now: int, limits: Limits
) -> tuple[str, int] | None:
    """The opener, and its time, of a wait that is still too long though a line that came late has given it another one; None without one.
    causes: of what is told already.

    That line has its grace before it may raise an alert, but the grace takes back none that was raised.
    """
    lengths = dict(limits.slow_reply + limits.silence + limits.promised_return)
    for session in sessions:
        if session.opened_at <= entry.at <= session.last_at:
            for breach in waiting(session, limits):
                told = (breach.rule, breach.opener, "") in causes
                if breach.rule == entry.rule and not told and breach.started_at + lengths[breach.rule] <= now:
                    return breach.opener, breach.started_at
    return None


def _say(
    conversation: Conversation, limits: Limits, entry: Told, want: Wanted, firing: bool, at: int, reason: str
) -> News:
    entry.revision += 1
    entry.firing = firing
    if firing or entry.shop is None:
        place = conversation.place(want.session)
        entry.shop, entry.queue = place.shop, place.queue
    if firing or entry.severity is None:
        entry.severity = limits.severities.get(want.rule, UNKNOWN_SEVERITY)
    entry.kind = want.kind or entry.kind
    return News(
        want, entry.first, entry.revision, firing, entry.since, at, reason, entry.shop, entry.queue or "", entry.severity
    )


def _gone(entry: Told, sessions: list[Measures]) -> Wanted:
    """What is left to say of an alert whose cause the messages no longer show."""
    at = entry.at
    session = next((s for s in reversed(sessions) if s.opened_at <= at), sessions[0] if sessions else Measures(at, at))
    rule, opener = entry.rule, entry.opener
    return Wanted(rule, opener, at, at, at, "", entry.kind, None, session.replies.agent, (opener,), session)
