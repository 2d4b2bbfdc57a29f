"""The reference computation: how sessions end, and where they split. Numbers are worked out by hand, see `test_oracle`."""

from __future__ import annotations

from itertools import permutations

from tests.chat import SECOND, T0, Chat
from tests.oracle import sessions
from tests.recorded import GAP, only, records

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
