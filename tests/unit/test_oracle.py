"""The reference computation of session records gives the values that one finds with pencil and paper.

Other things are checked against `tests.oracle`, so its own tests contain no computed expectation: each number below
was worked out by hand from the seconds in the lines above it.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.chat import DAY, HOUR, SECOND, T0, Chat
from tests.oracle import Event, sessions
from tests.recorded import GAP, records, sessions_of
from tests.strategies import LATENESS, Watermark, arrivals, conversations

# The whole record, once


def test_a_plain_conversation_fills_every_field():
    chat = (
        Chat()
        .customer(0, "耳机左边没声音")
        .bot(1, "请选择问题类型")
        .customer(20, "有人吗")
        .agent(45, "您好，我帮您看看", agent_id="li")
        .note(50, "第二次报修", agent_id="li")
        .agent(60, "可以换新的", agent_id="wang")
        .customer(100, "什么时候寄出")
        .agent(130, "今天下午", agent_id="li")
        .event(200, "resolve")
    )
    assert records(chat) == [
        {
            "tenant": "t1",
            "source": "default",
            "conversation_id": "c1",
            "opened_at": T0,
            "closed_at": T0 + 130 * SECOND,
            "messages": 8,
            "customer_messages": 3,
            "agent_messages": 3,
            "bot_messages": 1,
            "agents": ["li", "wang"],
            "turns": 4,
            "exchanges": 2,
            "first_response_ms": 45_000,
            "first_response_by": "li",
            "reply_latencies_ms": [45_000, 30_000],
            "reply_latencies_by": ["li", "li"],
            "reply_count": 2,
            "reply_sum_ms": 75_000,
            "waits_unanswered": 0,
            "open_wait_ms": None,
            "abandoned": None,
            "resolved": True,
            "reopened": False,
        }
    ]


def test_no_events_make_no_session():
    assert sessions([]) == []


# Whatever the input


@given(conversations(), st.sampled_from([2, 5, 2_000]), st.sampled_from([HOUR, DAY]))
def test_the_accounts_balance(events: list[Event], max_messages: int, max_span_ms: int):
    found = sessions_of(events, max_messages=max_messages, max_span_ms=max_span_ms)
    messages = [event for event in events if event["kind"] == "message"]
    distinct = {(event["tenant"], event["conversation_id"], event["message_id"]) for event in messages}
    assert sum(record["messages"] for record in found) == len(distinct)
    for record in found:
        assert 1 <= record["messages"] <= max_messages
        assert 0 <= record["closed_at"] - record["opened_at"] < max_span_ms
        assert record["customer_messages"] + record["agent_messages"] + record["bot_messages"] <= record["messages"]
        assert all(latency >= 0 for latency in record["reply_latencies_ms"])
        assert record["exchanges"] <= record["turns"] // 2
        assert record["reply_count"] <= record["agent_messages"]
        assert (record["abandoned"] is None) or record["open_wait_ms"] >= GAP


@given(st.data())
def test_the_order_of_arrival_changes_nothing(data: st.DataObject):
    events = data.draw(conversations())
    arrived = [item for item in data.draw(arrivals(events)) if isinstance(item, dict)]
    assert sessions_of(arrived) == sessions_of(events)


@given(st.data())
def test_drawn_arrivals_bring_everything_and_nothing_late(data: st.DataObject):
    events = data.draw(conversations())
    reached = 0
    arrived: list[Event] = []
    for item in data.draw(arrivals(events)):
        if isinstance(item, Watermark):
            assert item.at >= reached
            reached = item.at
        else:
            assert item in arrived or item["sent_at"] > reached - LATENESS
            arrived.append(item)
    assert all(event in arrived for event in events)
    assert all(event in events for event in arrived)
    assert reached >= max(event["sent_at"] for event in events) + GAP + LATENESS
