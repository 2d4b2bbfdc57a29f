"""What only puts a customer off."""

from __future__ import annotations

import pytest

from tests.chat import Chat
from tests.conversing import Talk, rules_with
from udfs.holding import MOST, Holding, holding

PROMISES = (
    "==", "＝＝", "稍等", "请稍等", "稍等哈", "亲，稍等一下", "好的，请您稍等片刻", "您稍等，我查一下", "我帮您查一下哈", "稍等我查一下", "我去问问仓库", "马上给您回复",
    "核实后联系您", "等我一分钟", "帮您看下哈", "嗯嗯 稍等 我看下", "好的亲 马上帮您查询一下物流", "我反馈给主管后回您", "我问下仓库再回复您", "请稍等2分钟", "请稍等，谢谢",
    "请耐心等待", "给我两分钟", "我查查", "正在帮您查询", "这边给您核实一下", "您好\n请稍等", "请稍等\n我查一下", "稍等😊", "稍等👌🏻", "稍等 [微笑]", "稍等哦亲", "稍等\u200b",
    "one moment please", "Just a moment.", "ok, let me check that for you", "Please hold on a second.", "bear with me", "I'll look into it for you now",
    "hold on, let me check", "I’ll look into it", "one moment\nlet me check", "ｏｎｅ moment", "I'll look into it and get back to you", "we'll get back to you",
    "one moment pls", "Give me 5 minutes", "let me pull up your order", "I'll ask the warehouse", "I'll get right back to you",
    "Bear with me, I'll speak to my lead and reply", "Let me confirm and return", "One moment please, I'm checking that for you now.",
)  # fmt: skip
SAYING = (
    "10", "好的", "在的", "您好", "已经帮您查了，明天到", "请稍等两天", "稍等，您的快递明天到", "我帮您退款", "查一下订单号发我", "您看一下物流信息", "等您", "您先看下尺码表",
    "你查一下", "您确认一下", "核对一下地址", "了解", "好的，了解", "收到，了解", "了解了", "嗯嗯 了解的", "确认", "好的，确认", "确认了", "确认订单了", "核实了", "查了", "我查了",
    "帮您查了", "问了", "我反馈了", "帮您反馈仓库了", "看看吧", "看订单", "查看物流", "可以看", "反馈后回访的结果是已退款", "请您再联系我们", "我看好了", "我先去吃饭", "a minute",
    "a second.", "thank you", "wait for it to arrive", "please wait for the refund email", "let me check your order 123 and refund it",
    "I'll ask the warehouse to send it today", "I'll get you a refund", "ok", "", "😊", "稍等" * MOST,
)  # fmt: skip


@pytest.mark.parametrize("text", PROMISES)
def test_a_line_that_asks_to_wait_is_a_promise(text: str) -> None:
    assert holding(text) == Holding.PROMISE


@pytest.mark.parametrize("text", SAYING)
def test_a_line_that_says_something_or_is_done_is_none(text: str) -> None:
    assert holding(text) == Holding.NO


def test_a_one_is_a_sign_of_life_and_no_promise() -> None:
    assert [holding(text) for text in ("1", "１。", "11")] == [Holding.SIGN, Holding.SIGN, Holding.NO]
    chat = Chat().customer(0, "还有几件？").agent(10, "1").customer(20, "好的谢谢")
    talk = Talk(rules_with(promised_return=900)).say(chat.events)
    assert talk.alerts == [] and talk.sessions[0]["holding_replies"] == 1


def test_it_ends_the_wait_and_is_counted_but_not_the_customers_and_not_beside_a_picture() -> None:
    chat = Chat().customer(0, "什么时候发货").agent(10, "==").agent(20, "稍等，我查一下").agent(60, "今天发").customer(70, "好的谢谢").bot(71, "请稍等")
    chat.agent(80, "稍等", attachments=[{"type": "image"}])
    (session,) = Talk().say(chat.events).sessions
    assert (session["reply_latencies_ms"], session["holding_replies"]) == ([10_000], 2)
    assert session["rules"] == []


PUT_OFF = Chat().customer(0, "什么时候发货").agent(10, "稍等", agent_id="B", message_id="p")


@pytest.mark.parametrize(
    "chat",
    [
        Chat().event(40, "edit", sender="agent", message_id="p", text="今天发", agent_id="B"),
        Chat().event(40, "delete", sender="agent", message_id="p"),
        Chat().event(40, "resolve", message_id="r"),
    ],
)  # fmt: skip
def test_a_promise_is_over_with_its_answer_its_deletion_and_the_end_of_the_talk(chat: Chat) -> None:
    assert Talk(rules_with(promised_return=900)).say([*PUT_OFF.events, *chat.events]).alerts == []


def test_a_promise_is_none_after_the_end_and_stays_one_when_it_is_said_otherwise() -> None:
    after = Chat().customer(0, "在吗").event(5, "resolve").agent(10, "稍等")
    assert Talk(rules_with(promised_return=900)).say(after.events).alerts == []
    edited = Chat().event(40, "edit", sender="agent", message_id="p", text="请稍等", agent_id="B")
    fired, _ = Talk(rules_with(promised_return=900)).say([*PUT_OFF.events, *edited.events]).alerts
    assert (fired["agent_id"], fired["evidence"]) == ("B", ["p"])
