"""Mail and IP addresses, WeChat and QQ ids: one finder each, for text that `udfs.privacy` has folded to ASCII width.

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

_QQ: Final = re.compile(
    r"(?:(?<![a-z])qq|扣扣|(?:加我?|\+|我的?)q|(?<![a-z0-9])q(?=[ ]?[号群:\uff1a]))"
    r"(?:[ ]?(?:号码|号|群|是|为|number|num|no\.?|id|is|加|[:\uff1a=])){0,3}[ ]?"
    r"(?!1[3-9][0-9]{9}(?![0-9]))(?P<id>[1-9][0-9]{4,10})(?![0-9a-z])"
    r"|(?<![0-9a-wyz.])(?<![^0-9]x)(?!1[3-9][0-9]{9}(?![0-9]))"
    r"(?P<before>[1-9][0-9]{4,10})(?=[ ]?(?:这?是)?我的?[ ]?(?:qq|扣扣))",
    re.IGNORECASE,
)
_WECHAT: Final = re.compile(
    r"(?P<internal>(?<![a-z0-9_])wxid_[a-z0-9]{6,24})"
    r"|(?:微信|[薇威]信|v信|加我?(?:[微薇威]|v(?![a-z]))|\+[ ]?v(?![a-z])"
    r"|(?<![a-z])(?:wechat|weixin|vx|wx)(?=id|[^a-z])|(?<![a-z])v(?=[:\uff1a]))"
    r"(?P<link>(?:[ ]?(?:账号|帐号|号码|号|id|是|为|is|加|搜|[:\uff1a=])){0,3})[ ]{0,2}"
    r"(?:(?P<id>[a-z][a-z0-9_\-]{5,})|(?!1[3-9][0-9]{9}(?![0-9]))(?P<number>[1-9][0-9]{4,11})(?![0-9a-z]))",
    re.IGNORECASE,
)
_STRONG_LINK: Final = re.compile(r"号|id|[:\uff1a=]", re.IGNORECASE)

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


def find_qq(text: str) -> list[Found]:
    """QQ numbers: only behind or before a word that says so. A phone number behind it stays a phone."""
    matches = ((match, match.lastgroup or "") for match in _QQ.finditer(text))
    return [(*match.span(group), "qq", match[group]) for match, group in matches]


def find_wechat(text: str) -> list[Found]:
    """WeChat ids: only behind a word that says so. Plain letters need a link too (微信号abcdef, not 微信support)."""
    found: list[Found] = []
    for match in _WECHAT.finditer(text):
        group = match.lastgroup or ""
        value = match[group]
        strong = group == "internal" or _STRONG_LINK.search(match["link"]) is not None
        if strong or (group == "id" and not value.isalpha()):
            found.append((*match.span(group), "wechat", value.lower()))
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
