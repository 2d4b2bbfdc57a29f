"""Response times, waits and turns: what the published measures say of conversations that trip up real systems."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import Any

import pytest

from models.scorer import NullScorer, Score
from tests.chat import DAY, HOUR, MINUTE, SECOND, T0, Chat
from tests.conversing import Talk, rules_with

TIMED = rules_with(slow_reply=60, silence=120, abandonment=True)


def sessions(chat: Chat, **limits: Any) -> list[dict[str, Any]]:
    return Talk(TIMED, **limits).say(chat.events).sessions


def session(chat: Chat, **limits: Any) -> dict[str, Any]:
    (only,) = sessions(chat, **limits)
    return only


def told(chat: Chat, rules: Any = TIMED) -> list[tuple[str, str, str]]:
    """(rule, status, reason) of every alert, in the order in which they were published."""
    return [(a["rule"], a["status"], a["resolve_reason"] or "") for a in Talk(rules).say(chat.events).alerts]


# --- Questions of the shop's -----------------------------------------------------------------------------------------


def asked(question: str = "要我现在取消订单吗？") -> Chat:
    return Chat().customer(0, "想退货").agent(10, question)


@pytest.mark.parametrize(
    "chat",
    [
        asked(),
        asked().agent(14, "取消后优惠券不退哦"),
        asked().agent(14, "取消后优惠券不退哦", agent_id="B"),
        asked().agent(14, "", attachments=[{"type": "image"}]),
        asked().bot(14, "温馨提示：请勿私下转账"),
        asked().agent(14, "本店今日满减", automated=True),
        asked().system(14, "客服已读").note(15, "急单"),
        asked().agent(14, "还有其他可以帮您的吗？"),
        asked().agent(14, "稍等").agent(15, "券不退").bot(16, "欢迎"),
    ],
)
def test_yes_to_a_question_waits_whatever_else_the_shop_has_said_since(chat: Chat) -> None:
    assert session(chat.customer(20, "好的"))["abandoned"] == "after_reply"


def test_what_was_asked_is_over_when_the_customer_has_spoken_or_somebody_has_resolved() -> None:
    assert session(asked().customer(20, "取消吧").agent(30, "已取消").customer(40, "好的"))["abandoned"] is None
    assert session(asked().event(15, "resolve").customer(20, "好的"))["abandoned"] is None
    assert session(asked("还有其他可以帮您的吗？").agent(14, "祝您愉快").customer(20, "谢谢").customer(25, "没有"))["abandoned"] is None


def test_what_a_bot_asks_of_a_customer_who_waits_is_settled_by_the_person_who_answers_him() -> None:
    chat = Chat().customer(0, "想退货").bot(1, "请问您要咨询什么？").agent(30, "已为您退款").customer(40, "好的谢谢")
    assert session(chat)["abandoned"] is None
    assert session(Chat().customer(0, "想退货").agent(5, "在").bot(9, "需要撤单吗？").customer(20, "好的"))["abandoned"] == "after_reply"


def test_a_question_that_is_stamped_before_what_it_answers_is_still_asked() -> None:
    chat = Chat().customer(0, "想退货").agent(10, "在的").agent(19, "要我现在取消订单吗？").customer(20, "就是昨天那单").customer(30, "好的")
    assert session(chat)["abandoned"] == "after_reply"


# --- Bots ------------------------------------------------------------------------------------------------------------


def handed_over() -> Chat:
    chat = Chat().customer(0, "我想把鞋子退掉").bot(2, "请先选一个订单").customer(30, "我要找真人")
    return chat.bot(33, "正在为您接通").event(33, "transfer").agent(95, "您好，鞋子的事我来办")


def test_first_response_runs_past_the_bot_to_the_first_person() -> None:
    record = session(handed_over())
    assert (record["first_response_ms"], record["first_response_by"]) == (95 * SECOND, "A")
    assert record["reply_latencies_ms"] == [95 * SECOND]
    assert (record["turns"], record["exchanges"], record["bot_messages"]) == (2, 1, 2)


def test_a_transfer_and_a_bot_line_of_one_millisecond_may_arrive_in_either_order() -> None:
    chat = handed_over()
    swapped = handed_over()
    swapped.events[3], swapped.events[4] = swapped.events[4], swapped.events[3]
    assert session(chat) == session(swapped)


def test_a_wait_that_only_the_bot_has_answered_is_slow_for_the_customer_all_the_same() -> None:
    assert told(handed_over()) == [("slow_reply", "firing", ""), ("slow_reply", "resolved", "answered")]


def test_a_bots_proposal_that_a_person_sent_is_an_answer() -> None:
    record = session(Chat().customer(0, "发票开了吗？").bot(25, "已经开好了", bot_mode="assist", agent_id="A"))
    assert (record["first_response_ms"], record["first_response_by"]) == (25 * SECOND, "A")
    assert (record["agent_messages"], record["bot_messages"], record["abandoned"]) == (1, 0, None)


@pytest.mark.parametrize("mode", ["auto", "preset"])
def test_what_a_bot_says_by_itself_is_no_answer(mode: str) -> None:
    record = session(Chat().customer(0, "发票开了吗？").bot(1, "欢迎光临", bot_mode=mode))
    assert (record["first_response_ms"], record["reply_latencies_ms"], record["abandoned"]) == (
        None,
        [],
        "before_reply",
    )


# --- Who speaks first ------------------------------------------------------------------------------------------------


def test_what_an_agent_says_before_the_customer_is_no_first_response() -> None:
    chat = Chat().agent(0, "您的台灯今天送到，有事随时说").note(4, "已短信通知").customer(240, "灯罩裂了")
    record = session(chat.agent(275, "真对不起，马上补发"))
    assert (record["first_response_ms"], record["reply_latencies_ms"]) == (35 * SECOND, [35 * SECOND])
    assert (record["turns"], record["exchanges"]) == (3, 1)


def test_where_the_customer_never_speaks_there_is_no_response_no_silence_and_nobody_left_alone() -> None:
    chat = Chat().agent(0, "您的台灯今天送到，有事随时说").note(4, "已短信通知")
    record = session(chat)
    assert (record["first_response_ms"], record["abandoned"], record["open_wait_ms"]) == (None, None, None)
    assert (record["turns"], record["exchanges"], record["messages"]) == (1, 0, 2)
    assert told(chat) == []


def test_a_machines_text_under_an_agents_name_is_no_answer() -> None:
    chat = Chat().customer(0, "有人吗").system(1, "小林已接入", kind="assign")
    chat.agent(2, "欢迎光临，客服马上就来", automated=True).agent(80, "有的，您说")
    record = session(chat)
    assert (record["first_response_ms"], record["reply_latencies_ms"], record["turns"]) == (80_000, [80_000], 2)
    assert (record["agent_messages"], record["bot_messages"]) == (1, 1)


def test_an_answer_without_the_agents_id_is_an_answer() -> None:
    record = session(Chat().customer(0, "在吗").agent(20, "在", agent_id=None))
    assert (record["reply_latencies_ms"], record["reply_latencies_by"], record["agents"]) == ([20_000], [""], [])


# --- What ends a wait, and what doesn't ------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["answer", "resolve", "session_end", "bot_only"])
def test_a_conversation_that_wakes_up_weeks_later_starts_from_nothing(ending: str) -> None:
    chat = Chat().customer(0, "水壶漏水")
    if ending == "answer":
        chat.agent(30, "给您换一个").event(45, "resolve")
    elif ending == "resolve":
        chat.event(45, "resolve")
    elif ending == "bot_only":
        chat.bot(1, "请描述您的问题")
    late = 12 * DAY // SECOND
    first, second = sessions(chat.customer(late, "又漏了").agent(late + 50, "这次给您退款", agent_id="B"))
    assert (second["first_response_ms"], second["reply_latencies_ms"]) == (50_000, [50_000])
    numbers = [*first["reply_latencies_ms"], first["open_wait_ms"] or 0, first["first_response_ms"] or 0]
    assert max(numbers) <= 31 * MINUTE


def test_later_lines_of_a_waiting_customer_do_not_restart_the_clock() -> None:
    record = session(Chat().customer(0, "包裹呢？").customer(40, "喂").customer(70, "？？").agent(90, "在路上了"))
    assert (record["reply_latencies_ms"], record["reply_count"], record["turns"]) == ([90_000], 1, 2)


@pytest.mark.parametrize("kind", ["reaction", "assign", "transfer", "csat", "edit", "delete", "reopen"])
def test_records_without_a_new_message_answer_nothing(kind: str) -> None:
    chat = Chat().customer(0, "包裹呢？").event(20, kind, sender="agent", agent_id="A", text="👍").agent(50, "在路上")
    record = session(chat)
    assert (record["reply_latencies_ms"], record["messages"], record["turns"]) == ([50_000], 2, 2)


@pytest.mark.parametrize("kind", ["reaction", "assign", "transfer", "csat", "edit", "delete", "reopen"])
def test_records_without_a_new_message_open_no_wait(kind: str) -> None:
    chat = Chat().customer(0, "包裹呢？").agent(50, "在路上").event(70, kind, sender="customer", text="什么时候？")
    record = session(chat)
    assert (record["open_wait_ms"], record["abandoned"], record["closed_at"]) == (None, None, T0 + 50 * SECOND)


def test_a_note_and_a_system_line_leave_the_customer_waiting() -> None:
    chat = Chat().customer(0, "包裹呢？").note(10, "这位催了三次").system(20, "排队第 3 位").agent(40, "在路上")
    record = session(chat)
    assert (record["reply_latencies_ms"], record["turns"], record["agent_messages"]) == ([40_000], 2, 1)


# --- Courtesy --------------------------------------------------------------------------------------------------------


def answered() -> Chat:
    return Chat().customer(0, "押金退了吗").agent(50, "押金已经退回")


def test_thanks_after_the_answer_starts_no_wait() -> None:
    chat = answered().customer(60, "好的，谢谢🙏").event(75, "resolve")
    record = session(chat)
    assert (record["reply_latencies_ms"], record["open_wait_ms"], record["abandoned"]) == ([50_000], None, None)
    assert (record["resolved"], record["waits_unanswered"], record["turns"]) == (True, 0, 3)
    assert told(chat) == []


def test_thanks_with_a_question_in_it_starts_a_wait() -> None:
    chat = answered().customer(60, "谢谢，那手续费算谁的？")
    alert = next(a for a in Talk(TIMED).say(chat.events).alerts if a["rule"] == "silence")
    assert (alert["status"], alert["opened_at"]) == ("firing", "2026-03-02T02:03:00.000Z")
    assert session(chat)["abandoned"] == "after_reply"


def test_yes_to_the_agents_question_waits_for_the_deed() -> None:
    chat = Chat().customer(0, "押金退了吗").agent(50, "需要我现在帮您退吗？").customer(60, "好的").agent(200, "退了")
    assert session(chat)["reply_latencies_ms"] == [50_000, 140_000]


def test_thanks_before_anybody_answered_starts_a_wait() -> None:
    assert session(Chat().customer(0, "谢谢"))["abandoned"] == "before_reply"


def test_resolving_ends_a_wait_unanswered_and_nothing_fires_afterwards() -> None:
    chat = answered().customer(60, "还是没看到钱").event(75, "resolve")
    record = session(chat)
    assert (record["waits_unanswered"], record["open_wait_ms"], record["abandoned"]) == (1, None, None)
    assert (record["resolved"], record["reply_latencies_ms"]) == (True, [50_000])
    assert told(chat) == []


def test_a_question_after_resolve_opens_the_conversation_again() -> None:
    record = session(answered().event(55, "resolve").customer(70, "等等，还是没到账？").agent(90, "我看一下"))
    assert (record["resolved"], record["reply_latencies_ms"]) == (False, [50_000, 20_000])


def test_resolving_twice_counts_one_unanswered_wait() -> None:
    record = session(answered().customer(60, "还是没看到钱").event(75, "resolve").event(80, "resolve"))
    assert record["waits_unanswered"] == 1


# --- Transfer, merge, edit -------------------------------------------------------------------------------------------


def test_time_is_booked_on_the_person_who_wrote() -> None:
    chat = Chat().customer(0, "在不在").event(150, "transfer", agent_id="A", to="B").agent(170, "在", agent_id="B")
    record = session(chat.customer(260, "要几天").agent(285, "四天", agent_id="C"))
    assert (record["first_response_ms"], record["first_response_by"]) == (170_000, "B")
    assert record["reply_latencies_ms"] == [170_000, 25_000]
    assert record["reply_latencies_by"] == ["B", "C"]
    assert record["agents"] == ["B", "C"]


def test_a_merge_ends_the_wait_of_the_conversation_that_went_away() -> None:
    chat = Chat(conversation="c2").customer(10, "有人吗").event(55, "merge", into="c1")
    record = session(chat)
    assert (record["waits_unanswered"], record["abandoned"], record["open_wait_ms"]) == (1, None, None)
    assert told(chat) == []


def test_an_edit_changes_no_time_no_turn_and_no_wait_but_its_words_are_looked_at() -> None:
    rules = rules_with(slow_reply=60, silence=120, phrases=["蠢货"])
    chat = Chat().customer(0, "退款几天到？").agent(30, "两天内，别催了蠢货")
    chat.customer(200, "你们骗人", message_id="m1", sent_at=T0, edited_at=T0 + 200 * SECOND)
    chat.event(210, "reaction", sender="customer", text="👍", message_id="m2")
    chat.event(211, "reaction", sender="customer", text="", message_id="m2-removed")
    chat.agent(220, "", message_id="m2", text_removed=True, deleted=True)
    talk = Talk(rules).say(sorted(chat.events, key=lambda event: event["sent_at"]))
    (record,) = talk.sessions
    assert (record["turns"], record["reply_latencies_ms"], record["messages"]) == (2, [30_000], 2)
    assert (record["open_wait_ms"], record["closed_at"]) == (None, T0 + 30 * SECOND)
    assert record["rules"] == [{"rule": "phrases", "message_ids": ["m2"]}]
    assert talk.late == talk.duplicates == []


def test_a_forbidden_word_that_is_edited_in_is_found() -> None:
    chat = Chat().customer(0, "退款几天到？").agent(30, "两天内")
    edit = {**chat.events[1], "text": "两天内，蠢货", "edited_at": T0 + 20 * MINUTE}
    talk = Talk(rules_with(phrases=["蠢货"]))
    for event in chat.events:
        talk.hear(event)
    talk.advance(T0 + 20 * MINUTE - 1).hear(edit, record_ms=T0 + 20 * MINUTE)
    (alert,) = talk.alerts
    assert (alert["status"], alert["evidence"], alert["agent_id"]) == ("firing", ["m2"], "A")
    assert talk.late == []


def test_an_edit_with_the_time_of_its_question_is_still_heard_after_it() -> None:
    question = Chat().customer(0, "你好，退款几天到？").events[0]
    edit = {**question, "kind": "edit", "text": "蠢货"}
    for order in permutations([question, edit]):
        talk = Talk(rules_with(phrases=["蠢货"])).say(list(order))
        assert [alert["status"] for alert in talk.alerts] == ["firing", "resolved"]


def test_one_edit_delivered_twice_is_one_and_two_edits_are_two() -> None:
    (message,) = Chat().agent(0, "两天").events
    once = {**message, "text": "三天", "edited_at": "2026-03-02T02:01:00Z"}
    again = {**once, "edited_at": T0 + MINUTE}
    other = {**once, "text": "四天", "edited_at": T0 + 2 * MINUTE}
    talk = Talk().say([message, once, again, other])
    assert [(repeat["message_id"], repeat["kind"]) for repeat in talk.duplicates] == [("m1", "edit")]


# --- Clocks ----------------------------------------------------------------------------------------------------------


def test_an_answer_stamped_just_before_its_question_answers_it_in_no_time() -> None:
    chat = Chat().customer(0, "几点关门？").agent(9, "九点").agent(58, "周末也是").customer(59.5, "周末呢？")
    record = session(chat)
    assert (record["reply_latencies_ms"], record["abandoned"]) == ([9_000, 0], None)


def test_beyond_the_tolerance_only_an_explicit_answer_reaches_back() -> None:
    without = Chat().customer(0, "几点关门？").agent(9, "九点").agent(50, "是").customer(59, "周末呢？")
    assert session(without)["abandoned"] == "after_reply"
    named = Chat().customer(0, "几点关门？").agent(9, "九点").agent(50, "是", reply_to="m4").customer(59, "周末呢？")
    assert session(named)["reply_latencies_ms"] == [9_000, 0]


def test_the_opener_of_a_session_answers_nothing_that_comes_later() -> None:
    record = session(Chat().agent(0, "有问题随时说").customer(1, "有一个").agent(31, "请讲"))
    assert record["reply_latencies_ms"] == [30_000]


def test_no_latency_is_ever_negative() -> None:
    chat = (
        Chat().customer(0, "一").agent(-1, "二").customer(1, "三").agent(0.5, "四").customer(2, "五").agent(1.9, "六")
    )
    for order in permutations(chat.events):
        for record in Talk().say(list(order)).sessions:
            assert min(record["reply_latencies_ms"], default=0) >= 0


def test_a_session_is_reopened_by_an_event_or_by_an_earlier_session() -> None:
    first, second = sessions(
        Chat().customer(0, "水壶漏水").agent(30, "换").customer(7_200, "又漏了").agent(7_230, "换")
    )
    assert (first["reopened"], second["reopened"]) == (False, True)
    first, second = sessions(  # however long the job happens to remember the first one
        Chat().customer(0, "水壶漏水").agent(30, "换").customer(30 + 28_800, "又漏了").agent(28_900, "换")
    )
    assert (first["reopened"], second["reopened"]) == (False, False)
    assert session(Chat().event(0, "reopen").customer(5, "还是漏").agent(10, "换"))["reopened"] is True
    assert (
        session(Chat().customer(0, "漏水").agent(5, "换").event(9, "resolve").event(20, "reopen"))["resolved"] is False
    )


# --- Sessions --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["before_reply", "after_reply"])
def test_an_abandoned_session_tells_whether_a_person_ever_replied(end: str) -> None:
    chat = Chat().customer(0, "蓝色有货吗？").bot(1, "请稍等")
    if end == "after_reply":
        chat.agent(20, "有的").customer(50, "那黑色的呢？")
    record = session(chat)
    start = 0 if end == "before_reply" else 50_000
    assert record["abandoned"] == end
    assert record["open_wait_ms"] == record["closed_at"] + 30 * MINUTE - T0 - start
    assert record["waits_unanswered"] == 1


def test_a_cut_session_hands_its_open_wait_to_the_next() -> None:
    chat = Chat().customer(0, "一").customer(10, "二").customer(20, "三").customer(30, "四").agent(40, "在")
    first, second = sessions(chat, max_session_messages=3)
    assert (first["messages"], first["open_wait_ms"], first["abandoned"]) == (3, 20_000, None)
    assert (second["reply_latencies_ms"], second["reopened"]) == ([40_000], True)


def test_a_day_old_session_is_cut_though_nobody_paused() -> None:
    chat = Chat()
    for quarter in range(100):
        chat.customer(quarter * 900, "还在吗").agent(quarter * 900 + 10, "在")
    first, second = sessions(chat)
    assert first["closed_at"] - first["opened_at"] < 24 * HOUR
    assert first["reply_count"] + second["reply_count"] == 100


def test_turns_are_runs_of_one_side_and_transparent_lines_do_not_break_them() -> None:
    chat = Chat().customer(0, "你好").customer(1, "在吗").bot(2, "您好").customer(3, "人工")
    chat.agent(5, "您好").system(6, "已接入").agent(7, "请说").note(8, "新客").customer(20, "要换货").agent(30, "好的")
    record = session(chat)
    assert (record["turns"], record["exchanges"]) == (4, 2)


def test_latencies_are_listed_up_to_a_thousand_and_counted_beyond() -> None:
    chat = Chat()
    for number in range(1_001):
        chat.customer(number * 10, f"第{number}个问题？").agent(number * 10 + 1, "好")
    record = session(chat, max_session_messages=5_000)
    assert len(record["reply_latencies_ms"]) == len(record["reply_latencies_by"]) == 1_000
    assert (record["reply_count"], record["reply_sum_ms"]) == (1_001, 1_001 * SECOND)


# --- What says something, and what doesn't ------------------------------------------------------------------------------


@pytest.mark.parametrize("html", ['<p><img src="https://cdn.example/broken.jpg"></p>', "<VIDEO src='a.mp4'></VIDEO>", "<p>&#8203;<img/></p>"])
def test_a_picture_without_words_inside_html_is_a_message(html: str) -> None:
    assert told(Chat().customer(0, html, format="html"))[:2] == [("slow_reply", "firing", ""), ("silence", "firing", "")]
    answered = session(Chat().customer(0, "在吗？").agent(20, html, format="html"))
    assert answered["reply_latencies_ms"] == [20 * SECOND]


@pytest.mark.parametrize(("text", "fields"), [("\u200b", {}), (" \ufeff\u2060 ", {}), ("<p>&#8203;</p>", {"format": "html"}), ("<hr>", {"format": "html"})])
def test_a_line_of_which_nothing_is_seen_waits_for_nothing(text: str, fields: dict[str, str]) -> None:
    chat = Chat().customer(0, "发货了吗？").agent(5, "发了").customer(10, text, **fields)
    assert told(chat) == []
    assert session(chat)["turns"] == 2


def test_what_an_agent_quotes_in_html_is_not_his_own() -> None:
    abuse = rules_with(phrases=["有病"])
    quoted = '<p>非常抱歉</p><blockquote type="cite">你有病\n吧<p>真有病</p></blockquote><p>马上处理</p>'
    assert told(Chat().customer(0, "在吗").agent(5, quoted, format="html"), abuse) == []
    said = "<blockquote>怎么</blockquote><p>你有病吧</p>"
    assert told(Chat().customer(0, "在吗").agent(5, said, format="html"), abuse)[0] == ("phrases", "firing", "")


OFFER = "还有什么可以帮您的吗？"


@pytest.mark.parametrize("text", ["没有", "没", "沒有。", "不用", "不需要", "暂时没有", "没有其他问题了", "没有别的了亲", "No", "nope.", "No, thank you", "Nope, all good", "not really"])
def test_a_no_to_whether_there_is_anything_else_waits_for_nothing(text: str) -> None:
    assert told(Chat().customer(0, "退款了吗？").agent(5, "退了。" + OFFER).customer(10, text)) == []
    assert told(Chat().customer(0, "退款了吗？").bot(3, OFFER).agent(5, "退了").bot(6, OFFER).customer(10, text)) == []


@pytest.mark.parametrize(
    "line", ["收到货了吗？", "已经退款了", "亲，还没收到货吗？需要帮您催一下吗？", "还没有收到吗？需要我帮您查吗？", "请问您收到货了吗？还有其他问题吗？"]
)
@pytest.mark.parametrize("answer", ["没有", "nope. great"])
def test_a_no_to_anything_else_waits_for_the_shop(line: str, answer: str) -> None:
    """It has not come; the refund isn't there: whoever says so waits."""
    assert told(Chat().customer(0, "在吗").agent(5, line).customer(10, answer))[0] == ("slow_reply", "firing", "")


def test_a_no_to_two_questions_of_which_one_is_whether_there_is_anything_else_waits() -> None:
    line = "Did the refund arrive? Is there anything else I can do?"
    assert told(Chat().customer(0, "hello").agent(5, line).customer(10, "No"))[0] == ("slow_reply", "firing", "")


@pytest.mark.parametrize("text", ["没有收到", "没有，还是坏的", "不用了，给我退款", "no refund", "nobody answers", "无语"])
def test_a_no_that_says_more_waits(text: str) -> None:
    assert told(Chat().customer(0, "在吗").agent(5, OFFER).customer(10, text))[0] == ("slow_reply", "firing", "")


def test_what_is_quoted_above_a_row_of_dashes_is_not_who_quotes_it() -> None:
    abuse = rules_with(phrases=["有病"])
    quoted = "「客户：你有病吧」\n- - - - - - - - - - - -\n非常抱歉，马上处理"
    assert told(Chat().customer(0, "在吗").agent(5, quoted), abuse) == []
    said = "「客户：怎么」\n——————\n你有病吧"
    assert told(Chat().customer(0, "在吗").agent(5, said), abuse)[0] == ("phrases", "firing", "")
    assert told(Chat().customer(0, "在吗").agent(5, "「你有病吧」\n我说的"), abuse)[0] == ("phrases", "firing", "")  # nothing says whose it is


def test_a_line_of_the_customer_s_among_colleagues_is_no_mood_of_his() -> None:
    class Angry(NullScorer):
        def score(self, texts: Sequence[str]) -> list[Score | None]:
            return [Score("negative", -0.9) for _ in texts]

    def scored(**fields: Any) -> Any:
        chat = Chat()
        for at in range(3):
            chat.customer(at, "太差", **fields)
        (record,) = Talk(rules_with(), scorer=Angry()).say(chat.customer(5, "在吗").events).sessions
        return record["sentiment"]["scored"]

    assert (scored(), scored(visibility="internal")) == (4, 1)
