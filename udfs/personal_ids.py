"""Ids that are, or hold, a phone number or a mail address, as those of WhatsApp and SMS do: they leave the job only as a keyed hash."""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Final
from urllib.parse import unquote

from udfs.privacy_fold import narrow
from udfs.privacy_numbers import find_numbers
from udfs.privacy_patterns import find_mails

_SCHEME: Final = re.compile(r"(?:tel|sms|whatsapp|mailto|mobile|phone|e-?mail):(?://)?", re.IGNORECASE)
_INTERNATIONAL: Final = re.compile(r"(?:\+|00)[1-9][0-9]{0,2}[ .()\-]*(?:[0-9][ .()\-]*){6,12}")
_may_be: Final = re.compile(r"[@＠%]|[0-9０-９](?:[ .()\-_]{0,3}[0-9０-９]){9}").search
_APART: Final = re.compile(r"[_:;,<>(){}\[\]|/\\=?&#\s]+")
_foreign: Final = re.compile(r"(?<![0-9A-Za-z])\+[1-9][0-9]{7,14}(?![0-9A-Za-z])").search


def is_personal_identifier(value: str) -> bool:
    """Whether an id is a phone number or a mail address, or holds one between its signs (`false_8613800138000@c.us_3EB0`).

    Mainland mobiles are known in any notation; other countries' numbers only with `+` or `00`, because without one they
    look like any numeric id.
    """
    if len(value) < 6 or len(value) > 400 or _may_be(value) is None:
        return False
    plain = narrow(unquote(value)).strip()
    if ":" in plain:
        plain = _SCHEME.sub("", plain, count=1)
    if _INTERNATIONAL.fullmatch(plain):
        return True
    return any(map(_is_personal, (plain, *_APART.split(plain))))


def _is_personal(part: str) -> bool:
    if _foreign(part) is not None:
        return True
    finder = find_mails if "@" in part else find_numbers
    return any(start == 0 and end == len(part) and kind in ("phone", "email") for start, end, kind, _ in finder(part))


def holds_phone(message_id: str) -> bool:
    """Whether a message's id holds a phone number. An e-mail's Message-ID looks like an address and names nobody, and one that is
    a number is a count."""
    if message_id.isdigit() or len(message_id) > 400 or _may_be(message_id) is None:
        return False
    parts = _APART.split(narrow(unquote(message_id)))
    return any(_is_personal(part.partition("@")[0]) for part in parts)


def hidden(value: str, secret: bytes) -> str:
    """What stands in for the id: the same for the same id, and of no use to whoever hasn't the secret (HMAC-SHA-256, 32 characters)."""
    return "h:" + hmac.new(secret, value.encode(), hashlib.sha256).hexdigest()[:32]
