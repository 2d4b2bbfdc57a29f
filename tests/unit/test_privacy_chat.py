"""WeChat and QQ ids behind what people and JSON put between the word and the id."""

from __future__ import annotations

import pytest

from udfs.privacy import Masker

MASKER = Masker()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("微信（abc_12345）", "微信（[wechat]）"),
        ("微信(abc_12345)", "微信([wechat])"),
        ("微信「abc_12345」", "微信「[wechat]」"),
        ("微信：\nabc_12345", "微信：\n[wechat]"),
        ("微信号\r\nlovecat", "微信号\r\n[wechat]"),
        ("微\u200b信：abc\u200b_12345", "微\u200b信：[wechat]"),
        ("QQ（12345678）", "QQ（[qq]）"),
        ("QQ\n12345678", "QQ\n[qq]"),
        ("QQ：\n12345678", "QQ：\n[qq]"),
        ("QQ 1234 5678", "QQ [qq]"),
        ("qq号：123-456-789", "qq号：[qq]"),
        ("QQ 1234 5678 13800138000", "QQ [qq] [phone]"),
        ("12345678（我的QQ）", "[qq]（我的QQ）"),
        ("QQ 138 0013 8000", "QQ [phone]"),
        ("QQ 4111 1111 1111 1111", "QQ [bank_card]"),
        ("微信号4111111111111111", "微信号[bank_card]"),
        ("qq=12345678&wechat=zhang_san88", "qq=[qq]&wechat=[wechat]"),
        ('"qq": "12345678"', '"qq": "[qq]"'),
        ('"qq_number": 12345678', '"qq_number": [qq]'),
        ('"wx": "zhang_san88", "weixin":"zhangsan"', '"wx": "[wechat]", "weixin":"[wechat]"'),
        ('"wechatId" : ["zhangsan"]', '"wechatId" : ["[wechat]"]'),
        (r'\"qq\":\"12345678\"', r'\"qq\":\"[qq]\"'),
    ],
)
def test_brackets_quotes_and_line_ends_hide_no_chat_id(text: str, expected: str) -> None:
    assert MASKER.mask(text).text == expected
    assert MASKER.mask(expected).text == expected


@pytest.mark.parametrize(
    "text",
    [
        "QQ 200-300元",
        "QQ\n2026-03-02",
        "qq音乐 12345678",
        "qq 2024",
        "QQ 1234 5678 9012 3457",
        "微信：\nwebsite: x",
        "微信（WeChat）",
        "微信支付（abc_12345）",
        "用微信\n支付 12345678",
        '"source":"qq","conversation_id":"12345678"',
        '"channel":"wechat","sender":"customer"',
        '"wechat":"","telephone":"no"',
    ],
)
def test_what_stands_near_the_word_only_is_no_chat_id(text: str) -> None:
    assert MASKER.mask(text).text == text
