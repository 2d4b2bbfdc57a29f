"""What only puts a customer off."""

from __future__ import annotations

import pytest

from tests.chat import Chat
from tests.conversing import Talk
from udfs.holding import is_holding

HOLDING = (
    "==", "1", "稍等", "请稍等", "稍等哈", "亲，稍等一下", "好的，请您稍等片刻", "您稍等，我查一下", "我帮您查一下哈", "稍等我查一下", "我去问问仓库",
    "马上给您回复", "核实后联系您", "等我一分钟", "帮您看下哈", "嗯嗯 稍等 我看下", "好的亲 马上帮您查询一下物流", "one moment please", "Just a moment.",
    "ok, let me check that for you", "Please hold on a second.", "bear with me", "I'll look into it for you now", "hold on, let me check",
    "我反馈给主管后回您", "我问下仓库再回复您", "I'll ask the warehouse", "I'll get right back to you", "Bear with me, I'll speak to my lead and reply",
    "Let me confirm and return",
)  # fmt: skip
SAYING = (
    "10", "好的", "在的", "您好", "已经帮您查了，明天到", "请稍等两天", "稍等，您的快递明天到", "我帮您退款", "查一下订单号发我", "您看一下物流信息", "等您",
    "您先看下尺码表", "你查一下", "您确认一下", "核对一下地址", "please wait for the refund email", "let me check your order 123 and refund it", "ok", "",
    "I'll ask the warehouse to send it today", "反馈后回访的结果是已退款", "I'll get you a refund", "请您再联系我们",
)  # fmt: skip


@pytest.mark.parametrize("text", HOLDING)
def test_a_line_that_only_asks_to_wait_is_one(text: str) -> None:
    assert is_holding(text)


@pytest.mark.parametrize("text", SAYING)
def test_a_line_that_says_something_is_none(text: str) -> None:
    assert not is_holding(text)


def test_it_ends_the_wait_and_is_counted_but_not_the_customers() -> None:
    chat = Chat().customer(0, "什么时候发货").agent(10, "==").agent(20, "稍等，我查一下").agent(60, "今天发").customer(70, "好的谢谢").bot(71, "请稍等")
    (session,) = Talk().say(chat.events).sessions
    assert (session["reply_latencies_ms"], session["holding_replies"]) == ([10_000], 2)
    assert session["rules"] == []
