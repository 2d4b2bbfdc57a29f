"""Courtesies, questions, offers of more help."""

from __future__ import annotations

import pytest

from udfs.phrases import asks, is_courtesy, rates


@pytest.mark.parametrize(
    "text",
    [
        "thanks",
        "Thank you so much!",
        "Thank you very much for your help!",
        "ok thx",
        "okay, got it",
        "OK👌",
        "bye",
        "no thanks",
        "好",
        "好的",
        "好的谢谢🙏",
        "好的，我知道了",
        "嗯嗯 谢谢亲",
        "收到",
        "拜拜",
        "谢谢啦～",
        "谢谢您的耐心解答",
        "謝謝",
        "没有了，谢谢",
        "没了 谢谢",
        "没有，谢谢",
        "不用了",
        "OK的",
        "ＯＫ",
        "好好好",
        "辛苦了",
        "🙏",
        "[OK]",
        "好的[微笑]",
        "好嘞~麻烦您了",
        "@hulu_support Thanks",
        "@客服小美 谢谢",
        "Thanks Sarah",
        "ok, thank you Ben!",
        "谢谢小李",
        "好的，谢谢小美啦",
        "暂时没有其他问题了",
        "还是要谢谢，不打扰你了，再见。",
        "没有了，多谢了!辛苦辛苦!",
        "暂不用了。",
        "嗯呢",
        "得嘞",
        "en",
        "Thanks so much for all your help today!",
        "No that's everything thanks",
        "谢谢老师",
        "已经到账了谢谢",
        "退款到账了",
        "解决了谢谢",
        "那就好",
        "nope thanks",
        "好的我等着",
        "好的等你消息",
        "感激不尽",
    ],
)
def test_a_closing_courtesy_is_one(text: str) -> None:
    assert is_courtesy(text)
    assert not asks(text)


@pytest.mark.parametrize(
    "text",
    [
        "谢谢，那运费谁出？",
        "还没收到",
        "收到货了是坏的",
        "好像坏了",
        "好用",
        "不好",
        "亲",
        "在吗",
        "好的？",
        "好的谢谢😡",
        "😡",
        "...",
        "==",
        "1",
        "",
        " ",
        "你好",
        "您好",
        "没有收到",
        "ok la 退了吧",
        "thanks for nothing",
        "ok so where is it",
        "great, another week of waiting",
        "thankless",
        "okra",
        "我等着",
        "好的我等了三天了",
        "还没到账谢谢",
        "没解决谢谢",
        "解决了一半",
        "到账了20",
        "那就好好说话",
        "老师",
        "谢谢" * 13,
        "好的" + "，谢谢您" * 8,
    ],
)
def test_what_says_more_is_no_courtesy(text: str) -> None:
    assert not is_courtesy(text)


@pytest.mark.parametrize(
    "text",
    [
        "谢谢，那运费谁出？",
        "运费谁出",
        "要我现在取消订单吗？",
        "在吗",
        "在么",
        "人呢",
        "那运费呢",
        "好的，结果呢",
        "有人嘛",
        "什么时候发货",
        "几天到",
        "多少钱",
        "怎么退",
        "为什么都没人回",
        "能不能快点",
        "发货了没",
        "哪里看进度",
        "怎么还没发货呢",
        "帮我查一下",
        "我要退货",
        "请问有货没有",
        "還有貨嗎",
        "转人工",
        "shall I cancel it",
        "Could you check",
        "hi what time do you open",
        "thanks, when will it ship",
        "where's my order",
        "what’s going on",
        "can you help me 😊",
        "please cancel my order",
        "I want a refund",
        "is anyone there",
    ],
)
def test_questions_and_requests_ask(text: str) -> None:
    assert asks(text)


@pytest.mark.parametrize(
    "text",
    [
        "还没收到",
        "还没到呢",
        "正在为您处理呢",
        "不需要的呢",
        "您可以在订单里查到呢",
        "请稍等",
        "几乎没用过",
        "过几天再说",
        "没什么事了",
        "那么贵",
        "退款已到账",
        "我们会尽快处理",
        "已为您催促快递",
        "亲，您好",
        "please wait a moment",
        "Let me know when it arrives",
        "I received it yesterday",
        "https://shop.example/a?id=3",
        "",
    ],
)
def test_statements_do_not_ask(text: str) -> None:
    assert not asks(text)


@pytest.mark.parametrize("text", ["5", "4分", "五星", "满意", "非常满意", "不满意", "一般", "10 / 10", "Good", "very satisfied"])
def test_a_rating_is_nothing_more(text: str) -> None:
    assert rates(text)


@pytest.mark.parametrize("text", ["Thanks, Refund", "thanks, Waiting...", "thx, Help", "谢谢小票"])
def test_what_follows_thanks_may_be_no_name(text: str) -> None:
    assert not is_courtesy(text)


@pytest.mark.parametrize("text", ["", "15", "满意的话再说", "第5件", "12345", "good question", "5 items are missing"])
def test_what_says_more_than_a_rating_is_none(text: str) -> None:
    assert not rates(text)
