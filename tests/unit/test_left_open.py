"""What a line of the shop's leaves open."""

from __future__ import annotations

from typing import Any

import pytest

from tests.chat import Chat
from tests.conversing import Talk
from udfs.left_open import LeftOpen, is_closing_offer, leaves_open


def test_an_offer_of_more_help_is_a_question_of_its_own_kind() -> None:
    for text in ("请问还有其他可以帮您的吗？", "还有什么需要帮忙的吗", "Is there anything else I can help you with?"):
        assert leaves_open(text) == LeftOpen.OFFER
    for text in ("要我现在取消订单吗？", "Shall I cancel it?", "收到货了吗？还有其他问题吗？"):
        assert leaves_open(text) == LeftOpen.QUESTION
    assert not is_closing_offer("好的")


@pytest.mark.parametrize(
    "text",
    [
        "有什么问题随时联系我们哦",
        "有什么需要可以随时找我",
        "您有任何问题都可以联系我，祝您生活愉快",
        "如果今后再遇到什么疑问，请随时来问",
        "有什么不明白的随时联系小妹哦",
        "不需要您操作什么",
        "我需要为您升级专员处理，请保持电话畅通",
        "麻烦您尽快寄回，我们收到就退款",
        "Please let me know if you have any questions.",
        "If you have any questions, please contact us.",
        "Thank you for contacting us, please reach out any time.",
        "Please check your email in 5 minutes.",
        "We will refund it today, please give it 3 days.",
        "Please keep an eye on your inbox.",
        "Should you need us, just message here.",
    ],
)
def test_an_invitation_and_what_a_customer_is_told_to_do_leave_nothing_open(text: str) -> None:
    assert leaves_open(text) == LeftOpen.NOTHING


@pytest.mark.parametrize(
    "text",
    [
        "有什么问题可以告诉我吗",
        "什么问题呢？",
        "要我现在取消订单吗 有问题随时联系我",
        "帮您换货可以吗，收到有问题再联系我们",
        "地址是北京朝阳对吗，有问题联系我",
        "Can I cancel the order for you, contact us any time if you need help",
        "您遇到什么问题了",
        "请问您有什么需要咨询的",
        "还需要几件？",
        "其他颜色需要几件呢？",
        "How many more do you want?",
        "请提供订单号，我帮您查，需要我现在查吗",
        "请问您的订单号是多少",
        "有问题可以联系我们。您要退货还是换货？",
        "If you need a refund, please provide your order number",
        "If you have any questions let me know. Shall I cancel it now?",
        "Please confirm your address",
        "Please let me know which size you want",
        "您看这样可以吗",
        "Could you send us a photo",
    ],
)
def test_what_is_answered_in_the_chat_is_left_open(text: str) -> None:
    assert leaves_open(text) == LeftOpen.QUESTION


SURVEYS = (
    "请问我的回答解决了您的问题吗？",
    "您的问题解决了吗",
    "问题是否已解决",
    "有帮到您吗？",
    "满意吗？",
    "亲，对我的服务满意吗？",
    "请您对我的服务进行评价",
    "麻烦给个五星好评可以吗",
    "Did that solve your problem?",
    "Has your issue been resolved?",
    "Was this helpful?",
    "Are you happy with our service?",
    "How would you rate our service?",
)


@pytest.mark.parametrize("text", SURVEYS)
def test_how_the_customer_was_served_is_a_question_of_its_own_kind(text: str) -> None:
    assert leaves_open(text) == LeftOpen.SURVEY
    assert leaves_open(f"{text}\n还有其他可以帮您的吗？") == LeftOpen.SURVEY | LeftOpen.OFFER
    assert leaves_open(f"{text}\n需要我帮您取消订单吗？") == LeftOpen.QUESTION


@pytest.mark.parametrize(
    "text",
    [
        "这样赔您20元满意吗？",
        "这个方案您满意吗",
        "能解决您的问题吗？",
        "您想怎么解决？",
        "等解决了再联系您可以吗",
        "满意的话我现在帮您取消，可以吗",
        "需要帮您修改评价吗？",
        "请问有什么可以帮您？",
        "Does that work for you?",
        "Are you happy with a refund of 20?",
        "Did you receive it?",
    ],
)
def test_what_is_proposed_is_no_survey(text: str) -> None:
    assert leaves_open(text) == LeftOpen.QUESTION


def served(question: str, answer: str, bot: bool) -> list[dict[str, Any]]:
    chat = Chat().customer(0, "钱退了吗").agent(60, "已退款")
    chat = chat.bot(65, question) if bot else chat.agent(65, question)
    return Talk().say(chat.customer(70, answer).events).sessions


@pytest.mark.parametrize("bot", [False, True])
@pytest.mark.parametrize("question", SURVEYS)
def test_thanks_a_yes_and_a_rating_end_what_a_survey_asks_and_a_no_does_not(question: str, bot: bool) -> None:
    for answer in ("好的谢谢", "yes thanks", "满意", "解决了，谢谢", "解决了", "Yes", "yes it did", "很有帮助", "5分", "All sorted, thank you!"):
        assert served(question, answer, bot)[0]["abandoned"] is None, answer
    for answer in ("没有", "没解决", "不满意", "No", "没有，谢谢", "没用", "好的，那钱呢？", "yes but where is it", "解决了一半", "not helpful"):
        assert served(question, answer, bot)[0]["abandoned"] == "after_reply", answer


def alarms(chat: Chat) -> list[str]:
    """The rules that fired."""
    return [alert["rule"] for alert in Talk().say(chat.events).alerts]


def test_a_thanks_for_an_invitation_waits_for_nothing() -> None:
    chat = Chat().customer(0, "怎么退货").agent(20, "点订单里的退货。有什么问题随时联系我们哦").customer(30, "好的谢谢")
    assert alarms(chat) == []


def ended(answer: str) -> Chat:
    chat = Chat().customer(0, "怎么退货").agent(20, "点订单里的退货").event(30, "resolve")
    return chat.bot(31, "您对本次服务满意吗？").customer(40, answer)


def test_a_complaint_or_a_number_to_an_offer_waits() -> None:
    for asked, answer in (("还有什么可以帮您？", "不满意"), ("Anything else I can help with?", "bad"), ("还需要几件？", "2")):
        assert "slow_reply" in alarms(Chat().customer(0, "在吗").agent(10, asked).customer(20, answer)), asked


@pytest.mark.timeout(30)
@pytest.mark.parametrize("unit", ["if you 吗", "should you have ", "contact ", "有什么", "有问题随时", "please let me know ", "问题解答了", "满意", "解决", "给个好评", "did it ", "问题解决了", "for 解决"])
def test_long_lines_are_judged_soon(unit: str) -> None:
    for _ in range(5):
        assert leaves_open(unit * (20_000 // len(unit))) in LeftOpen


@pytest.mark.parametrize("answer", ["好的谢谢", "满意", "1", "没有"])
def test_a_rating_after_the_end_waits_for_nothing(answer: str) -> None:
    assert alarms(ended(answer)) == []
    assert Talk().say(ended(answer).events).sessions[-1]["resolved"]


def test_a_question_after_the_end_waits() -> None:
    assert "abandonment" in alarms(ended("运费谁出"))
    assert not Talk().say(ended("运费谁出").events).sessions[-1]["resolved"]
