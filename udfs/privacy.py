"""Personal data is masked before a text leaves the job: for Redis, Kafka, logs and pagers alike.

Masked are mainland mobile numbers, identity cards of 18, bank cards, e-mail and IP addresses, and WeChat and QQ ids
where a word announces them. Out of scope for now, and therefore left as written: passports, postal addresses, names,
landlines, foreign phone numbers inside a text, identity numbers of 15 digits, and numbers that are spelt in words.

The original is never changed. What stands in for a value is a token like `[phone]`, which matches nothing itself, so
masking twice is masking once. With a key, each find carries a keyed hash: one customer's phone can be counted without
being known.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from typing import Final, NamedTuple

from udfs.privacy_numbers import find_numbers, has_long_number
from udfs.privacy_patterns import Found, find_ipv4, find_ipv6, find_mails, find_qq, find_wechat

EXCERPT_BYTES: Final = 65_536
"""How much of a refused record is kept for reading."""

_DIGEST_CHARACTERS: Final = 16
_NOTHING: Final = ()
_new: Final = tuple.__new__  # half the price of the named constructor, and most texts come out as they went in

# Ordinary text holds no digit, no '@' and no word that announces a WeChat or QQ id: one scan tells. The words are in lower case, and
# looked for in a copy in lower case.
_trace: Final = re.compile("[0-9@０-９＠qQ扣微薇威vVwW]").search
_trace_ascii: Final = re.compile("[0-9@]").search
_announces: Final = re.compile("[qQ扣微薇威vVwW]").search
_announces_closely: Final = re.compile(
    "[微薇威]|扣扣|qq|[加我的+] ?[qv]|v[:：信x]|wx|q ?[号號群:：]|wechat|weixin"
).search
_dotted: Final = re.compile(r"[0-9]\.[0-9]{1,3}\.[0-9]").search

# The characters of the words that announce a number (微信號, 銀行卡, 訂單), traditional and simplified in turn.
_TRADITIONAL: Final = (
    "號号碼码帳帐賬账為为訂订單单運运遞递編编貨货後后積积條条兌兑換换驗验證证識识別别銀银儲储記记聯联農农這这張张個个級级補补節节驟骤銷销羣群"
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
"""One character for one character, so offsets into the narrow copy are offsets into the original."""

_SCHEME: Final = re.compile(r"(?:tel|sms|whatsapp|mailto|mobile|phone|e-?mail):(?://)?", re.IGNORECASE)
_INTERNATIONAL: Final = re.compile(r"(?:\+|00)[1-9][0-9]{0,2}[ .()\-]*(?:[0-9][ .()\-]*){6,12}")
_MARKS: Final = (  # the longer ones first: UTF-32's begins as UTF-16's does
    (b"\xff\xfe\x00\x00", "utf-32-le"), (b"\x00\x00\xfe\xff", "utf-32-be"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"),
)  # fmt: skip
_NULS_OF_WIDE: Final = 10
"""One byte in so many is NUL: then it is no UTF-8. JSON's own signs alone are more in most records."""

_ESCAPE: Final = re.compile(r"(?<!\\)((?:\\\\)*)((?:\\u[0-9A-Fa-f]{4})+)")


class Span(NamedTuple):
    """Where something personal stood: `start` and `end` are offsets into the original text."""

    start: int
    end: int
    kind: str
    digest: str | None


class Masked(NamedTuple):
    """A text that may leave the job, and what was taken out of it, from left to right and without overlap."""

    text: str
    spans: tuple[Span, ...]


class Masker:
    """Masks texts; with `hash_key` the spans carry a digest (HMAC-SHA-256, 16 hex characters) of the normalised value.

    Normalised: a phone's eleven digits without country code, a card's digits without separators, an identity number
    with capital X, mail addresses and WeChat ids in lower case, IPv6 in its compressed form.
    """

    __slots__ = ("_hash_key",)

    def __init__(self, hash_key: bytes | None = None) -> None:
        if hash_key is not None and not hash_key:
            raise ValueError("The hash key is empty: anyone could find the phone behind a digest. Pass a key or None.")
        self._hash_key = hash_key

    def mask(self, text: str) -> Masked:
        """`text` with a token like `[phone]` for each find. Never raises; linear in the length of the text."""
        if text.isascii():
            plain, lower = text, text.lower()
            announced = (
                "wx" in lower or "vx" in lower or "qq" in lower or "wechat" in lower or "weixin" in lower
                or ("+" in lower and ("+v" in lower or "+q" in lower or "+ v" in lower))
            )
            if not announced and _trace_ascii(text) is None:
                return _new(Masked, (text, _NOTHING))
        elif _trace(text) is None:
            return _new(Masked, (text, _NOTHING))
        else:
            plain = text if _wide(text) is None else text.translate(_NARROW)
            announced = _announces(plain) is not None and _announces_closely(plain.lower()) is not None
        finders: list[Callable[[str], list[Found]]] = []
        if "@" in plain:
            finders.append(find_mails)
        if announced:
            finders += find_qq, find_wechat
        if "::" in plain or plain.count(":") > 6:
            finders.append(find_ipv6)
        if _dotted(plain) is not None:
            finders.append(find_ipv4)
        if has_long_number(plain):
            finders.append(find_numbers)
        return self._mask(text, plain, finders) if finders else Masked(text, _NOTHING)

    def mask_excerpt(self, raw: bytes, limit: int = EXCERPT_BYTES) -> Masked:
        """The first `limit` bytes of a refused record as masked text; spans are offsets into the decoded excerpt.

        UTF-16 and UTF-32 are known by their mark or by where the NULs stand; elsewhere bytes that aren't UTF-8 become U+FFFD.
        JSON's `\\uXXXX` is decoded first, because most producers write Chinese
        that way and a number behind it would look like the end of a longer one. A word that the limit cuts is dropped:
        the first eight digits of a phone are still most of a phone.
        """
        text = _decoded(raw[:limit])
        if len(raw) > limit:
            kept = re.sub(r"[0-9A-Za-z@._+\-\uff10-\uff19\\\ufffd]{1,320}\Z", "", text[-320:])
            text = text[:-320] + kept.rstrip("0123456789 ._-")
        if "\\u" in text:
            text = _ESCAPE.sub(_unescape, text)
        return self.mask(text)

    def _mask(self, text: str, plain: str, finders: list[Callable[[str], list[Found]]]) -> Masked:
        found: list[Found] = []
        for finder in finders:
            fresh = finder(plain)
            if fresh:
                found += fresh
                if finder is not finders[-1]:
                    plain = _blank(plain, fresh)
        if not found:
            return _new(Masked, (text, _NOTHING))
        if len(found) > 1:
            found.sort()
        key, at = self._hash_key, 0
        pieces: list[str] = []
        spans: list[Span] = []
        for start, end, kind, value in found:
            pieces += text[at:start], "[", kind, "]"
            spans.append(Span(start, end, kind, None if key is None else keyed_digest(key, value)))
            at = end
        pieces.append(text[at:])
        return Masked("".join(pieces), tuple(spans))


def keyed_digest(key: bytes, value: str) -> str:
    """HMAC-SHA-256 of a normalised value, the first 16 hex characters."""
    return hmac.digest(key, value.encode("utf-8", "surrogatepass"), "sha256").hex()[:_DIGEST_CHARACTERS]


def is_personal_identifier(value: str) -> bool:
    """Whether a whole id *is* a phone number or a mail address, as the conversation ids of WhatsApp and SMS are.

    Mainland mobiles are known in any notation; other countries' numbers only with `+` or `00`, because without one they
    look like any numeric id.
    """
    if len(value) < 6 or len(value) > 400:
        return False
    plain = value if value.isascii() else value.translate(_NARROW)
    plain = plain.strip()
    if ":" in plain:
        plain = _SCHEME.sub("", plain, count=1)
    if _INTERNATIONAL.fullmatch(plain):
        return True
    finder = find_mails if "@" in plain else find_numbers
    return any(
        start == 0 and end == len(plain) and kind in ("phone", "email") for start, end, kind, _ in finder(plain)
    )


def _decoded(raw: bytes) -> str:
    """The text of a record that may be in UTF-16 or UTF-32: digits there have NULs between them, and letters beside them that are
    halves of characters."""
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            return raw[len(mark) :].decode(encoding, "replace")
    nuls = [raw[at::4].count(0) for at in range(4)]
    encoding = "utf-8"
    if sum(nuls) * _NULS_OF_WIDE >= len(raw) > 0:
        whole = len(raw) // 4 * 9 // 10
        if min(nuls[2:]) >= whole > 0:
            encoding = "utf-32-le"
        elif min(nuls[:2]) >= whole > 0:
            encoding = "utf-32-be"
        else:
            encoding = "utf-16-le" if nuls[1] + nuls[3] >= nuls[0] + nuls[2] else "utf-16-be"
    return raw.decode(encoding, "replace").replace("\x00", "")


def _blank(plain: str, found: list[Found]) -> str:
    """Overwrites finds by brackets of the same length: the next finder sees what it would see in the masked text."""
    pieces, at = [], 0
    for start, end, _, _ in found:
        pieces.append(plain[at:start])
        pieces.append("[" + "]" * (end - start - 1))
        at = end
    pieces.append(plain[at:])
    return "".join(pieces)


def _unescape(match: re.Match[str]) -> str:
    units = bytes.fromhex(match[2].replace("\\u", ""))
    return match[1] + units.decode("utf-16-be", "replace")
