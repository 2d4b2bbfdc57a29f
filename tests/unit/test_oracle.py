"""The reference computation of session records gives the values that one finds with pencil and paper.

Other things are checked against `tests.oracle`, so its own tests contain no computed expectation: each number below
was worked out by hand from the seconds in the lines above it.
"""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.chat import DAY, HOUR, MINUTE, SECOND, T0, Chat
from tests.oracle import Event, sessions
from tests.strategies import LATENESS, Watermark, arrivals, conversations

GAP = 30 * MINUTE
GOODBYES = ("好的，谢谢啦", "thanks a lot", "好的", "好的，那发票呢？")


def records(*chats: Chat, **settings: Any) -> list[dict[str, Any]]:
    """The sessions of the chats; a courtesy is one of GOODBYES, a question is what has a question mark."""
    return sessions_of([event for chat in chats for event in chat.events], **settings)


def sessions_of(events: list[Event], **settings: Any) -> list[dict[str, Any]]:
    return sessions(
        events, courtesy=lambda text: text in GOODBYES, asks=lambda text: "？" in text or "?" in text, **settings
    )


def only(*chats: Chat, **settings: Any) -> dict[str, Any]:
    """The record of the only session."""
    (record,) = records(*chats, **settings)
    return record


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


def test_the_last_words_before_thanks_decide():
    asked_before = Chat().customer(0, "不想要了").agent(60, "撤单吗？").agent(62, "已撤").customer(70, "好的")
    assert only(asked_before)["waits_unanswered"] == 0
    note_and_system_between = (
        Chat().customer(0, "不想要了").agent(60, "撤单吗？").note(62, "急单").system(63, "已读").customer(70, "好的")
    )
    assert only(note_and_system_between)["waits_unanswered"] == 1


def test_thanks_before_anybody_spoke_start_a_wait():
    assert only(Chat().customer(0, "thanks a lot"))["abandoned"] == "before_reply"
    earlier_session_does_not_count = Chat().agent(0, "已发货").customer(1_900, "thanks a lot")
    assert records(earlier_session_does_not_count)[1]["abandoned"] == "before_reply"


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


# How a session ends


def test_a_session_that_ends_waiting_is_abandoned_and_says_after_how_long():
    record = only(Chat().customer(0, "有货吗").bot(2, "请稍候").customer(100, "还在吗"))
    assert record["abandoned"] == "before_reply"
    assert record["open_wait_ms"] == 100_000 + GAP
    assert record["waits_unanswered"] == 1


def test_abandoned_after_a_reply_is_told_apart():
    record = only(Chat().customer(0, "有货吗").agent(20, "有").customer(50, "黑色的也有？"))
    assert (record["abandoned"], record["open_wait_ms"]) == ("after_reply", GAP)


def test_a_session_is_resolved_unless_it_goes_on_afterwards():
    base = [0, "没收到货"]
    assert only(Chat().customer(*base).agent(9, "补发了").event(20, "resolve"))["resolved"] is True
    reopened = only(Chat().customer(*base).agent(9, "补发了").event(20, "resolve").event(30, "reopen"))
    assert (reopened["resolved"], reopened["reopened"]) == (False, True)
    again = Chat().customer(*base).agent(9, "补发了").event(20, "resolve").customer(30, "单号多少").agent(40, "稍等")
    assert only(again)["resolved"] is False
    assert only(again.event(50, "resolve"))["resolved"] is True
    thanks = Chat().customer(*base).agent(9, "补发了").event(20, "resolve").customer(30, "好的")
    assert only(thanks)["resolved"] is True


def test_resolve_counts_until_the_gap_is_over():
    within = only(Chat().customer(0, "没收到货").event(1_799.999, "resolve"))
    assert (within["resolved"], within["abandoned"], within["waits_unanswered"]) == (True, None, 1)
    beyond = only(Chat().customer(0, "没收到货").event(1_800, "resolve"))
    assert (beyond["resolved"], beyond["abandoned"], beyond["waits_unanswered"]) == (False, "before_reply", 1)


def test_other_events_alone_make_no_session():
    assert records(Chat().event(0, "resolve").event(5, "assign").event(9, "reopen")) == []


def test_ticks_have_no_conversation_and_are_ignored():
    tick = {"kind": "tick"}
    chat = Chat().customer(0, "没收到货").agent(10, "补发")
    assert sessions([tick, *chat.events, tick]) == sessions(chat.events)


def test_reopen_marks_the_session_that_follows():
    assert only(Chat().event(0, "reopen").customer(5, "又是我"))["reopened"] is True
    assert only(Chat().event(0, "assign").customer(5, "又是我"))["reopened"] is False


# Where sessions split


def test_a_late_line_joins_two_sessions_in_any_order_of_arrival():
    chat = Chat().customer(0, "灯不亮").customer(1_500, "试过换插座了").agent(2_700, "给您换一台")
    for arrival in permutations(chat.events):
        (record,) = sessions(arrival)
        assert record["reply_latencies_ms"] == [2_700_000]
        assert (record["turns"], record["waits_unanswered"], record["abandoned"]) == (2, 0, None)
        assert (record["opened_at"], record["closed_at"]) == (T0, T0 + 2_700 * SECOND)


def test_a_gap_of_exactly_the_session_gap_splits():
    assert len(records(Chat().customer(0, "灯不亮").agent(1_800, "在"))) == 2
    assert only(Chat().customer(0, "灯不亮").agent(1_799.999, "在"))["reply_latencies_ms"] == [1_799_999]


def test_bots_notes_and_system_lines_open_and_extend_sessions():
    chat = Chat().bot(0, "欢迎").note(1_500, "观察中").system(3_000, "排队中").customer(4_500, "有人吗")
    record = only(chat)
    assert (record["opened_at"], record["closed_at"]) == (T0, T0 + 4_500 * SECOND)
    assert (record["messages"], record["turns"]) == (4, 1)


def test_a_session_is_cut_after_so_many_messages_and_the_wait_goes_on():
    chat = Chat().agent(0, "您好").customer(10, "单子呢").customer(20, "查一下")
    chat.agent(50, "查到了").customer(60, "哦？")
    first, second = records(chat, max_messages=3)
    assert (first["messages"], first["closed_at"]) == (3, T0 + 20 * SECOND)
    assert (first["abandoned"], first["open_wait_ms"], first["waits_unanswered"]) == (None, 10_000, 0)
    assert second["opened_at"] == T0 + 50 * SECOND
    assert second["reply_latencies_ms"] == [40_000]
    assert second["first_response_ms"] is None
    assert (second["abandoned"], second["waits_unanswered"], second["open_wait_ms"]) == ("after_reply", 1, GAP)
    assert (first["reopened"], second["reopened"]) == (False, True)


def test_a_wait_may_go_on_through_several_cuts():
    chat = Chat().customer(0, "人呢").customer(1, "喂").customer(2, "喂喂").customer(3, "唉")
    one, two, three, four = records(chat, max_messages=1)
    assert [part["open_wait_ms"] for part in (one, two, three)] == [0, 1_000, 2_000]
    assert [part["waits_unanswered"] for part in (one, two, three, four)] == [0, 0, 0, 1]
    assert (four["abandoned"], four["open_wait_ms"]) == ("before_reply", 3_000 + GAP)


def test_a_wait_that_is_resolved_between_a_cut_and_the_next_message_is_not_carried():
    chat = Chat().customer(0, "人呢").event(5, "resolve").agent(9, "来了")
    first, second = records(chat, max_messages=1)
    assert (first["waits_unanswered"], first["open_wait_ms"], first["resolved"]) == (1, None, True)
    assert (second["reply_count"], second["waits_unanswered"]) == (0, 0)


def test_a_session_is_cut_at_its_longest_span():
    chat = Chat().customer(0, "漏水了").customer(1_000, "越来越大").customer(1_999.999, "快").agent(2_000, "派人了")
    first, second = records(chat, max_span_ms=2_000 * SECOND)
    assert (first["messages"], first["abandoned"], first["open_wait_ms"]) == (3, None, 1_999_999)
    assert (second["messages"], second["reply_latencies_ms"]) == (1, [2_000_000])


def test_a_cut_that_is_a_gap_as_well_carries_nothing():
    chat = Chat().customer(0, "漏水了").agent(1_800, "派人了")
    first, second = records(chat, max_messages=1)
    assert (first["abandoned"], first["waits_unanswered"]) == ("before_reply", 1)
    assert second["reply_count"] == 0


def test_a_record_lists_a_thousand_replies_and_sums_all():
    chat = Chat()
    for number in range(1_001):
        chat.customer(10 * number, "在？").agent(10 * number + 1 + 2 * (number == 1_000), "在。")
    record = only(chat, max_messages=3_000)
    assert record["reply_latencies_ms"] == [1_000] * 1_000
    assert len(record["reply_latencies_by"]) == 1_000
    assert (record["reply_count"], record["reply_sum_ms"]) == (1_001, 1_003_000)


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
    assert (record["reply_count"], record["first_response_ms"], record["abandoned"]) == (0, None, "after_reply")


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
