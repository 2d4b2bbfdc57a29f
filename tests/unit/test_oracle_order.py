"""The reference computation: order, clocks, repeats and keys. Numbers are worked out by hand, see `test_oracle`."""

from __future__ import annotations

import pytest

from tests.chat import T0, Chat
from tests.oracle import sessions
from tests.recorded import GAP, only, records, sessions_of

# Order, clocks, repeats, keys


def test_in_one_millisecond_the_customer_comes_before_agent_bot_and_system():
    chat = Chat().system(0, "会话开始").bot(0, "您好").agent(0, "请讲").customer(0, "坏了")
    record = only(chat)
    assert record["reply_latencies_ms"] == [0]
    assert (record["turns"], record["exchanges"]) == (2, 1)


def test_in_one_millisecond_equal_senders_go_by_message_id_as_text():
    chat = Chat().customer(0, "坏了").agent(5, "?", agent_id="nine", message_id="m9")
    chat.agent(5, "!", agent_id="ten", message_id="m10")
    assert only(chat)["reply_latencies_by"] == ["ten"]


def test_an_event_without_a_sender_ranks_as_system():
    chat = Chat().customer(0, "坏了").event(10, "resolve", sender=None).agent(10, "换")
    record = only(chat)
    assert (record["reply_latencies_ms"], record["waits_unanswered"]) == ([10_000], 0)


@pytest.mark.parametrize(("ahead", "latencies"), [(2, [20_000, 0]), (2.001, [20_000]), (1, [20_000, 0])])
def test_an_answer_stamped_just_before_the_question_answers_it_at_once(ahead: float, latencies: list[int]):
    chat = Chat().customer(0, "多少钱").agent(20, "九十").agent(60 - ahead, "有的", agent_id="B")
    record = only(chat.customer(60, "红的有吗"))
    assert record["reply_latencies_ms"] == latencies
    assert record["waits_unanswered"] == 2 - len(latencies)


def test_an_answer_that_names_the_question_answers_it_however_early():
    chat = Chat().customer(0, "多少钱").agent(20, "九十").agent(50, "有的", agent_id="B", reply_to="m4")
    record = only(chat.customer(60, "红的有吗"))
    assert record["reply_latencies_ms"] == [20_000, 0]
    assert record["reply_latencies_by"] == ["A", "B"]
    assert record["abandoned"] is None


def test_the_first_message_of_a_session_answers_nothing_that_follows():
    record = only(Chat().agent(0, "亲，在呢", reply_to="m2").customer(1, "发货了吗"))
    assert (record["reply_count"], record["first_response_ms"], record["abandoned"]) == (0, None, "before_reply")


def test_an_early_answer_is_a_first_response_of_zero():
    record = only(Chat().bot(0, "欢迎").agent(10, "昨天发的", agent_id="B").customer(11, "发货了吗"))
    assert (record["first_response_ms"], record["first_response_by"]) == (0, "B")
    assert record["reply_latencies_ms"] == [0]
    assert (record["turns"], record["exchanges"]) == (2, 0)


def test_an_early_answer_is_used_once():
    chat = Chat().bot(0, "欢迎").agent(10, "昨天发的").customer(11, "发货了吗").customer(11.5, "到哪了")
    record = only(chat)
    assert (record["reply_latencies_ms"], record["waits_unanswered"]) == ([0], 1)


def test_only_the_latest_early_answer_is_remembered():
    chat = Chat().bot(0, "欢迎").agent(10, "甲", reply_to="m4").agent(20, "乙").customer(30, "发货了吗")
    assert only(chat)["reply_count"] == 0


def test_an_early_answer_is_forgotten_when_a_wait_opens():
    chat = Chat().bot(0, "欢迎").agent(10, "甲", reply_to="m5").customer(20, "问一").agent(25, "答一")
    assert only(chat.customer(40, "问二"))["reply_latencies_ms"] == [5_000]


def test_a_courtesy_does_not_use_up_an_early_answer():
    chat = Chat().customer(0, "多少钱").agent(20, "九十").agent(30, "包邮").customer(31, "好的").customer(32, "哪天到")
    assert only(chat)["reply_latencies_ms"] == [20_000, 0]


def test_an_early_answer_does_not_reach_across_a_cut():
    chat = Chat().bot(0, "欢迎").agent(10, "昨天发的").customer(11, "发货了吗")
    first, second = records(chat, max_messages=2)
    assert (first["reply_count"], second["reply_count"], second["abandoned"]) == (0, 0, "before_reply")


def test_an_answer_at_once_leaves_a_resolved_session_resolved():
    chat = Chat().customer(0, "多少钱").agent(20, "九十").event(25, "resolve")
    assert only(chat.agent(30, "有的").customer(31, "红的有吗"))["resolved"] is True


def test_a_repeat_is_dropped_whatever_it_says():
    chat = Chat().customer(0, "在哪自提").agent(30, "东门")
    chat.customer(18, "在哪自提", message_id="m1").customer(6 * 3_600, "在哪自提", message_id="m1")
    record = only(chat)
    assert (record["messages"], record["turns"], record["reply_latencies_ms"]) == (2, 2, [30_000])


def test_ids_as_numbers_and_as_text_are_the_same():
    chat = Chat().customer(0, "在哪自提", message_id=77, conversation_id=85)
    chat.customer(0, "在哪自提", message_id="77", conversation_id="85")
    record = only(chat)
    assert (record["conversation_id"], record["messages"]) == ("85", 1)


def test_one_id_with_two_kinds_is_no_repeat():
    chat = Chat().customer(0, "没修好").event(40, "resolve", message_id="m1")
    assert only(chat)["resolved"] is True


def test_tenants_share_neither_conversations_nor_message_ids():
    one = Chat(tenant="t1", conversation="85").customer(0, "单号错了").agent(50, "改好了")
    two = Chat(tenant="t2", conversation="85").agent(5, "有什么需要", agent_id="X").customer(6, "换个尺码")
    interleaved = [one.events[0], *two.events, one.events[1]]
    first, second = sessions_of(interleaved)
    assert (first["tenant"], first["reply_latencies_ms"], first["messages"]) == ("t1", [50_000], 2)
    assert (second["tenant"], second["reply_count"], second["messages"]) == ("t2", 0, 2)
    assert second["open_wait_ms"] == GAP


def test_sources_of_one_tenant_are_apart_as_well():
    one = Chat(source="wecom").customer(0, "单号错了")
    two = Chat(source="web").agent(5, "有什么需要")
    assert [record["source"] for record in records(one, two)] == ["web", "wecom"]


def test_a_missing_tenant_and_source_are_the_default():
    bare = {"message_id": "1", "conversation_id": "2", "sent_at": T0, "sender": "customer", "text": "喂"}
    (record,) = sessions([bare])
    assert (record["tenant"], record["source"], record["waits_unanswered"]) == ("default", "default", 1)
