"""What should have fired in a conversation by now, and which alert that was told each of it is."""

from __future__ import annotations

from udfs.conversation import Conversation
from udfs.limits import FOREVER, NEVER, Limits
from udfs.measures import Measures
from udfs.told import Told
from udfs.wanted import Wanted, waiting, wanted


def goal_of(conversation: Conversation, now: int, limits: Limits) -> list[Wanted]:
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


def told_of(told: list[Told], goal: list[Wanted]) -> list[Told | None]:
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


def adopt(told: list[Told], want: Wanted, matched: set[int], limits: Limits) -> Told | None:
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


def unsaid(entry: Told | None, want: Wanted) -> bool:
    """Whether that it fires is still to be said: never yet, since it was taken back, or since it was over and isn't."""
    return entry is None or entry.firing is None or (not entry.firing and want.ended_at == NEVER)


def still_waiting(
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
