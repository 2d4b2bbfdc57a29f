"""Long numbers in other groups and sentences: what is personal goes, and what only looks like it stays.

The phone is a public service number, cards are test numbers, identity numbers are made up and pass their check.
"""

from __future__ import annotations

import pytest

from udfs.privacy import Masker
from udfs.privacy_numbers import _ID_GROUPS, is_id_card

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
@pytest.mark.parametrize("groups", _ID_GROUPS, ids=str)
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
