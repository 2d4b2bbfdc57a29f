"""Mail and IP addresses: one finder each, for text that `udfs.privacy` has folded to ASCII width.

Whatever repeats here is bounded or splits in one way only, so that 64 KB of digits, '@' or hyphens cost linear time.

Sources: RFC 5321 for the length of mail addresses, RFC 4291 for IPv6.
"""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv6Address
from typing import Final

MAX_MAIL: Final = 320  # RFC 5321: 64 for the mailbox, '@', 255 for the domain

LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_LETTER_SET: Final = frozenset(LETTERS)
_MAILBOX: Final = LETTERS + "0123456789._%+-'&"

_QUAD: Final = re.compile(r"(?<![0-9.])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![0-9]|\.[0-9])")
_COLON_HEX: Final = re.compile(
    r"(?<![0-9A-Fa-f:])[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:]*(?:(?:\.[0-9]{1,3}){3}(?![0-9]|\.[0-9])[0-9A-Fa-f:]*)*"
)
_SHORT_GROUPS: Final = re.compile(
    r"(?:(?<![0-9A-Fa-f])(?!(?<=[0-9]\.)[0-9]{1,3}:)[0-9A-Fa-f]{1,4}(?![0-9A-Fa-f])|:)+(?:(?:\.[0-9]{1,3}){3}(?![0-9]|\.[0-9]))?"
)
_VERSION_BEFORE: Final = re.compile(
    r"(?:版本|版|微信|固件|升级到|升级至|更新到|更新至|升到|补丁|第|章|节|条款|步骤|§"
    r"|(?<![a-z])(?:v|ver|version|release|build|firmware|rev|app|ios|android|section|chapter))"
    r"[ ]?(?:号|码)?[ ]?(?:\.|是|为|到|至|:|\uff1a|=|is|to)?[ ]?$",
    re.IGNORECASE,
)
_VERSION_AFTER: Final = re.compile(r"[ ]?(?:版|固件)|-?[A-Za-z]|_")
_AND: Final = re.compile(r"[ ]?(?:和|跟|与|或|到|至|、|,|\uff0c|/|~|-|->|→|升级到|更新到|to|and|or)[ ]?")

_DOMAIN: Final = re.compile(r"(?:[A-Za-z0-9\-]{1,63}\.){1,8}[A-Za-z]{2,24}")

Found = tuple[int, int, str, str]
"""Offsets into the text, the kind, and the normalised value. A plain tuple: this runs for every message."""


def find_mails(text: str) -> list[Found]:
    """E-mail addresses. Chinese before or behind belongs to the sentence, a full stop behind too."""
    found: list[Found] = []
    at, last = text.find("@"), 0
    while at >= 0:
        before = text[max(last, at - MAX_MAIL) : at]
        mailbox = before[len(before.rstrip(_MAILBOX)) :].lstrip(".%+-'&")
        domain = _DOMAIN.match(text, at + 1) if mailbox else None
        if domain is not None:
            last = domain.end()
            found.append((at - len(mailbox), last, "email", f"{mailbox}@{domain.group()}".lower()))
        at = text.find("@", max(at + 1, last))
    return found


def find_ipv6(text: str) -> list[Found]:
    """IPv6 addresses, without port or zone. Times of day, MAC addresses and C++ names are none."""
    found: list[Found] = []
    for candidate in _COLON_HEX.finditer(text):
        for piece in _SHORT_GROUPS.finditer(text, *candidate.span()):  # in 13800138000:fe80::1 a phone stands before it
            start, end = piece.span()
            if end - start < 4 or end - start > 48:
                continue
            start += text[start] == ":" and text[start + 1] != ":"
            end -= text[end - 1] == ":" and text[end - 2] != ":"
            value = text[start:end]
            short = "::" in value and (value.find(":") >= 3 or value.lower().startswith("::ffff:"))
            if not short and value.count(":") != 7:
                continue
            if _is_glued(text[max(0, start - 2) : start]) or text[end : end + 1] in _LETTER_SET:
                continue
            try:
                address = IPv6Address(value)
            except AddressValueError:
                continue
            if any(c.isdigit() for c in value):
                found.append((start, end, "ip", address.compressed))
    return found


def find_ipv4(text: str) -> list[Found]:
    """IPv4 addresses, without port. Version and section numbers of the same shape are none, nor are their neighbours
    (版本1.2.3.4和1.2.3.5)."""
    found: list[Found] = []
    version_end = -1
    for quad in _QUAD.finditer(text):
        start, end = quad.span()
        if any(int(part) > 255 for part in quad.group().split(".")):
            continue
        before = text[max(0, start - 16) : start]
        chained = version_end >= 0 and _AND.fullmatch(text, version_end, start) is not None
        if chained or _VERSION_BEFORE.search(before) or _VERSION_AFTER.match(text, end) or _is_name(before):
            version_end = end
        else:
            found.append((start, end, "ip", quad.group()))
    return found


def _is_name(before: str) -> bool:
    """Whether what follows hangs on a Latin name (python-3.1.2.4, lib1.2.3.4)."""
    name = before.rstrip("-_")[-2:]
    return _is_glued(name) and name.lower() != "ip"


def _is_glued(before: str) -> bool:
    """Whether a letter ends `before`, other than the X of an identity number."""
    return before[-1:] in _LETTER_SET and not (before[-1] in "xX" and "0" <= before[0] <= "9")
