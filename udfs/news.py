"""News of alerts: one that begins, one that is over, and what is remembered of both."""

from __future__ import annotations

from typing import NamedTuple

from udfs.conversation import Conversation
from udfs.limits import NEVER, Limits
from udfs.measures import Measures
from udfs.told import Told
from udfs.wanted import Wanted

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


def untold(want: Wanted) -> Told:
    """What is remembered of an alert before it fires for the first time."""
    return Told(want.rule, want.opener, want.name, want.at, NEVER, False, want.due, want.edit)


def fire(conversation: Conversation, now: int, limits: Limits, entry: Told, want: Wanted) -> list[News]:
    """It fires, and is over at once if it is over."""
    new, over = entry.revision == NEVER, want.ended_at != NEVER
    news = [say(conversation, limits, entry, want, True, want.due if new or over else max(want.due, now), "")]
    return [*news, resolve(conversation, limits, entry, want)] if over else news


def resolve(conversation: Conversation, limits: Limits, entry: Told, want: Wanted) -> News:
    """It is over, with the reason that `want` has."""
    # Lines that came late may have moved its whole length to before it was raised.
    return say(conversation, limits, entry, want, False, max(want.ended_at, entry.since), want.reason)


def say(
    conversation: Conversation, limits: Limits, entry: Told, want: Wanted, firing: bool, at: int, reason: str
) -> News:
    """One change of status at `at`, with the next revision. Place and severity are those of when it fired."""
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


def causeless(entry: Told, sessions: list[Measures]) -> Wanted:
    """What is left to say of an alert whose cause the messages no longer show."""
    at = entry.at
    session = next((s for s in reversed(sessions) if s.opened_at <= at), sessions[0] if sessions else Measures(at, at))
    rule, opener = entry.rule, entry.opener
    return Wanted(rule, opener, at, at, at, "", entry.kind, None, session.replies.agent, (opener,), session)
