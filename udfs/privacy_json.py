"""Ids in the strings of JSON that may be broken or cut off: which of them are personal by their key or by what they hold."""

from __future__ import annotations

import re
from typing import Final

from udfs.personal_ids import is_personal_identifier
from udfs.privacy import Masker

ID: Final = "[id]"
_CUSTOMER: Final = frozenset("customer user buyer visitor member contact".split())
_IDS_OF_CUSTOMERS: Final = frozenset(
    (*_CUSTOMER, *(f"{word}{ending}" for word in _CUSTOMER for ending in ("id", "uid", "no", "number", "code")), "openid", "unionid", "externaluserid")
)
_MAX_NAME: Final = 64
_MAX_OBJECT: Final = 2_000

_mark: Final = re.compile(r'(?<!\\)(\\*)"|\n').finditer
_colon: Final = re.compile(r"[ \t\r\n]{0,64}:[ \t\r\n]{0,64}").match
_number: Final = re.compile(r"[0-9]{1,32}(?![0-9.eE])").match
_id: Final = re.compile(r"[!-~]+").fullmatch

String = tuple[int, int, int]
"""Where its content starts and ends, and how deep it is: 1 for JSON that is a string of another JSON."""


def hide_ids(text: str, masker: Masker) -> str:
    """The text with `[id]` for ids of customers, and for strings that hold a phone or a mail address which `masker` would leave.

    What is no JSON stays. Never raises; linear in the length of the text.
    """
    pieces: list[str] = []
    at, end_of_customer, value_at = 0, 0, -1
    of_customer = False  # whether the last key says that its value, at value_at, is a customer's id
    for start, end, depth in strings(text):
        content = text[start:end]
        behind = end + 2**depth
        colon = _colon(text, behind)
        if colon is None:
            named = of_customer and start - 2**depth == value_at
            if content and (named or _stays(content, masker)):
                pieces += text[at:start], ID
                at = end
            of_customer = False
            continue
        name = content.lower().replace("_", "").replace("-", "") if len(content) <= _MAX_NAME else ""
        value_at = colon.end()
        of_customer = name in _IDS_OF_CUSTOMERS or (name in ("id", "uid") and start < end_of_customer)
        if name in _CUSTOMER and text.startswith("{", value_at):
            closed = text.find("}", value_at, value_at + _MAX_OBJECT)
            end_of_customer = closed if closed >= 0 else value_at + _MAX_OBJECT
        number = _number(text, value_at) if of_customer else None
        if number:
            pieces += text[at:value_at], ID
            at = number.end()
    return "".join((*pieces, text[at:])) if pieces else text


def _stays(content: str, masker: Masker) -> bool:
    """Whether a string would still be a personal id when it is masked. A long one with blanks or Chinese in it is a text, and no id."""
    if (len(content) > _MAX_NAME and not _id(content)) or not is_personal_identifier(content):
        return False
    return is_personal_identifier(masker.mask(content).text)


def strings(text: str) -> list[String]:
    """The strings that hold no other strings, from left to right. Marks are paired within a line: a string of JSON has no line ends."""
    found: list[String] = []
    opened: list[tuple[int, int]] = []  # (depth, where its content starts), the outer ones first
    for mark in _mark(text):
        if mark[1] is None:
            opened.clear()
            continue
        depth = _depth(len(mark[1]))
        while opened and opened[-1][0] > depth:
            opened.pop()
        if not opened or opened[-1][0] < depth:
            opened.append((depth, mark.end()))
            continue
        _, start = opened.pop()
        end = mark.end() - 2**depth
        if text[start : start + 8].lstrip()[:1] in (":", ","):  # from one string's end to the next one's beginning: a mark is missing
            opened.append((depth, mark.end()))
        elif not found or found[-1][0] < start:
            found.append((start, end, depth))
    return found


def _depth(backslashes: int) -> int:
    """How deep a quotation mark with so many backslashes is: 0, 1, 3, 7… for 0, 1, 2, 3…; what is more is a backslash in the string."""
    return (backslashes ^ (backslashes + 1)).bit_length() - 1
