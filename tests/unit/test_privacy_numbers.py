"""Long numbers in other groups and sentences: what is personal goes, and what only looks like it stays.

The phone is a public service number, cards are test numbers, identity numbers are made up and pass their check.
"""

from __future__ import annotations

import pytest

from udfs.number_groups import ID_LENGTHS
from udfs.privacy import Masker
from udfs.privacy_numbers import is_id_card

ID_CARD = "110101199003077758"
ID_CARD_X = "11010119000307007X"
VISA = "4111 1111 1111 1111"
UNION = "6222021234567890128"
ORDER_LIKE = "4321987654321098763"  # 19 digits that pass Luhn, and no issuer's

MASKER = Masker()


def masked(text: str) -> str:
    return MASKER.mask(text).text


def grouped(value: str, lengths: tuple[int, ...], separator: str) -> str:
    ends = [sum(lengths[: at + 1]) for at in range(len(lengths))]
    return separator.join(value[end - length : end] for end, length in zip(ends, lengths, strict=True))


@pytest.mark.parametrize("separator", [" ", "-"])
@pytest.mark.parametrize("groups", ID_LENGTHS, ids=str)
@pytest.mark.parametrize("value", [ID_CARD, ID_CARD_X])
def test_an_identity_card_is_found_in_each_declared_grouping(
    value: str, groups: tuple[int, ...], separator: str
) -> None:
    assert is_id_card(value)
    assert masked(f"身份证 {grouped(value, groups, separator)}。") == "身份证 [id_card]。"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("身份证 11010119900307 7758", "身份证 [id_card]"),
        ("1101011990 03077758", "[id_card]"),
        ("110101 1990 03 07 7758", "[id_card]"),
        ("110101-199003-077758", "[id_card]"),
        ("11010119000307007 X", "[id_card]"),
        ("11010119000307007-x。", "[id_card]。"),
        ("11010119900307775 8", "[id_card]"),
        ("1 1 0 1 0 1 1 9 0 0 0 3 0 7 0 0 7 X", "[id_card]"),
    ],
)
def test_an_identity_card_is_masked_in_other_groups(text: str, expected: str) -> None:
    assert masked(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "11010119900307 7757",  # wrong check digit
        "1101011990 02307758",  # 30 February
        "990101-199003-077758",  # no such province
        "110101 2026 03 02 1235",
        "订单 310115-202603-021234",
        "11010119000307007 XL",
        "3 x 5 盒，一共 12345678901234567 x",
    ],
)
def test_what_fails_the_checks_of_an_identity_card_stays_in_any_groups(text: str) -> None:
    assert masked(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"退款到{UNION}，订单取消", "退款到[bank_card]，订单取消"),
        (f"请退到{VISA}，快递已寄回", "请退到[bank_card]，快递已寄回"),
        (f"钱退{UNION} 快递我寄了", "钱退[bank_card] 快递我寄了"),
        (f"錢退{UNION} 快遞我寄了", "錢退[bank_card] 快遞我寄了"),
        (f"{UNION},单号我发你", "[bank_card],单号我发你"),
        (f"退款到{UNION}订单取消", "退款到[bank_card]订单取消"),
        (f"打到{UNION}，这个订单不要了", "打到[bank_card]，这个订单不要了"),
        (f"请转账到 {UNION}，我的订单号稍后给你", "请转账到 [bank_card]，我的订单号稍后给你"),
        (f"汇款至：{UNION}这个订单", "汇款至：[bank_card]这个订单"),
        (f"{UNION}，我的订单取消吧", "[bank_card]，我的订单取消吧"),
        (f"please refund to {VISA}，订单取消", "please refund to [bank_card]，订单取消"),
        (f"{VISA}（快递已寄回）", "[bank_card]（快递已寄回）"),
    ],
)
def test_a_card_is_masked_where_the_next_clause_speaks_of_an_order(text: str, expected: str) -> None:
    assert masked(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        f"{UNION}是我的订单号",
        f"{UNION}，是我的订单",
        f"{UNION} 为订单号",
        f"{UNION}订单",
        f"{UNION}快递到哪了",
        f"{UNION}这个订单怎么还没发",
        f"{UNION} 这个订单怎么还没发",
        f"{UNION}，这订单怎么还没发",
        f"{UNION}我的订单",
        f"{UNION} 我的订单",
        f"{UNION}，我的订单号",
        f"{UNION}（订单号）",
        f"退{UNION}订单的款",
        f"退款到订单号{UNION}的账户",
        f"退款到{ORDER_LIKE}，订单取消",
        f"退款到{ORDER_LIKE}订单",
    ],
)
def test_an_order_number_stays_where_what_follows_says_so(text: str) -> None:
    assert masked(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(138)0013-8000", "[phone]"),
        ("（138）0013 8000", "[phone]"),
        ("打((138) 00138000)", "打([phone])"),
        ("+86 (138) 0013 8000", "[phone]"),
        ("(+86)(138)0013-8000", "[phone]"),
        ("(138)0013-8000 （139）00139000", "[phone] [phone]"),
        ("13800 138000", "[phone]"),
        ("138 00 13 80 00", "[phone]"),
        ("138-00-13-80-00", "[phone]"),
        ("+86138 00 13 80 00", "[phone]"),
        ("+8613800 138000", "[phone]"),
        ("138\t0013\t8000", "[phone]"),
        ("138\n0013\n8000", "[phone]"),
        ("138 0013\r\n8000", "[phone]"),
        ("+86\n138 0013 8000", "[phone]"),
        ("138·0013·8000", "[phone]"),
        ("138•0013•8000", "[phone]"),
        ("138/0013/8000", "[phone]"),
        ("138／0013／8000", "[phone]"),
        ("10.13800138000", "10.[phone]"),
        ("9.13800138000\n10.13900139000\n31.138 0013 8000", "9.[phone]\n10.[phone]\n31.[phone]"),
        ("4111\t1111\t1111\t1111", "[bank_card]"),
        ("4111\n1111\n1111\n1111", "[bank_card]"),
        ("4111 1111\n1111 1111", "[bank_card]"),
        ("4111/1111/1111/1111", "[bank_card]"),
        ("6205·5000·0000·0000·004", "[bank_card]"),
        ("4111 1111 1111 1111\n5555 5555 5555 4444", "[bank_card]\n[bank_card]"),
        ("110101/19900307/7758", "[id_card]"),
        ("110101\n19900307\t7758", "[id_card]"),
        ("110101\u200b1990\u200b0307\u20637758", "[id_card]"),
        ("zhang\u200b@qq.com", "[email]"),
        ("zh\u200bang@q\u2060q.com", "[email]"),
        ("IP 8.8\u200b.8.8", "IP [ip]"),
        ("13800138000\u200b5", "[phone]\u200b5"),
    ],
)
def test_other_separators_hide_nothing(text: str, expected: str) -> None:
    assert masked(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "139/2999/1599元",
        "价格139\n2999",
        "1399/2999/159",
        "139\n20123456",
        "139/20123456",
        "139 20260302",
        "139/2026/0302",
        "159\n2026\n0302",
        "2026/03/02 13:00",
        "2026/03/02\n10/12/2025",
        "15000 180000元",
        "(139)2999",
        "（138）页",
        "身高165 50 84 62 88",
        "尺寸：180-90-75-60-50",
        "165 50 84 62 88cm",
        "150 20 30 40 50 60 70",
        "138.5 00 13 80 00",
        "数量\n12\n30\n1500\n18000",
        "订单号\n1234567890123\n运单 773800138000123",
        "31.5/13.8/80.0",
        "4111/1111/1111/1112",
        "第10.1380节",
    ],
)
def test_prices_dates_and_sizes_stay_between_other_separators(text: str) -> None:
    assert masked(text) == text
