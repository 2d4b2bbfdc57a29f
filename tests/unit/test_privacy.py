"""Masking: what is personal goes, what only looks like it stays, and masking twice is masking once.

The phone is a public service number, cards are test numbers of payment providers, identity numbers carry 1900 as year.
"""

from __future__ import annotations

import sys

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from udfs.privacy import Masker, Span
from udfs.privacy_cards import luhn
from udfs.privacy_excerpt import masked_excerpt
from udfs.privacy_numbers import find_numbers, is_id_card

PHONE = "13800138000"
ID_CARD = "11010119000307007X"
VISA = "4111111111111111"
UNION = "6205500000000000004"
ORDER_LIKE = "4321987654321098763"  # 19 digits that pass Luhn

MASKER = Masker()


def masked(text: str) -> str:
    return MASKER.mask(text).text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("我的手机13800138000，麻烦打给我", "我的手机[phone]，麻烦打给我"),
        ("138 0013 8000", "[phone]"),
        ("call 138-0013-8000.", "call [phone]."),
        ("138.0013.8000", "[phone]"),
        ("1380-0138-000", "[phone]"),
        ("138 - 0013 - 8000", "[phone]"),
        ("1 3 8 0 0 1 3 8 0 0 0", "[phone]"),
        ("138\u200b0013\u200b8000", "[phone]"),
        ("138—0013—8000", "[phone]"),
        ("+86 138 0013 8000", "[phone]"),
        ("+8613800138000", "[phone]"),
        ("8613800138000", "[phone]"),
        ("008613800138000", "[phone]"),
        ("0086-138-0013-8000", "[phone]"),
        ("(+86) 13800138000", "[phone]"),
        ("+86138-0013-8000", "[phone]"),
        ("１３８００１３８０００", "[phone]"),
        ("＋８６　１３８００１３８０００", "[phone]"),
        ("tel13800138000", "tel[phone]"),
        ("13800138000QQ同号", "[phone]QQ同号"),
        ("加我V13800138000", "加我V[phone]"),
        ("加q13800138000", "加q[phone]"),
        ("13800138000V", "[phone]V"),
        ("手机13800138000v信同号", "手机[phone]v信同号"),
        ("17012345678-1234 虚拟号", "[phone]-1234 虚拟号"),
        ("13800138000/13900139000", "[phone]/[phone]"),
        ("1.13800138000 2.13900139000", "1.[phone] 2.[phone]"),
        ("电话13800138000.明天打", "电话[phone].明天打"),
        ("电话13800138000.10点前联系我", "电话[phone].10点前联系我"),
        ("打我13800138000.12月1号前", "打我[phone].12月1号前"),
        ("电话13800138000.10 点前", "电话[phone].10 点前"),
        ("call 13800138000.10:30 am", "call [phone].10:30 am"),
        ("打13800138000.12/1前", "打[phone].12/1前"),
        ("我电话13800138000元旦前能到吗", "我电话[phone]元旦前能到吗"),
        ("13800138000 元宵节前送到", "[phone] 元宵节前送到"),
        ("收件人13800138000元先生", "收件人[phone]元先生"),
    ],
)
def test_a_mobile_is_masked_in_every_notation(text: str, expected: str) -> None:
    assert masked(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "SF1380013800012",
        "YT13800138000",
        "运单号 773800138000123",
        "快递单号1380013800012",
        "12800138000",
        "23800138000",
        "138001380001",
        "时间戳1772416800000",
        "1772416800",
        "2026-03-02 12点 13:00",
        "2026-03-02 13:00:00.138",
        "满1500减200，到手1300",
        "0.13800138000",
        "131.13800138000",
        "纬度31.13800138000",
        "金额13800138000.00",
        "金额13800138000.00元，已付",
        "一共13800138000.50 元",
        "13800138000元",
        "139 20260302",
        "a13800138000f",
        "13800138000abc",
        "item.htm?id=678901234567",
        "550e8400-e29b-41d4-a716-446655440000",
        "400-800-1234",
        "1 3 8 0 0 1 3 8 0 0 0 5",
    ],
)
def test_numbers_that_are_no_phone_stay(text: str) -> None:
    assert masked(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (ID_CARD, "[id_card]"),
        (ID_CARD.lower(), "[id_card]"),
        ("11010119000307007ｘ", "[id_card]"),
        ("110101190003070010", "[id_card]"),
        ("证件号11010119000307007X。", "证件号[id_card]。"),
        ("我是11010119000307007X先生", "我是[id_card]先生"),
        ("110101 19000307 007X", "[id_card]"),
        ("1101 0119 0003 0700 7X", "[id_card]"),
        ("id11010119000307007X", "id[id_card]"),
        ("11010119000307007X13800138000", "[id_card][phone]"),
    ],
)
def test_an_identity_card_is_masked_whole(text: str, expected: str) -> None:
    assert masked(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "110101190002300013",  # 30 February, right check digit
        "案号202511110000004321",
        "110101190003070011",  # wrong check digit
        "990101190003070010",  # no such province
        "1101011900030700101",  # 19 digits
    ],
)
def test_eighteen_digits_without_area_date_or_check_are_no_identity_card(text: str) -> None:
    assert "[id_card]" not in masked(text)
    assert masked(text) == text


def test_check_digit_and_luhn_agree_with_their_standards() -> None:
    assert is_id_card(ID_CARD)
    assert not is_id_card("110101190002300013")
    assert luhn(VISA) and luhn(UNION) and luhn(ORDER_LIKE)
    assert not luhn("4111111111111112")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("卡号 5555 5555 5555 4444 有效期 09/29", "卡号 [bank_card] 有效期 09/29"),
        ("7 5555-5555-5555-4444 9", "7 [bank_card] 9"),
        ("2 4111 1111 1111 1111 3", "2 [bank_card] 3"),
        ("4111 1111 1111 1111 1228 123", "[bank_card] 1228 123"),
        ("4111111111111111 CVV 123", "[bank_card] CVV 123"),
        ("4111111111111111cvv123", "[bank_card]cvv123"),
        (UNION, "[bank_card]"),
        ("6205 5000 0000 0000 004", "[bank_card]"),
        ("5555555555554444", "[bank_card]"),
        ("3782 822463 10005", "[bank_card]"),
        ("信用卡378282246310005", "信用卡[bank_card]"),
        ("my order was paid with 4111 1111 1111 1111", "my order was paid with [bank_card]"),
        ("４１１１１１１１１１１１１１１１", "[bank_card]"),
    ],
)
def test_a_card_is_masked_alone_or_in_groups_and_beside_other_digits(text: str, expected: str) -> None:
    assert masked(text) == expected


@pytest.mark.parametrize(
    ("card", "order"),
    [
        (f"银行卡{ORDER_LIKE}", f"订单号{ORDER_LIKE}"),
        (f"银行卡号码：{UNION}", f"订单编号：{UNION}"),
        (f"退到订单号对应的银行卡{ORDER_LIKE}", f"银行卡付款的订单号{ORDER_LIKE}"),
        (f"{ORDER_LIKE}是我的银行卡", f"{ORDER_LIKE}是我的订单号"),
        (f"card {VISA}", f"order no. {VISA}"),
        (UNION, ORDER_LIKE),  # bare: the issuer's prefix decides
    ],
)
def test_the_same_digits_are_card_or_order_number_by_context(card: str, order: str) -> None:
    assert "[bank_card]" in masked(card)
    assert masked(order) == order


@pytest.mark.parametrize(
    "text",
    [
        "4111-1111-1111-1111-2222-3333-4444-5555",
        "4111 1111 1111 1111 2222 3333 4444 5555",
        "4111111111111112",
        "41111111111111111111",
        "SN4111111111111111",
        "0000 0000 0000 0000",
    ],
)
def test_references_and_failed_checks_are_no_cards(text: str) -> None:
    assert masked(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("邮箱abc@qq.com。谢谢", "邮箱[email]。谢谢"),
        ("write to a.b+tag@mail.example.co.uk.", "write to [email]."),
        ("abc＠qq．com", "[email]"),
        ("13800138000@163.com", "[email]"),
        ("<o'brien@example.com>", "<[email]>"),
        ("'abc@example.com'", "'[email]'"),
        ("a@b.com,c@d.com", "[email],[email]"),
    ],
)
def test_mail_addresses_are_masked_without_their_neighbours(text: str, expected: str) -> None:
    assert masked(text) == expected


@pytest.mark.parametrize("text", ["@小王 在吗", "hello @115850", "a@b", "user@localhost", "5@3.2", "@", "a@@b.c"])
def test_an_at_sign_alone_is_no_mail_address(text: str) -> None:
    assert masked(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("IP 8.8.8.8 不通", "IP [ip] 不通"),
        ("[8.8.8.8]:443", "[[ip]]:443"),
        ("http://8.8.8.8/x", "http://[ip]/x"),
        ("[2001:db8::1]:443", "[[ip]]:443"),
        ("IP:2001:db8:0:0:0:0:0:1", "IP:[ip]"),
        ("::ffff:8.8.8.8", "[ip]"),
        ("地址fe80::1。", "地址[ip]。"),
        ("13800138000:2001:db8::1", "[phone]:[ip]"),
        ("2001:db8::1:13800138000", "[ip]:[phone]"),
        ("11010119000307007X8.8.8.8", "[id_card][ip]"),
    ],
)
def test_addresses_are_masked_without_port(text: str, expected: str) -> None:
    assert masked(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "版本1.2.3.4",
        "v1.2.3.4",
        "V 1.2.3.4",
        "version: 1.2.3.4",
        "版本1.2.3.4和1.2.3.5都不行",
        "1.2.3.4版",
        "1.2.3.4-beta",
        "python-3.1.2.4",
        "第1.2.3.4条",
        "1.2.3.4.5",
        "256.1.1.1",
        "12:30:45",
        "std::vector a::b",
        "00:1A:2B:3C:4D:5E",
    ],
)
def test_versions_times_and_names_are_no_addresses(text: str) -> None:
    assert masked(text) == text


def test_in_a_line_with_a_version_a_date_and_an_address_only_the_address_goes() -> None:
    text = "升级到版本3.2.1.0之后2026-03-02 12点就断了，IP 8.8.8.8"
    assert masked(text) == "升级到版本3.2.1.0之后2026-03-02 12点就断了，IP [ip]"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("微信号 abc_12345", "微信号 [wechat]"),
        ("加我微信：lovecat", "加我微信：[wechat]"),
        ("加v abc12345", "加v [wechat]"),
        ("my WeChat id is abc_12345", "my WeChat id is [wechat]"),
        ("微信13800138000", "微信[phone]"),
        ("wxid_8k2j3h4g5f", "[wechat]"),
        ("加我QQ 12345678", "加我QQ [qq]"),
        ("扣扣：12345678", "扣扣：[qq]"),
        ("12345678是我的qq", "[qq]是我的qq"),
        ("QQ13800138000", "QQ[phone]"),
    ],
)
def test_chat_ids_are_masked_behind_a_word_that_announces_them(text: str, expected: str) -> None:
    assert masked(text) == expected


@pytest.mark.parametrize(
    "text",
    ["abc_12345", "编号12345678", "微信支付成功", "微信公众号 taobao12345", "wechat support please", "FAQ 12345"],
)
def test_without_such_a_word_there_is_no_chat_id(text: str) -> None:
    assert masked(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1️⃣3️⃣8️⃣0️⃣0️⃣1️⃣3️⃣8️⃣0️⃣0️⃣0️⃣", "[phone]"),
        ("打①③⑧⓪⓪①③⑧⓪⓪⓪", "打[phone]"),
        ("١٣٨٠٠١٣٨٠٠٠", "[phone]"),
        ("13\u200b80\u200b0138000谢谢", "[phone]谢谢"),
        ("138\u206600138000", "[phone]"),
        ("一共 1399 299 1599 三款哪个好", "一共 1399 299 1599 三款哪个好"),
        ("订单号1567890-2025", "订单号1567890-2025"),
        ("银行卡有效期 20200105-20300105", "银行卡有效期 20200105-20300105"),
        ("1380\u200b0138000，⓪13900139000，①", "[phone]，⓪[phone]，①"),
        ("https://a.com/?d=20%25&p=138%200013%208000", "[link]"),
        ("https://a.com/?q=%E6%89%8B%E6%9C%BA&n=13800138000", "https://a.com/?q=%E6%89%8B%E6%9C%BA&n=[phone]"),
        ("110101 19000307007X", "[id_card]"),
        ("银行卡 41111111 11111111", "银行卡 [bank_card]"),
        ("看①和②，第③步", "看①和②，第③步"),
        ("见 https://s.cn/?mail=foo%40example.com&a=1 谢谢", "见 [link] 谢谢"),
        ("https://s.cn/?q=%E7%94%B5%E8%AF%9D13800138000", "[link]"),
        ("https://s.cn/%E8%AE%A2%E5%8D%95?id=5", "https://s.cn/%E8%AE%A2%E5%8D%95?id=5"),
    ],
)
def test_other_digits_groups_and_links_hide_nothing(text: str, expected: str) -> None:
    assert masked(text) == expected


def test_several_finds_come_sorted_with_offsets_into_the_original() -> None:
    text = "电话１３８００１３８０００ 邮箱a@b.com 卡4111111111111111 QQ 12345678"
    result = MASKER.mask(text)
    assert result.text == "电话[phone] 邮箱[email] 卡[bank_card] QQ [qq]"
    assert [text[s.start : s.end] for s in result.spans] == ["１３８００１３８０００", "a@b.com", VISA, "12345678"]
    assert [s.kind for s in result.spans] == ["phone", "email", "bank_card", "qq"]


def test_ordinary_text_is_returned_itself() -> None:
    for text in ("", "什么时候发货", "where is my parcel", "我3天前买了2件", "[phone] [id_card]"):
        assert MASKER.mask(text) == (text, ())
        assert MASKER.mask(text).text is text


HOSTILE = [
    "1" * 65_536,
    "@" * 65_536,
    "-" * 65_536,
    "a@" * 32_768,
    "1-" * 32_768,
    "1 " * 32_768,
    "1111 " * 13_000,
    "1111-" * 13_000,
    "138 0013 " * 7_000,
    "1." * 32_768,
    "8.8.8.8." * 8_000,
    ":" * 65_536,
    "a:" * 32_768,
    "f" * 65_536 + ":",
    "x" * 65_536 + "@",
    "a." * 32_768 + "@" + "a." * 32_768,
    "微信" * 32_768,
    "qq" * 32_768,
    "微信" + "a" * 65_536,
    "QQ\n" * 20_000,
    '"qq": "' * 9_000,
    "(138)" * 13_000,
    "138\n0013/" * 7_000,
    "138 00 13 80 00 13 " * 3_400,
    "1\u200b" * 20_000,
    "qq 号" * 16_000,
    "+" * 65_536,
    "[" * 65_536,
    f"{PHONE}." * 5_400,
    "4111 1111 1111 1111 " * 3_200,
    "110101 19000307 007X " * 3_000,
    "\\u0031" * 10_000,
    "\\" * 65_536,
    "\\\\x9d" * 10_000,
]


class _Budget:
    """Counts calls of Python functions: a bound on work that no busy machine can upset."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, frame: object, event: str, argument: object) -> None:
        self.calls += event in ("call", "c_call")


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: repr(text[:12]))
@pytest.mark.timeout(60)
def test_hostile_text_costs_linear_work(text: str) -> None:
    budget = _Budget()
    previous = sys.getprofile()
    sys.setprofile(budget)
    try:
        result = masked_excerpt(text.encode(), MASKER, 1 << 20)
    finally:
        sys.setprofile(previous)
    assert budget.calls <= 40 * len(text) + 1_000
    assert MASKER.mask(result.text).text == result.text


PIECES = st.sampled_from(
    [
        PHONE,
        "13900139000",
        VISA,
        UNION,
        ID_CARD,
        ORDER_LIKE,
        "138 0013 8000",
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "8.8.8.8",
        "fe80::1",
        "2001:db8::1",
        "a@b.com",
        "abc_12345",
        "12345678",
        "0086",
        "+86",
        "86-",
        "微信号",
        "QQ",
        "版本",
        "订单号",
        "银行卡",
        "是我的QQ",
        "wx",
        "v:",
        "card ",
        "[phone]",
        "[bank_card]",
        "(138)",
        "138 00 13 80 00",
        "微信：\n",
        *" .-:@_/\n,，。()[]（）\"'\t·xXaVq1380４\u200b\\①⓪%",
    ]
)
PERSONAL = st.lists(PIECES, max_size=14).map("".join)
TEXTS = st.one_of(
    PERSONAL,
    st.text(max_size=60),
    st.text(alphabet="0123456789 -.xX+86", max_size=60),
    st.text(alphabet="13800 -._@:abfvqQ微信号\ud800", max_size=60),
)


@settings(max_examples=1_500, deadline=None)
@given(TEXTS)
@example("fe80::18.8.8.8:fe80::1")
def test_masking_twice_is_masking_once(text: str) -> None:
    once = MASKER.mask(text)
    assert MASKER.mask(once.text) == (once.text, ())


@settings(max_examples=500, deadline=None)
@given(TEXTS)
def test_spans_are_in_bounds_sorted_disjoint_and_explain_the_masked_text(text: str) -> None:
    result = MASKER.mask(text)
    at, pieces = 0, []
    for span in result.spans:
        assert isinstance(span, Span)
        assert at <= span.start < span.end <= len(text)
        pieces += [text[at : span.start], f"[{span.kind}]"]
        at = span.end
    assert "".join(pieces) + text[at:] == result.text


@settings(max_examples=200, deadline=None)
@given(
    st.integers(min_value=13 * 10**9, max_value=2 * 10**10 - 1),
    st.sampled_from(["{}", "打{}吧", "({})", "{}，急", "{}x2"]),
)
def test_every_mobile_number_is_found(mobile: int, frame: str) -> None:
    number = str(mobile)
    assert [f[2:] for f in find_numbers(frame.format(number))] == [("phone", number)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("My WX: zhang_san88", "My WX: [wechat]"),
        ("add me VX zhang_san88", "add me VX [wechat]"),
        ("my weixin: zhangsan88", "my weixin: [wechat]"),
        ("WECHAT ID zhang_san88", "WECHAT ID [wechat]"),
        ("v:important note", "v:important note"),
        ("Qq: 12345678", "Qq: [qq]"),
        ("我的WEIXIN: zhangsan88", "我的WEIXIN: [wechat]"),
        ("微信號：zhang_san88", "微信號：[wechat]"),
        ("微信帳號zhang_san88", "微信帳號[wechat]"),
        ("QQ號碼12345678", "QQ號碼[qq]"),
        ("Q號12345678", "Q號[qq]"),
        ("我的QQ號是12345678", "我的QQ號是[qq]"),
        ("銀行卡4321987654321098763", "銀行卡[bank_card]"),
        ("卡號4321987654321098763", "卡號[bank_card]"),
        ("訂單號4111111111111111", "訂單號4111111111111111"),
    ],
)
def test_what_announces_a_number_is_read_in_capitals_and_in_traditional_chinese(text: str, expected: str) -> None:
    assert masked(text) == expected
