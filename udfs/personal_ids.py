"""Ids that are, or hold, a phone number or a mail address, as those of WhatsApp and SMS do: they leave the job only as a keyed hash.

In an id eleven digits that begin as a mobile does are one, whatever stands before and behind them, though they may be an order's number
(`c-13800138000`): a hash of one id too many tells the same conversations apart, and a phone that stays is out. Longer numbers
(timestamps, snowflakes, orders of 19 digits), UUIDs and hexadecimal ids stay as they are.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Final
from urllib.parse import unquote

from udfs.privacy_fold import hides, narrow, revealed
from udfs.privacy_numbers import find_numbers, has_long_number
from udfs.privacy_patterns import find_mails

MAX_ID: Final = 400

_SCHEME: Final = re.compile(r"(?:tel|sms|whatsapp|mailto|mobile|phone|e-?mail):(?://)?", re.IGNORECASE)
_INTERNATIONAL: Final = re.compile(r"00[1-9][0-9]{0,2}[ .()\-]*(?:[0-9][ .()\-]*){6,12}")
_may_be: Final = re.compile(r"[@%]|\+[0-9]|[0-9](?:[ .()\-_/]{0,3}[0-9]){9}|[^\x00-\x7f]").search
_APART: Final = re.compile(r"[_:;,<>(){}\[\]|/\\=?&#\s]+")
_foreign: Final = re.compile(
    r"(?<![0-9A-Za-z])(?:(?:tel|sms|call|phone|mobile|cell|whatsapp|wa|viber|signal|from|to) ?)?"
    r"\+[1-9][0-9]{0,2}[ .()\-]*(?:[0-9][ .()\-]*){6,12}(?![0-9A-Za-z])",
    re.IGNORECASE,
).search
_mobile: Final = re.compile(r"(?<![0-9])(?:(?:00)?86[ .\-]?)?1[3-9][0-9](?:[0-9]{8}|(?:[ .\-_/·][0-9]{4}){2})(?![0-9])").search
# UUIDs, and the ids of MongoDB, MD5, SHA-1 and SHA-256: one in some thousand holds eleven such digits.
_HEXADECIMAL: Final = re.compile(
    r"(?<![0-9A-Za-z])(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?=[0-9]*[a-f])(?:[0-9a-f]{24}|[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}))"
    r"(?![0-9A-Za-z])",
    re.IGNORECASE,
)


def is_personal_identifier(value: str) -> bool:
    """Whether an id is or holds a phone number or a mail address (`false_8613800138000@c.us_3EB0`, `sms-13800138000`).

    Mainland mobiles are known in any notation; other countries' numbers only with `+` or, as the whole id, `00`, because without one they
    look like any numeric id.
    """
    return any(find_mails(view) or _holds_phone(view) for view in _views(value))


def holds_phone(message_id: str) -> bool:
    """Whether a message's id is or holds a phone number. An e-mail's Message-ID looks like an address and names nobody."""
    return any(map(_holds_phone, _views(message_id)))


def _views(value: str) -> list[str]:
    """How an id may be meant, in which something personal may be."""
    if len(value) < 6 or len(value) > MAX_ID or _may_be(value) is None:
        return []
    told = unquote(value)
    return [_HEXADECIMAL.sub("-", view) for view in ((narrow(told), revealed(told)) if hides(told) else (narrow(told),))]


def _holds_phone(view: str) -> bool:
    plain = view.strip()
    if ":" in plain:
        plain = _SCHEME.sub("", plain, count=1)
    if _mobile(plain) or _foreign(plain) or _INTERNATIONAL.fullmatch(plain):
        return True
    if not has_long_number(plain):
        return False
    return any(map(_is_phone, {plain, *_APART.split(plain)}))


def _is_phone(part: str) -> bool:
    return not part.isdigit() and any(start == 0 and end == len(part) and kind == "phone" for start, end, kind, _ in find_numbers(part))


def hidden(value: str, secret: bytes) -> str:
    """What stands in for the id: the same for the same id, and of no use to whoever hasn't the secret (HMAC-SHA-256, 32 characters)."""
    return "h:" + hmac.new(secret, value.encode(), hashlib.sha256).hexdigest()[:32]
