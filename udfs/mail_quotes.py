"""Where in a mail its writer's own words end and the mail that he answers begins, as mail programs set it off."""

from __future__ import annotations

import re
from typing import Final

from udfs.text import visible

MAX_ATTRIBUTION: Final = 300
"""Characters of "On Mon, 2 Mar 2026 at 10:00, Support <support@shop.example> wrote:", which programs break into as many lines as follow."""

ATTRIBUTION_LINES: Final = 3
HEADER_LINES: Final = 8
RULE: Final = " \t\r\u3000\xa0-—–─_*"
"""What rows that only set something off are made of."""

_hint: Final = re.compile(r"original message|forwarded message|原始[邮郵]件|[转轉]发的?[邮郵]件|[发發]件人|寄件者|from[\s*]*[:：]|wrote\s*[:：]|[写寫]道\s*[:：]", re.IGNORECASE).search
_separator: Final = re.compile(
    r"[-—–─_]{2,}\s*(?:(?:original|forwarded) message|原始[邮郵]件|[转轉][发發]的?[邮郵]件(?:信息)?)\s*[-—–─_]{2,}", re.IGNORECASE
).fullmatch
# Of a header's lines, the first, any, and one that an address on a parcel doesn't have. Some are bold: *From:*
_from: Final = re.compile(r"[\s*]*(?:from|[发發]件人|寄件者)[\s*]*[:：]", re.IGNORECASE).match
_header: Final = re.compile(
    r"[\s*]*(?:(sent|date|subject|[发發]送(?:时间|時間|日期)|[传傳]送(?:时间|時間)|日期|主题|主題|主旨)|to|cc|reply-to|收件[人者]|抄送|副本)[\s*]*[:：]", re.IGNORECASE
).match
_may_attribute: Final = re.compile(r"\s*(?:on|at)\s|\s*在|.{0,200}[于於]\s*[0-9]", re.IGNORECASE).match
_attribution: Final = re.compile(
    r"(?=.*[0-9])(?:(?:on|at)\s.{1,290}\swrote|在.{1,290}[写寫]道|.{0,200}[于於]\s*[0-9].{0,90}[写寫]道)\s*[:：]", re.IGNORECASE
).fullmatch
_quoted: Final = re.compile(r"\s*[>＞]").match


def without_quoted_mail(text: str) -> str:
    """A mail without the one that it answers: what stands below a separator ("-----Original Message-----", 原始邮件), below a header's lines
    ("From: …" and "Sent: …") or below "On … wrote:" goes, if words of his stand above: in what is nothing but quoted, rules look at what is quoted.

    Lines that are quoted by a sign (`> …`) stay, for a writer may answer between them; only what announces them goes.
    """
    if "\n" not in text or _hint(text) is None:
        return text
    lines = text.split("\n")
    own: list[str] = []
    seen = False
    at = 0
    while at < len(lines):
        line = lines[at]
        announced = _announces(lines, at)
        if announced and _quoted(next(filter(str.strip, lines[at + announced :]), "")):
            at += announced
            continue
        marked = announced or int(_separator(line.strip()) is not None) or _header_lines(lines, at)
        if marked and seen:
            return _without_rule(own)
        own += lines[at : at + (marked or 1)]
        seen = seen or (not marked and visible(line.strip(RULE)))
        at += marked or 1
    return "\n".join(own)


def _announces(lines: list[str], at: int) -> int:
    """How many lines, from this one on, say who wrote what follows, and when; 0 if they don't."""
    if _may_attribute(lines[at]):
        for count in range(1, ATTRIBUTION_LINES + 1):
            told = lines[at : at + count]
            if sum(map(len, told)) > MAX_ATTRIBUTION:
                break
            if _attribution(" ".join(map(str.strip, told))):
                return count
    return 0


def _header_lines(lines: list[str], at: int) -> int:
    """How many lines of a header stand here: a sender and, below, a date or a subject, which an address on a parcel hasn't; 0 if none do."""
    if not _from(lines[at]):
        return 0
    count, dated = 1, False
    for number, line in enumerate(lines[at + 1 : at + HEADER_LINES], 2):
        header = _header(line)
        if header is not None:
            count, dated = number, dated or bool(header[1])
        elif line.strip():
            break
    return count if dated else 0


def _without_rule(lines: list[str]) -> str:
    """The lines without the blank ones and the row of dashes that set off what was below them."""
    end = len(lines)
    while end > 1 and not lines[end - 1].strip(RULE):
        end -= 1
    return "\n".join(lines[:end])
