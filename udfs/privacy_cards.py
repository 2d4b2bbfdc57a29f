"""Whether digits are a bank card: their check, and what the sentence around them says. The same digits are an order number in another one.

Source: ISO/IEC 7812-1 for the Luhn check and the issuers' prefixes.
"""

from __future__ import annotations

import re
from typing import Final

_DOUBLED: Final = bytes(48 + (2 * (c - 48) if c < 53 else 2 * (c - 48) - 9) if 48 <= c <= 57 else c for c in range(256))

_BRACKETS: Final = re.compile(r"[\[\]]")
_STOP: Final = re.compile(r"[\[\]0-9]")
_ORDER_BEFORE: Final = re.compile(
    r"(?:订单|单号|运单|快递|物流|流水|交易|编号|案号|工单|退款单|售后单|面单|票|序列|货号|商品|型号|积分|券|包裹"
    r"|(?:条|兑换|取件|提货|核销|券|验证|编|识别)码"
    r"|(?<![a-z])(?:sn|imei|order|tracking|ref|reference|invoice|serial|ticket|case|transaction|package|parcel|shipment))"
    r"[ ]?(?:单号|编号|号码|号|码|id|number|num|no\.?|code)?"
    r"[ ]?(?:是|为|就是|:|\uff1a|#|=|is|was|\(|\uff08|【)?[ ]?#?\Z",
    re.IGNORECASE,
)
# A comma or a blank may end a clause: behind it the word says what the number is only with 是, 这个 or 我的 (behind a comma 我的…号),
# because 退款到6222…，订单取消 and 钱退6222… 快递我寄了 speak of something else.
_ORDER: Final = r"(?:订单|运单|快递|单号|流水)"
_ORDER_AFTER: Final = re.compile(
    rf"[ ,\uff0c]{{0,2}}(?:(?:这?就?是|为)(?:我的|这个|我)?|这个?){_ORDER}|(?:[ ]?我的|我)?{_ORDER}"
    r"|[ ,\uff0c]{0,2}我的?(?:订单|运单|快递|流水)?(?:编号|单?号码?)(?![ ]?[是为:=\uff1a0-9])"
    rf"|[ ]?[(\uff08](?:这?是)?(?:我的?)?{_ORDER}(?:编号|单?号码?)?[)\uff09]"
)
_PAID_TO: Final = re.compile(
    r"(?:(?:[退打转汇存付返还]|提现|入账|充值?)(?:款|钱|货款|账|现|回)?(?:到|至|入|进|往|给)|钱[退打转汇]|收款(?:账户|账号)?"
    r"|(?<![a-z])(?:refund(?:ed)?|transfer(?:red)?|paid|pay|send|sent)(?: (?:it|me|the money))?(?: on)? ?to)"
    r"(?:我的?|这个?|这张|下面|以下)?(?:账户|账号)?[ ]?[:\uff1a]?[ ]?\Z",
    re.IGNORECASE,
)
_CARD_NEAR: Final = re.compile(
    r"银行|卡号|信用卡|储蓄卡|借记卡|银联|[工建农中招]行|卡片|这张卡|的卡"
    r"|(?<![a-z])(?:cards?|visa|master ?card|amex|unionpay)(?![a-z])",
    re.IGNORECASE,
)


def luhn(digits: str) -> bool:
    """Whether the last digit is the Luhn check of the others (ISO/IEC 7812-1). `digits` holds 0-9 only."""
    raw = digits.encode()
    return (sum(raw[-1::-2]) + sum(raw[-2::-2].translate(_DOUBLED)) - 48 * len(raw)) % 10 == 0


def is_card(value: str, groups: int, before: str, after: str) -> bool:
    """Whether digits that pass Luhn are a card: a label decides, else prefix and grouping.

    before, after: what stands beside them, some 20 characters. An order's word behind them says nothing of an issuer's number to which
    money is to go.
    """
    if value.count(value[0]) == len(value):
        return False
    before = _BRACKETS.split(before)[-1]
    if _ORDER_BEFORE.search(before):
        return False
    if _CARD_NEAR.search(before):
        return True
    after = _STOP.split(after, maxsplit=1)[0]
    if _ORDER_AFTER.match(after) and not _PAID_TO.search(before):
        return False
    return _CARD_NEAR.search(after) is not None or _has_issuer(value, groups)


def _has_issuer(value: str, groups: int) -> bool:
    union = value.startswith(("62", "9558", "9559"))
    if len(value) != 16:
        return union or (groups == 3 and value[:2] in ("34", "37"))
    issuer = value[0] == "4" or "51" <= value[:2] <= "55" or value.startswith(("6011", "64", "65", "60", "81"))
    return union or issuer or "2221" <= value[:4] <= "2720" or "3528" <= value[:4] <= "3589"
