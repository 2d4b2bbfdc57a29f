"""Session records recomputed in the plainest way, to hold against what the streaming job says.

The streaming job keeps running state, cleans it up and corrects it when something arrives out of order. All of that can
go wrong without looking wrong. Here there is a list, a sort and two loops: everything has arrived, nothing is late, no
state survives. The module shares no code with the job, on purpose: a misreading has to be made twice to go unseen.

The definitions are those of the published measures (first response time, next reply time, turns, sessions by a gap).
Where they leave room, this is what is computed:

Identity and order
  1. An event repeats another when tenant, source, conversation, message id and kind are equal; the first to arrive
     stays. Ids are compared as text, so 77 and "77" are one.
  2. Order is (`sent_at`, customer < agent < bot < system by the sender as written, message id as text). An event
     without a sender ranks as system. Of two events still equal (one id, two kinds) the message comes first.

Roles
  3. An internal message is a *note*, whoever wrote it. Otherwise: `agent` not `automated`, and `bot` with
     `bot_mode` assist, are *agent*; any other bot, and an automated agent, are *bot*; *customer* and *system* are
     themselves.
  4. `messages` counts every event of kind `message`. `customer_messages`, `agent_messages`, `bot_messages` count by
     role, so notes and system lines are only in the total. `agents` are the ids behind `agent_messages`, in order
     of first message.
  5. A message is *empty* if its text is blank and it has no attachment. Empty messages are counted (4) and that is
     all. Non-empty messages of customer and agent are the two sides; the rest is transparent to turns, waits and
     responses.
  6. `turns` is the number of maximal runs of one side, `exchanges` the number of customer runs followed by an agent
     run.

Sessions
  7. Only kind `message`, from anybody, opens a session, extends it and moves `opened_at` and `closed_at`.
  8. A message `session_gap_ms` or more after the conversation's previous message opens a session.
  9. A session is *cut* before the message that would be number `max_messages` + 1, or that is `max_span_ms` or more
     after `opened_at`: that message opens the next one. An open wait goes on there with its start unchanged and is
     counted only where it ends; the cut session has `open_wait_ms` = `closed_at` − start of the wait, and is not
     abandoned. Nothing but the wait crosses a cut. Where 8 and 9 both apply, 8 does.
 10. An event of another kind belongs to the session of the last message before it in order if it is less than
     `session_gap_ms` after it; otherwise it does nothing, but that `reopen` marks the next session.
 11. `reopened`: the conversation had a session that ended less than `duplicate_memory_ms` before this one, or a `reopen` lies
     in the session or before it.
 12. `resolved`: the session has a `resolve`, and after its last one neither a `reopen` nor a customer message that
     opens a wait.

Waits
 13. A customer message opens a wait if none is open, unless it is a closing courtesy or is answered at once (16).
 14. It is a closing courtesy if the session has an earlier non-empty message of role agent or bot, or goes on from one that has (19), none of those that are *pending*
     asks, and either `courtesy(text)` and not `asks(text)`, or it `refuses(text, one that is pending)`: it says no to whether there is
     anything else, or yes to whether all is well; or the session is resolved, and `brief(text)`: a no, a yes or a rating. One that
     `objects(text, those that are pending)` is none unless the session is resolved. Pending are the messages of agents, and of bots while
     no wait is open and the session isn't resolved, since the last customer message that was neither a closing courtesy nor answered
     at once (16), and since the last `resolve`.
 15. A non-empty agent message while a wait is open is a reply: latency = its `sent_at` − the wait's start, booked
     on its `agent_id` ("" without one). `resolve` and `merge` end a wait unanswered.
 16. Clocks disagree: an agent's non-empty message that found no wait and is not the session's first message is
     remembered, only the latest, until it is used or a wait opens. If a customer message would open a wait and the
     remembered message was sent at most `clock_skew_ms` before it, or its `reply_to` names it, that is a reply with
     latency 0, and no wait opens.
 17. A session that ends (not: is cut) with a wait open is abandoned: `after_reply` if it has a reply (15, 16)
     or a first response (18), else `before_reply`; that wait is unanswered and `open_wait_ms` = `closed_at` + `session_gap_ms` − its
     start.
 18. First response: from the session's first non-empty customer message to the first non-empty agent message after
     it in order; 0 if that customer message was answered at once (16); None without one.
 19. A session goes on from the one before it if that ended less than `duplicate_memory_ms` before it, wasn't cut, and left no wait open: what was
     pending there is pending.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from typing import Any

SENDERS = ("customer", "agent", "bot", "system")
"""In the order in which events of one millisecond are put."""

LATENCIES_KEPT = 1_000
"""A record lists at most so many replies, the first ones; their count and sum cover all."""

Event = dict[str, Any]


@dataclass
class Part:
    """What belongs to one session: its messages and the other events that act on it, in order."""

    events: list[Event] = field(default_factory=list)
    messages: list[Event] = field(default_factory=list)
    reopened: bool = False
    cut: bool = False
    soon: bool = False  # after the session before

    @property
    def opened_at(self) -> int:
        return int(self.messages[0]["sent_at"])

    @property
    def closed_at(self) -> int:
        return int(self.messages[-1]["sent_at"])


def sessions(
    events: Iterable[Event],
    *,
    session_gap_ms: int = 1_800_000,
    duplicate_memory_ms: int = 28_800_000,
    clock_skew_ms: int = 2_000,
    max_messages: int = 2_000,
    max_span_ms: int = 86_400_000,
    courtesy: Callable[[str], bool] = lambda text: False,
    asks: Callable[[str], bool] = lambda text: False,
    refuses: Callable[[str, str], bool] = lambda text, before: False,
    objects: Callable[[str, list[str]], bool] = lambda text, before: False,
    brief: Callable[[str], bool] = lambda text: False,
) -> list[dict[str, Any]]:
    """The sessions of valid canonical events, given in the order of arrival; by conversation, then by time.

    Times are epoch milliseconds, durations milliseconds. `courtesy` says whether a text is no more than a closing
    courtesy, `asks` whether it expects an answer, `refuses` whether it only says no to an offer of more help, or yes to whether all is well, `objects` whether it is a courtesy that says no to the latter,
    `brief` whether it is only a no, a yes or a rating. No event may be late: what the job would refuse has to be left out.
    """
    records = []
    for _, conversation in sorted(by_conversation(events).items()):
        ordered = sorted(without_repeats(conversation), key=order)
        wait: int | None = None
        left: list[str] | None = None
        for part in split(ordered, session_gap_ms, max_messages, max_span_ms, duplicate_memory_ms):
            record, wait, left = measure(
                part, wait, left if part.soon else None, session_gap_ms, clock_skew_ms, courtesy, asks, refuses, objects, brief
            )
            records.append(record)
    return records


def by_conversation(events: Iterable[Event]) -> dict[tuple[str, str, str], list[Event]]:
    """Events per (tenant, source, conversation), still in the order of arrival."""
    conversations: dict[tuple[str, str, str], list[Event]] = {}
    for event in events:
        if kind_of(event) != "tick":
            conversations.setdefault(key_of(event), []).append(event)
    return conversations


def without_repeats(conversation: Iterable[Event]) -> list[Event]:
    """Rule 1: the first event of each (message id, kind)."""
    first: dict[tuple[str, str], Event] = {}
    for event in conversation:
        first.setdefault((str(event["message_id"]), kind_of(event)), event)
    return list(first.values())


def order(event: Event) -> tuple[int, int, str, bool, str]:
    """Rule 2: the place of an event in its conversation."""
    rank = SENDERS.index(event.get("sender") or "system")
    kind = kind_of(event)
    return event["sent_at"], rank, str(event["message_id"]), kind != "message", kind


def split(
    ordered: list[Event], session_gap_ms: int, max_messages: int, max_span_ms: int, duplicate_memory_ms: int
) -> list[Part]:
    """Rules 7–11: the sessions of one conversation, its events given in order and without repeats."""
    parts: list[Part] = []
    reopen_pending = False
    for event in ordered:
        near = bool(parts) and event["sent_at"] - parts[-1].closed_at < session_gap_ms
        if kind_of(event) != "message":
            if near:
                parts[-1].events.append(event)
            elif kind_of(event) == "reopen":
                reopen_pending = True
            continue
        full = near and (
            len(parts[-1].messages) >= max_messages or event["sent_at"] - parts[-1].opened_at >= max_span_ms
        )
        if full:
            parts[-1].cut = True
        if not near or full:
            again = bool(parts) and event["sent_at"] - parts[-1].closed_at < duplicate_memory_ms
            parts.append(Part(reopened=again or reopen_pending, soon=again))
            reopen_pending = False
        parts[-1].events.append(event)
        parts[-1].messages.append(event)
    return parts


def measure(
    part: Part,
    wait: int | None,
    left: list[str] | None,
    session_gap_ms: int,
    clock_skew_ms: int,
    courtesy: Callable[[str], bool],
    asks: Callable[[str], bool],
    refuses: Callable[[str, str], bool],
    objects: Callable[[str, list[str]], bool],
    brief: Callable[[str], bool],
) -> tuple[dict[str, Any], int | None, list[str] | None]:
    """The record of one session, the start of the wait that goes on in the next (None: there is none), and what is pending there
    (rule 19; None: it doesn't go on from this one).

    `wait` is the start of the wait that a cut session before this one left open; `left`: what is pending.
    """
    tenant, source, conversation_id = key_of(part.events[0])
    said: list[tuple[str, Event]] = []  # non-empty public messages with their role: customer, agent, bot
    replies: list[tuple[int, str]] = []
    answered_at_once: dict[str, str] = {}  # message id of the customer -> agent id
    waits_unanswered = 0
    resolved = False
    spoke = left is not None  # an agent or a bot
    pending = list(left or ())  # what they have said since the customer spoke
    remembered: Event | None = None

    for event in part.events:
        kind = kind_of(event)
        if kind in ("resolve", "merge") and wait is not None:
            waits_unanswered += 1
            wait = None
        if kind == "resolve":
            resolved = True
            pending = []
        if kind == "reopen":
            resolved = False
        if kind != "message" or role_of(event) in ("note", "system") or is_empty(event):
            continue

        if role_of(event) == "agent":
            if wait is not None:
                replies.append((event["sent_at"] - wait, agent_of(event)))
                wait = None
            elif event is not part.events[0]:
                remembered = event

        elif role_of(event) == "customer" and wait is not None:
            pending = []

        elif role_of(event) == "customer" and not (
            spoke and is_closing(text_of(event), pending, resolved, courtesy, asks, refuses, objects, brief)
        ):
            if remembered is not None and answers(remembered, event, clock_skew_ms):
                replies.append((0, agent_of(remembered)))
                answered_at_once[str(event["message_id"])] = agent_of(remembered)
            else:
                wait = event["sent_at"]
                resolved = False
                pending = []
            remembered = None

        if role_of(event) != "customer":
            spoke = True
            if role_of(event) == "agent" or not (resolved or wait is not None):
                pending.append(text_of(event))
        said.append((role_of(event), event))

    abandoned = None
    open_wait_ms = None
    if wait is not None and part.cut:
        open_wait_ms = part.closed_at - wait
    elif wait is not None:
        answered = replies or first_response(said, answered_at_once)[0] is not None
        abandoned = "after_reply" if answered else "before_reply"
        waits_unanswered += 1
        open_wait_ms = part.closed_at + session_gap_ms - wait
        wait = None

    count = Counter(role_of(event) for event in part.messages)
    runs = [role for role, _ in groupby(role for role, _ in said if role != "bot")]
    first_response_ms, first_response_by = first_response(said, answered_at_once)
    record = {
        "tenant": tenant,
        "source": source,
        "conversation_id": conversation_id,
        "opened_at": part.opened_at,
        "closed_at": part.closed_at,
        "messages": len(part.messages),
        "customer_messages": count["customer"],
        "agent_messages": count["agent"],
        "bot_messages": count["bot"],
        "agents": agents_of(part.messages),
        "turns": len(runs),
        "exchanges": sum(pair == ("customer", "agent") for pair in pairwise(runs)),
        "first_response_ms": first_response_ms,
        "first_response_by": first_response_by,
        "reply_latencies_ms": [latency for latency, _ in replies[:LATENCIES_KEPT]],
        "reply_latencies_by": [agent for _, agent in replies[:LATENCIES_KEPT]],
        "reply_count": len(replies),
        "reply_sum_ms": sum(latency for latency, _ in replies),
        "waits_unanswered": waits_unanswered,
        "open_wait_ms": open_wait_ms,
        "abandoned": abandoned,
        "resolved": resolved,
        "reopened": part.reopened or any(kind_of(event) == "reopen" for event in part.events),
    }
    return record, wait, pending if spoke and abandoned is None and not part.cut else None


def is_closing(
    text: str,
    pending: list[str],
    resolved: bool,
    courtesy: Callable[[str], bool],
    asks: Callable[[str], bool],
    refuses: Callable[[str, str], bool],
    objects: Callable[[str, list[str]], bool],
    brief: Callable[[str], bool],
) -> bool:
    """Rule 14: whether a customer's message only closes the conversation, after what the shop has said."""
    if any(asks(line) for line in pending):
        return False
    polite = courtesy(text) and not asks(text)
    if resolved:
        return polite or brief(text)
    return any(refuses(text, line) for line in pending) or (polite and not objects(text, pending))


def answers(remembered: Event, event: Event, clock_skew_ms: int) -> bool:
    """Rule 16: whether an agent's message that sorts before a customer's is the answer to it all the same."""
    if event["sent_at"] - remembered["sent_at"] <= clock_skew_ms:
        return True
    return remembered.get("reply_to") is not None and str(remembered["reply_to"]) == str(event["message_id"])


def first_response(
    said: list[tuple[str, Event]], answered_at_once: dict[str, str]
) -> tuple[int | None, str | None]:
    """Rule 18: how long the first response took, in milliseconds, and the agent who gave it."""
    asked: Event | None = None
    for role, event in said:
        if asked is None and role == "customer":
            asked = event
            if str(event["message_id"]) in answered_at_once:
                return 0, answered_at_once[str(event["message_id"])]
        elif asked is not None and role == "agent":
            return event["sent_at"] - asked["sent_at"], agent_of(event)
    return None, None


def agents_of(messages: list[Event]) -> list[str]:
    """Rule 4: the ids of the agents who wrote, each once."""
    named = [agent_of(event) for event in messages if role_of(event) == "agent" and agent_of(event)]
    return list(dict.fromkeys(named))


def role_of(event: Event) -> str:
    """Rule 3: `customer`, `agent`, `bot`, `system` or `note`."""
    sender = event["sender"]
    if event.get("visibility") == "internal":
        return "note"
    if sender == "bot":
        return "agent" if event.get("bot_mode") == "assist" else "bot"
    if sender == "agent":
        return "bot" if event.get("automated") else "agent"
    return str(sender)


def is_empty(event: Event) -> bool:
    """Rule 5: nothing was said and nothing was shown."""
    return not text_of(event).strip() and not event.get("attachments")


def key_of(event: Event) -> tuple[str, str, str]:
    """Tenant, source and conversation, with the defaults of the first two."""
    return event.get("tenant") or "default", event.get("source") or "default", str(event["conversation_id"])


def kind_of(event: Event) -> str:
    return event.get("kind") or "message"


def text_of(event: Event) -> str:
    return event.get("text") or ""


def agent_of(event: Event) -> str:
    return str(event.get("agent_id") or "")
