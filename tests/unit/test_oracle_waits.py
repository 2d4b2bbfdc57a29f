"""The reference computation: who answers whom, and what starts and ends a wait. Numbers are worked out by hand, see `test_oracle`."""

from __future__ import annotations

import pytest

from tests.chat import HOUR, SECOND, T0, Chat
from tests.recorded import GAP, only, records

# Who answers


@pytest.mark.parametrize("transfer_first", [False, True])
def test_a_bot_neither_answers_nor_restarts_the_wait(transfer_first: bool):
    chat = Chat().customer(0, "我要换货").bot(3, "请告诉我订单号").customer(40, "找真人")
    if transfer_first:
        chat.event(42, "transfer").bot(42, "马上为您转接")
    else:
        chat.bot(42, "马上为您转接").event(42, "transfer")
    record = only(chat.agent(102, "您好，请说"))
    assert record["first_response_ms"] == 102_000
    assert record["reply_latencies_ms"] == [102_000]
    assert (record["turns"], record["exchanges"]) == (2, 1)


def test_an_opening_by_the_agent_is_no_response():
    chat = Chat().agent(0, "您的快递到了").note(5, "电话没人接").customer(300, "箱子破了").agent(345, "我来处理")
    record = only(chat)
    assert record["first_response_ms"] == 45_000
    assert record["reply_latencies_ms"] == [45_000]
    assert (record["turns"], record["exchanges"]) == (3, 1)
    assert record["agent_messages"] == 2


def test_an_opening_that_nobody_answers_has_no_response_and_is_not_abandoned():
    record = only(Chat().agent(0, "您的快递到了").note(5, "电话没人接"))
    assert record["first_response_ms"] is None
    assert record["first_response_by"] is None
    assert record["abandoned"] is None
    assert record["waits_unanswered"] == 0
    assert record["messages"] == 2


def test_an_automatic_text_under_an_agents_name_is_a_bots():
    chat = (
        Chat()
        .customer(0, "有人在吗")
        .event(1, "assign", text="小林加入了会话")
        .agent(2, "欢迎来到本店", automated=True)
        .agent(90, "我在，您说")
    )
    record = only(chat)
    assert record["first_response_ms"] == 90_000
    assert record["reply_latencies_ms"] == [90_000]
    assert record["turns"] == 2
    assert (record["agent_messages"], record["bot_messages"]) == (1, 1)


def test_a_bots_proposal_that_a_person_sends_is_a_reply():
    record = only(Chat().customer(0, "能开专票吗").bot(25, "可以", bot_mode="assist", agent_id="zhao"))
    assert record["reply_latencies_ms"] == [25_000]
    assert record["reply_latencies_by"] == ["zhao"]
    assert (record["agent_messages"], record["bot_messages"], record["agents"]) == (1, 0, ["zhao"])


def test_a_canned_greeting_is_no_reply():
    record = only(Chat().customer(0, "能开专票吗").bot(1, "亲，在的", bot_mode="preset"))
    assert record["reply_count"] == 0
    assert record["abandoned"] == "before_reply"


def test_a_reply_without_an_agent_id_is_booked_on_the_empty_name():
    record = only(Chat().customer(0, "能开专票吗").agent(10, "能", agent_id=None))
    assert record["reply_latencies_by"] == [""]
    assert record["first_response_by"] == ""
    assert record["agents"] == []


def test_an_internal_note_answers_nothing_and_is_no_agent_message():
    chat = Chat(conversation="85").customer(0, "还要等多久").note(30, "这位客人脾气大", message_id="901")
    record = only(chat)
    assert record["reply_count"] == 0
    assert record["abandoned"] == "before_reply"
    assert (record["messages"], record["agent_messages"], record["agents"]) == (2, 0, [])
    assert record["turns"] == 1


def test_an_internal_line_of_a_customer_or_bot_is_a_note_too():
    chat = Chat().customer(0, "同事转来的", visibility="internal").bot(5, "摘要", visibility="internal")
    record = only(chat)
    assert (record["messages"], record["customer_messages"], record["bot_messages"]) == (2, 0, 0)
    assert (record["turns"], record["waits_unanswered"]) == (0, 0)


def test_a_transferred_wait_is_booked_on_the_agent_who_writes():
    chat = (
        Chat()
        .customer(0, "老板在不")
        .event(200, "transfer", agent_id="B")
        .agent(230, "在，请讲", agent_id="B")
        .customer(300, "多久能送到")
        .agent(320, "三天内", agent_id="C")
    )
    record = only(chat)
    assert (record["first_response_ms"], record["first_response_by"]) == (230_000, "B")
    assert record["reply_latencies_ms"] == [230_000, 20_000]
    assert record["reply_latencies_by"] == ["B", "C"]
    assert record["agents"] == ["B", "C"]


# What starts and ends a wait


def test_a_wait_counts_from_the_oldest_unanswered_message():
    chat = Chat().customer(0, "在不在").customer(30, "急").customer(50, "喂").agent(70, "来了").agent(75, "请讲")
    record = only(chat)
    assert record["reply_latencies_ms"] == [70_000]
    assert (record["turns"], record["exchanges"]) == (2, 1)


def test_nothing_of_an_old_wait_is_left_after_eleven_days():
    chat = (
        Chat()
        .customer(0, "收不到验证码")
        .agent(30, "已重发")
        .event(60, "resolve")
        .customer(11 * 86_400, "又收不到了")
        .agent(11 * 86_400 + 60, "再试试", agent_id="B")
    )
    first, second = records(chat)
    assert (first["resolved"], first["reopened"]) == (True, False)
    assert second["reply_latencies_ms"] == [60_000]
    assert (second["first_response_ms"], second["first_response_by"]) == (60_000, "B")
    assert (second["resolved"], second["reopened"]) == (False, False)  # eight hours on, it is a conversation like any other


def test_a_wait_that_only_a_bot_answered_ends_with_its_session():
    chat = Chat().customer(0, "收不到验证码").bot(30, "请稍后重试")
    chat.customer(950_400, "又收不到了").agent(950_460, "再试试")
    first, second = records(chat)
    assert (first["abandoned"], first["open_wait_ms"]) == ("before_reply", 30_000 + GAP)
    assert second["reply_latencies_ms"] == [60_000]
    assert second["waits_unanswered"] == 0


def test_thanks_after_the_answer_start_no_wait():
    chat = Chat().customer(0, "押金退了没").agent(60, "退了").customer(70, "好的，谢谢啦").event(80, "resolve")
    record = only(chat)
    assert record["reply_latencies_ms"] == [60_000]
    assert (record["waits_unanswered"], record["open_wait_ms"], record["abandoned"]) == (0, None, None)
    assert record["resolved"] is True
    assert record["turns"] == 3


def test_thanks_that_hold_a_question_start_a_wait():
    chat = Chat().customer(0, "押金退了没").agent(60, "退了").customer(70, "好的，那发票呢？")
    record = only(chat)
    assert (record["abandoned"], record["waits_unanswered"], record["open_wait_ms"]) == ("after_reply", 1, GAP)


def test_yes_to_the_agents_question_starts_a_wait():
    chat = Chat().customer(0, "不想要了").agent(60, "帮您撤单可以吗？").customer(70, "好的").agent(95, "撤好了")
    assert only(chat)["reply_latencies_ms"] == [60_000, 25_000]


def test_yes_to_the_bots_question_starts_a_wait():
    chat = Chat().customer(0, "不想要了").agent(60, "明白").bot(65, "需要撤单吗？").customer(70, "好的")
    assert only(chat)["waits_unanswered"] == 1


def test_what_was_asked_waits_for_the_customers_word():
    asked_before = Chat().customer(0, "不想要了").agent(60, "撤单吗？").agent(62, "券不退").customer(70, "好的")
    assert only(asked_before)["waits_unanswered"] == 1
    answered_before = Chat().customer(0, "不想要了").agent(60, "撤单吗？").customer(62, "撤").agent(65, "已撤").customer(70, "好的")
    assert only(answered_before)["waits_unanswered"] == 0
    note_and_system_between = (
        Chat().customer(0, "不想要了").agent(60, "撤单吗？").note(62, "急单").system(63, "已读").customer(70, "好的")
    )
    assert only(note_and_system_between)["waits_unanswered"] == 1


def test_thanks_before_anybody_spoke_start_a_wait():
    assert only(Chat().customer(0, "thanks a lot"))["abandoned"] == "before_reply"
    long_ago = Chat().agent(0, "已发货").customer(9 * HOUR / SECOND, "thanks a lot")
    assert records(long_ago)[1]["abandoned"] == "before_reply"


def test_thanks_an_hour_after_the_answer_start_no_wait():
    answered = Chat().customer(0, "多少钱").agent(5, "199").customer(3_600, "thanks a lot")
    assert (records(answered)[1]["waits_unanswered"], records(answered)[1]["abandoned"]) == (0, None)
    left_waiting = Chat().customer(0, "多少钱").agent(5, "199").customer(10, "包邮吗").customer(3_600, "thanks a lot")
    assert records(left_waiting)[1]["abandoned"] == "before_reply"
    asked = Chat().customer(0, "不想要了").agent(60, "撤单吗？").customer(3_600, "好的")
    assert records(asked)[1]["waits_unanswered"] == 1


def test_thanks_after_a_bots_words_start_no_wait():
    record = only(Chat().bot(0, "包裹已放驿站").customer(20, "thanks a lot"))
    assert (record["waits_unanswered"], record["abandoned"]) == (0, None)


def test_resolve_ends_a_wait_unanswered():
    chat = Chat().customer(0, "押金退了没").agent(60, "退了").customer(70, "卡里没有").event(80, "resolve")
    record = only(chat)
    assert record["reply_latencies_ms"] == [60_000]
    assert record["waits_unanswered"] == 1
    assert (record["open_wait_ms"], record["abandoned"], record["resolved"]) == (None, None, True)


def test_merge_ends_the_wait_of_the_conversation_that_goes():
    survivor = Chat(conversation="cA").customer(0, "包裹不见了").agent(120, "我去查")
    merged = Chat(conversation="cB").customer(10, "人呢").event(60, "merge", into="cA")
    kept, gone = records(survivor, merged)
    assert kept["first_response_ms"] == 120_000
    assert (gone["waits_unanswered"], gone["abandoned"], gone["open_wait_ms"]) == (1, None, None)
    assert gone["resolved"] is False


def test_events_without_a_new_message_touch_nothing():
    chat = (
        Chat()
        .customer(0, "退差价要几天")
        .agent(30, "明晚前到账，拖一天算我输")
        .event(300, "edit", sender="customer", message_id="m1", text="你们说话不算话")
        .event(310, "reaction", sender="customer", text="👍", reply_to="m2")
        .event(311, "reaction", sender="customer", text="", reply_to="m2")
        .event(320, "delete", sender="agent", message_id="m2")
        .event(330, "csat", sender="customer", text="5")
    )
    record = only(chat)
    assert record["reply_latencies_ms"] == [30_000]
    assert (record["turns"], record["messages"], record["waits_unanswered"]) == (2, 2, 0)
    assert record["closed_at"] == T0 + 30 * SECOND


def test_a_picture_without_words_starts_a_wait():
    chat = Chat().customer(0, attachments=[{"type": "image"}]).system(5, attachments=[{"type": "image"}])
    chat.agent(40, "看到了，给您补发")
    record = only(chat)
    assert record["reply_latencies_ms"] == [40_000]
    assert (record["messages"], record["customer_messages"], record["turns"]) == (3, 1, 2)


def test_the_same_message_again_with_its_picture_is_one_message():
    picture = [{"type": "image"}]
    chat = Chat().customer(0, text=None, attachments=picture)
    chat.customer(3, "请看图", message_id="m1", attachments=picture)
    record = only(chat)
    assert (record["messages"], record["closed_at"]) == (1, T0)


@pytest.mark.parametrize("nothing", ["", "  \n", None])
def test_an_empty_message_is_counted_and_touches_nothing(nothing: str | None):
    customer = only(Chat().customer(0, nothing))
    assert (customer["messages"], customer["customer_messages"], customer["turns"]) == (1, 1, 0)
    assert (customer["waits_unanswered"], customer["abandoned"]) == (0, None)
    agent = only(Chat().customer(0, "到货了吗").agent(10, nothing, "A").agent(20, "到了", agent_id="B"))
    assert (agent["agent_messages"], agent["agents"]) == (2, ["A", "B"])
    assert (agent["reply_latencies_ms"], agent["first_response_by"]) == ([20_000], "B")
