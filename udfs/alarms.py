"""What has to be said of a conversation at an instant, so that those alerts fire that should (`udfs.goal`).

Alarms are reconciled, not triggered: *wanted* is a function of the sessions and the watermark, *told* is what has been
published; the difference is news. So it does not matter in which order messages came, whether a timer ran in time, or
whether the job was restarted in between: what is over its limit fires, what is not (any more) resolves, and a wait that
broke its limit and ended between two watermarks does both at once.
"""

from __future__ import annotations

from udfs.conversation import Conversation
from udfs.events import ARRIVAL, HITS, ID_HASH, PLACE, SENT_AT
from udfs.goal import adopt, goal_of, still_waiting, told_of, unsaid
from udfs.limits import NEVER, Limits
from udfs.measures import Measures, writer
from udfs.news import News, causeless, fire, resolve, say, untold
from udfs.told import Told
from udfs.wanted import Wanted, wanted


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
    goal = goal_of(conversation, now, limits)
    entries = told_of(told, goal)
    matched = {id(entry) for entry in entries if entry is not None}
    ends: list[News] = []
    for at, want in enumerate(goal):
        known = entries[at] = entries[at] or adopt(told, want, matched, limits)
        if known is None:
            continue
        matched.add(id(known))
        known.opener, known.at, known.edit = want.opener, want.at, want.edit
        if known.firing and want.ended_at != NEVER:
            ends.append(resolve(conversation, limits, known, want))
    corrections: list[News] = []
    causes = {want.cause for want in goal}
    for entry in told:
        if id(entry) in matched or not entry.firing:
            continue
        if waits := still_waiting(entry, sessions, causes, now, limits):
            entry.opener, entry.at = waits
        else:
            corrections.append(say(conversation, limits, entry, causeless(entry, sessions), False, max(now, entry.since), "corrected"))
            entry.firing = None
    # An entry without a cause stays until its session is published: should the cause come back, its revision goes on.
    # All stand under one `dedup_key`: what is over ends before what goes on begins, and while one fires no other is told.
    begins: list[News] = []
    for want, known in zip(goal, entries, strict=True):
        if unsaid(known, want) and not any(other.firing and other.rule == want.rule for other in told):
            if known is None:
                told.append(known := untold(want))
            begins += fire(conversation, now, limits, known, want)
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
            want = next((w for w in wanted(session, now, limits) if w.cause == entry.cause), causeless(entry, [session]))
            news.append(say(conversation, limits, entry, want, False, now, "session_closed"))
    for want, known in held:
        over = want if want.ended_at != NEVER else want._replace(ended_at=now, reason="session_closed")
        news += fire(conversation, now, limits, known or untold(want), over)
    for session in published:
        wait = session.replies.wait
        if wait is not None and not session.cut:
            for rule in limits.abandonment:
                waited = session.last_at + limits.session_gap_ms - wait.start
                want = Wanted(
                    rule, wait.opener, wait.start, now, now, "", "abandonment", waited, session.replies.agent, (wait.opener,), session
                )
                entry = untold(want)
                news.append(say(conversation, limits, entry, want, True, now, ""))
                news.append(say(conversation, limits, entry, want, False, now, "session_closed"))
    return news


def loose_hits(conversation: Conversation, limits: Limits) -> list[News]:
    """What edits have brought in when no session was open, and none can be any more: it fires, and is over at once."""
    news: list[News] = []
    for row in conversation.loose:
        sent_at = row[SENT_AT]
        session = Measures(sent_at, row[ARRIVAL], last_at=sent_at, place=row[PLACE])
        session.findings.hit(row[HITS], row, writer(row), row[ID_HASH])
        for want in wanted(session, sent_at, limits):
            entry = untold(want)
            news.append(say(conversation, limits, entry, want, True, sent_at, ""))
            news.append(say(conversation, limits, entry, want, False, sent_at + limits.allowed_lateness_ms, "session_closed"))
    conversation.loose = []
    return news


def _held(conversation: Conversation, published: list[Measures], now: int, limits: Limits) -> list[tuple[Wanted, Told | None]]:
    """What is still to be said of these sessions: another alert of its rule was firing, and goes on or is over now."""
    if not any(entry.firing for entry in conversation.told):
        return []
    goal = goal_of(conversation, now, limits)
    ids = {id(session) for session in published}
    pairs = zip(goal, told_of(conversation.told, goal), strict=True)
    return [(want, entry) for want, entry in pairs if id(want.session) in ids and unsaid(entry, want)]
