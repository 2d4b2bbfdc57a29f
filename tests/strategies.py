"""Hypothesis strategies for conversations as unpleasant as real ones, and for the ways in which they can arrive.

Times cluster where rules turn over: the session gap and the clock tolerance, each with one millisecond on either side,
and ties. What is drawn is valid and canonical, in the fields of the message event; repeats are exact copies, so that
which of them comes first cannot matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from tests.chat import DAY, HOUR, MINUTE, SECOND, T0

SESSION_GAP = 30 * MINUTE
CLOCK_SKEW = 2 * SECOND
LATENESS = 5 * MINUTE

COURTESIES = ("好的，谢谢啦", "thanks a lot", "好的", "嗯嗯", "ok")
QUESTIONS = ("要帮您撤单吗？", "Shall I send a new one?", "好的，那发票呢？")
STATEMENTS = ("屏幕有裂痕", "已经补发了", "it does not start", "稍等")
EMPTY = ("", "  ")

Event = dict[str, Any]


@dataclass(frozen=True)
class Watermark:
    """Event time has reached `at` (epoch milliseconds) for everybody."""

    at: int


def steps(session_gap_ms: int = SESSION_GAP) -> st.SearchStrategy[int]:
    """Milliseconds from one event of a conversation to the next one written; negative where a clock is behind."""
    edges = [0, 1, CLOCK_SKEW, session_gap_ms]
    around = sorted({edge + shift for edge in edges for shift in (-1, 0, 1)})
    return st.one_of(
        st.sampled_from(around),
        st.sampled_from([-CLOCK_SKEW - 1, -CLOCK_SKEW, -MINUTE, SECOND, 20 * SECOND, MINUTE, session_gap_ms // 2]),
        st.integers(min_value=0, max_value=session_gap_ms),
    )


@st.composite
def lines(draw: st.DrawFn) -> Event:
    """What one event says, without its time, id and conversation."""
    texts = st.sampled_from([*COURTESIES, *QUESTIONS, *STATEMENTS, *STATEMENTS, *EMPTY, "没有", "满意", "不满意", "解决了", "没有，谢谢", "还有什么可以帮您的吗？", "您的问题解决了吗？", "有问题随时联系我们"])
    kinds = ["message"] * 14 + ["resolve", "resolve", "reopen", "merge", "transfer", "assign", "reaction", "csat"]
    kind = draw(st.sampled_from(kinds))
    sender = draw(st.sampled_from(["customer"] * 4 + ["agent"] * 4 + ["bot", "bot", "system"]))
    line: Event = {"kind": kind, "sender": sender, "visibility": "public", "text": draw(texts)}
    if sender == "agent":
        agent_id = draw(st.sampled_from(["A", "B", None]))
        line |= {"agent_id": agent_id} if agent_id else {}
        line |= {"automated": True} if draw(st.integers(0, 5)) == 5 else {}
    if sender == "bot":
        line["bot_mode"] = draw(st.sampled_from(["auto", "assist", "preset"]))
    if draw(st.integers(0, 7)) == 7:
        line["visibility"] = "internal"
    if draw(st.integers(0, 7)) == 7:
        line["attachments"] = [{"type": "image"}]
    return line


@st.composite
def conversation(
    draw: st.DrawFn, tenant: str, conversation_id: str, max_events: int = 12, session_gap_ms: int = SESSION_GAP
) -> list[Event]:
    """The events of one conversation, as written; no two share message id, but edits and deletions name a message."""
    written = draw(st.lists(st.tuples(steps(session_gap_ms), lines()), min_size=1, max_size=max_events))
    ids = draw(st.permutations([f"m{number}" for number in range(1, len(written) + 1)]))
    at = T0 + draw(st.sampled_from([0, 1, SECOND, MINUTE]))
    events: list[Event] = []
    for (step, line), message_id in zip(written, ids, strict=True):
        at += step
        event = {
            "tenant": tenant,
            "source": "default",
            "conversation_id": conversation_id,
            "message_id": message_id,
            "sent_at": at,
            **line,
        }
        if line["sender"] == "agent" and draw(st.integers(0, 3)) == 3:
            event["reply_to"] = draw(st.sampled_from(ids))
        events.append(event)
        if line["kind"] == "message" and draw(st.integers(0, 9)) == 9:
            # Some platforms send a change under the message's id and date, others with the date of the change.
            changed_at = at + draw(st.sampled_from([0, 1, MINUTE, session_gap_ms]))
            change = {"kind": draw(st.sampled_from(["edit", "delete"])), "sent_at": changed_at, "text": "改过了"}
            events.append({**event, **change})
    return events


@st.composite
def conversations(draw: st.DrawFn, max_events: int = 12, session_gap_ms: int = SESSION_GAP) -> list[Event]:
    """The events of one to three conversations, not sorted, some of them twice.

    Message ids repeat between conversations, and one conversation id is used by two tenants.
    """
    keys = draw(st.sampled_from([1, 1, 2, 3]))
    events: list[Event] = []
    for tenant, conversation_id in [("t1", "c1"), ("t2", "c1"), ("t1", "c2")][:keys]:
        events += draw(conversation(tenant, conversation_id, max_events, session_gap_ms))
    return events + draw(st.lists(st.sampled_from(events), max_size=3))


@st.composite
def arrivals(
    draw: st.DrawFn,
    events: list[Event],
    session_gap_ms: int = SESSION_GAP,
    allowed_lateness_ms: int = LATENESS,
    duplicate_memory_ms: int = 8 * HOUR,
) -> list[Event | Watermark]:
    """One way in which the events can arrive: any order, some of them again, with watermarks between; nothing is late.

    Watermarks never fall. One stays below the earliest event still to come plus the lateness: then nothing has settled
    that the event could sort before, and no session is published that it could touch. Repeats come while
    `duplicate_memory_ms` lasts. A last watermark is far enough for every session to be published.
    """
    if draw(st.booleans()):
        order = draw(st.permutations(events))
    else:
        delays = st.sampled_from([0, 0, 1, SECOND, MINUTE, allowed_lateness_ms, session_gap_ms])
        order = sorted(events, key=lambda event: event["sent_at"] + draw(delays))

    arrived: list[Event | Watermark] = []
    reached: int | None = None
    for position, event in enumerate(order):
        arrived.append(event)
        earlier = order[draw(st.integers(0, position))]
        if draw(st.integers(0, 5)) == 5 and (reached is None or reached < earlier["sent_at"] + duplicate_memory_ms):
            arrived.append(dict(earlier))
        to_come = [other["sent_at"] for other in order[position + 1 :]]
        limit = min(to_come, default=max(other["sent_at"] for other in order)) + allowed_lateness_ms - 1
        back = draw(st.sampled_from([None, 0, 0, 1, SECOND, MINUTE, allowed_lateness_ms]))
        if back is not None and (reached is None or limit - back >= reached):
            reached = limit - back
            arrived.append(Watermark(reached))
    last = max(event["sent_at"] for event in events) + session_gap_ms + allowed_lateness_ms
    return [*arrived, Watermark(last + DAY)]
