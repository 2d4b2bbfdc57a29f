"""Sessions against the independent recomputation, in any order, with repeats, watermarks anywhere."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import oracle
from tests.chat import HOUR, T0, Chat
from tests.conversing import Talk, rules_with
from tests.strategies import arrivals, conversations
from udfs import known_ids
from udfs.conversation import VERSION, Conversation
from udfs.known_ids import HASH_LENGTH
from udfs.left_open import LeftOpen, leaves_open
from udfs.phrases import declines, is_courtesy, rates, rates_badly
from udfs.surveys import says_all_is_well, says_no_with_thanks

COMPARED = (
    "tenant source conversation_id opened_at closed_at messages customer_messages agent_messages bot_messages agents turns "
    "exchanges first_response_ms first_response_by reply_latencies_ms reply_latencies_by reply_count reply_sum_ms "
    "waits_unanswered open_wait_ms abandoned resolved reopened"
).split()


def order(record: dict[str, Any]) -> tuple[Any, ...]:
    return record["tenant"], record["source"], record["conversation_id"], record["opened_at"]


def compared(records: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(({name: record[name] for name in COMPARED} for record in records), key=order)


def wants_an_answer(text: str) -> bool:
    return leaves_open(text) == LeftOpen.QUESTION


def refuses(text: str, before: str) -> bool:
    left = leaves_open(before)
    if is_courtesy(text) or left == LeftOpen.QUESTION:
        return False
    content = says_all_is_well(text) or (rates(text) and not rates_badly(text))
    return bool((declines(text) and left & LeftOpen.OFFER) or (not declines(text) and content and left & LeftOpen.SURVEY))


def objects(text: str, pending: list[str]) -> bool:
    left = [leaves_open(line) for line in pending]
    return says_no_with_thanks(text) and any(each & LeftOpen.SURVEY for each in left) and not any(each & LeftOpen.OFFER for each in left)


def brief(text: str) -> bool:
    return declines(text) or rates(text) or says_all_is_well(text)


def recomputed(events: list[dict[str, Any]], **options: Any) -> list[dict[str, Any]]:
    return compared(oracle.sessions(events, courtesy=is_courtesy, asks=wants_an_answer, refuses=refuses, objects=objects, brief=brief, **options))


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_any_order_within_lateness_and_any_watermarks_give_the_recomputed_sessions(data: st.DataObject) -> None:
    events = data.draw(conversations())
    talk = Talk()
    talk.play(data.draw(arrivals(events)))
    assert talk.late == []
    assert compared(talk.sessions) == recomputed(events)
    assert all(not state.sessions for state in talk.states().values())


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_small_caps_cut_sessions_where_the_recomputation_cuts_them(data: st.DataObject) -> None:
    events = data.draw(conversations())
    talk = Talk(max_session_messages=3, max_session_ms=HOUR)
    talk.play(data.draw(arrivals(events)))
    assert talk.late == []
    assert compared(talk.sessions) == recomputed(events, max_messages=3, max_span_ms=HOUR)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_without_any_watermark_until_the_end_the_sessions_are_the_same(data: st.DataObject) -> None:
    events = data.draw(conversations())
    talk = Talk()
    for event in data.draw(st.permutations(events)):
        talk.hear(event)
    talk.advance(2**50)
    assert compared(talk.sessions) == recomputed(events)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_every_alert_that_fires_resolves_with_its_own_id_and_the_next_revision(data: st.DataObject) -> None:
    events = data.draw(conversations())
    talk = Talk()
    talk.play(data.draw(arrivals(events)))
    for revisions in talk.by_id():
        assert [alert["revision"] for alert in revisions] == list(range(len(revisions)))
        assert [alert["status"] for alert in revisions] == ["firing", "resolved"] * (len(revisions) // 2)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_conversation_kept_at_hand_goes_on_as_one_read_from_its_state(data: st.DataObject) -> None:
    events = data.draw(conversations())
    caps: dict[str, int] = data.draw(st.sampled_from([{}, {"max_session_messages": 3, "max_session_ms": HOUR}]))
    packed, kept = Talk(**caps), Talk(at_hand=True, **caps)
    for step in data.draw(arrivals(events)):
        for talk in (packed, kept):
            talk.play([step])
        assert kept.packed == packed.packed
        if data.draw(st.booleans()):
            kept.forget()
    assert kept.alerts == packed.alerts
    assert (kept.sessions, kept.late, kept.duplicates) == (packed.sessions, packed.late, packed.duplicates)


def test_a_silence_that_begins_after_a_full_session_is_not_the_full_ones_as_well() -> None:
    chat = Chat(T0).customer(0, "在吗").customer(1, "在吗").customer(2, "在吗").customer(130, "还在吗")
    packed, kept = Talk(max_session_messages=3), Talk(at_hand=True, max_session_messages=3)
    for event in chat.events:
        for talk in (packed, kept):
            talk.play([event])
        assert kept.packed == packed.packed
    (state,) = packed.states().values()
    assert [session.replies.wait is not None and session.replies.wait.silences != [] for session in state.sessions] == [False, True]


def test_a_long_conversation_keeps_a_short_tail_and_the_same_session() -> None:
    chat = Chat(T0)
    for number in range(0, 900, 3):
        chat.customer(number, f"还没到 {number}").agent(number + 1, "马上").bot(number + 2, "请稍等")
    talk = Talk()
    longest = 0
    for event in chat.events:
        talk.advance(event["sent_at"] - 1)
        talk.hear(event)
        longest = max(longest, max(state.tail.size for state in talk.states().values()))
    assert longest < 512
    talk.advance(T0 + 3 * HOUR)
    assert compared(talk.sessions) == recomputed(chat.events)


def test_a_state_survives_being_packed_at_every_step() -> None:
    chat = Chat(T0).customer(0, "在吗").agent(30, "在的").customer(40, "什么时候发货？").agent(200, "今天")
    talk = Talk(rules=rules_with(slow_reply=60))
    for event in chat.events:
        talk.hear(event)
        (packed,) = talk.packed.values()
        assert Conversation.unpack(packed).pack() == packed
        assert json.loads(packed.partition("\n")[0])[0] == VERSION


def test_a_flood_under_one_id_is_looked_through_seldom_and_remembered_in_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_ids, "MAX_IDS", 1_000)
    looked: list[int] = []
    settle = Conversation.settle
    monkeypatch.setattr(Conversation, "settle", lambda self, now, limits: (looked.append(1), settle(self, now, limits))[1])
    talk = Talk(at_hand=True)
    chat = Chat(conversation="undefined")
    for number in range(3_000):
        chat.customer(number / 50, "在吗")
    for event in chat.events:
        talk.hear(event)
    assert len(looked) < 10  # 64, 128, 256, …
    (state,) = talk.states().values()
    assert len(state.ids.latest) + len(state.ids.before) <= 2 * 1_000 * HASH_LENGTH
    talk.hear(chat.events[-1])
    assert len(talk.duplicates) == 1
    talk.advance(T0 + 600_000)  # the flood has settled by the next line
    talk.hear(Chat(conversation="undefined").customer(601, "在吗", message_id="last").events[0])
    (state,) = talk.states().values()
    assert state.tail.size < 10
    talk.advance(T0 + 2 * HOUR)
    assert sum(session["messages"] for session in talk.sessions) == 3_001
