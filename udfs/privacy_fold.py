"""Copies of a text in which disguised numbers and addresses are written plainly: what the finders read."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from udfs.text import INVISIBLE

# The characters of the words that announce a number (微信號, 銀行卡, 訂單), traditional and simplified in turn.
_TRADITIONAL: Final = (
    "號号碼码帳帐賬账為为訂订單单運运遞递編编貨货後后積积條条兌兑換换驗验證证識识別别銀银儲储記记聯联農农這这張张個个級级補补節节驟骤銷销羣群轉转錢钱匯汇給给進进還还"
)
_wide: Final = re.compile(
    rf"[０-９Ａ-Ｚａ-ｚ＠．－＋＿　\u00a0\u00ad\u2000-\u2015\u202f\u2060\u2212\ufe63\ufeff{_TRADITIONAL[::2]}]"
).search
_NARROW: Final[dict[int, int | str]] = {
    **{code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F) if chr(code).isalnum() or chr(code) in "＠．－＋＿"},
    **dict.fromkeys((0x3000, 0x00A0, 0x00AD, *range(0x2000, 0x2010), 0x202F, 0x2060, 0xFEFF), " "),
    **dict.fromkeys((*range(0x2010, 0x2016), 0x2212, 0xFE63), "-"),
    **dict(zip(map(ord, _TRADITIONAL[::2]), _TRADITIONAL[1::2], strict=True)),
}

_ODD_DIGITS: Final = r"①-⑨⓪❶-❾➀-➈\u0660-\u0669\u06f0-\u06f9\u0966-\u096f\U0001d7ce-\U0001d7ff"
_DIGITS: Final = {
    code: str(digit)
    for code in (*range(0x0660, 0x2800), *range(0x1D7CE, 0x1D800))
    if (digit := unicodedata.digit(chr(code), None)) is not None
}
_UNSEEN: Final = re.compile(rf"{INVISIBLE.pattern}|\u20e3")  # the frame around the digit of 1️⃣, too
_hidden: Final = re.compile(rf"[{_ODD_DIGITS}]|{_UNSEEN.pattern}").search
_visible: Final = re.compile(rf"(?!{_UNSEEN.pattern}).", re.DOTALL).finditer


def narrow(text: str) -> str:
    """The text in ASCII width, with blanks for characters that nobody sees. One character for one character: its offsets are the original's."""
    return text if _wide(text) is None else text.translate(_NARROW)


def hides(text: str) -> bool:
    """Whether there are characters that nobody sees, or digits of other kinds: then `revealed` says more than `narrow`."""
    return _hidden(text) is not None


def revealed(text: str) -> str:
    """The narrow text without characters that nobody sees, and with plain digits. `offsets` says where each character stands."""
    return narrow(_UNSEEN.sub("", text).translate(_DIGITS))


def offsets(text: str) -> list[int]:
    """Where the characters of `revealed` stand in the text, and the text's length."""
    return [*(match.start() for match in _visible(text)), len(text)]
