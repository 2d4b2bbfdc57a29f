"""Long numbers that are personal: identity cards, bank cards, mainland mobiles.

Long numbers are read, not matched. A run of digit groups is cut out whole and each group is judged with its
neighbours, because a pattern alone would take the first eleven digits of a tracking number for a phone, or half of a
reference for a card. The order of judgement is identity card, bank card, phone: longest and best checked first.

Source: GB 11643-1999 for the identity number and its check digit (ISO 7064 MOD 11-2).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from operator import mul
from typing import Final

from udfs.number_groups import (
    BROKEN_CARD_GROUPS,
    CARD_GROUPS,
    ID_GROUPS,
    ONES,
    PAIRS,
    PHONE_GROUPS,
    SEPARATORS,
    Groupings,
    link,
)
from udfs.privacy_cards import is_card, luhn
from udfs.privacy_patterns import LETTERS, Found

# A number glued to a Latin word is a serial or a tracking number (SF1234…), unless the word announces what follows.
_LABELS: Final = re.compile(
    "amex|at|call|card|cardno|cc|cell|contact|cv[cv]|email|exp|id|idcard|is|mail|mastercard|mob|mobile|no|num|number|or"
    "|ph|phone|q|qq|sms|tel|telephone|to|unionpay|v|visa|vx|w|wechat|weixin|whatsapp|wx|x",
    re.IGNORECASE,
).fullmatch
_LETTER_SET: Final = frozenset(LETTERS)
_PROVINCES: Final = frozenset(
    (*range(11, 16), *range(21, 24), *range(31, 38), *range(41, 47), *range(50, 55), *range(61, 66), 71, 81, 82, 83)
)
_ID_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS: Final = "10X98765432"

_long_number: Final = re.compile(rf"[0-9](?:[{SEPARATORS})\uff09]{{0,3}}[0-9]){{10}}").search
_runs: Final = re.compile(rf"[0-9]+(?:[{SEPARATORS}]{{1,3}}[0-9]+)*(?:[ \-]?[xX](?![A-Za-z]))?").finditer
_in_brackets: Final = re.compile(rf"[(\uff08]([ ]?1[3-9][0-9][ ]?)[)\uff09](?=[{SEPARATORS}]?[0-9]{{4}})")
_GROUP: Final = re.compile(r"[0-9]+")
_COUNTRY: Final = re.compile(
    r"(?:[(\uff08] ?(?:\+|00)?86 ?[)\uff09]|\+86|(?<![0-9.])0086|(?<![0-9.])86(?=[-.]))[ \t\r\n.\-/·]{0,2}\Z"
).search
# Not 138…元旦前, 138….10点前 nor 138….10:30: what goes on behind it is no amount.
_AMOUNT: Final = re.compile(r"(?:\.[0-9]{2})?[ ]?(?:元|块)(?![\w\-])|\.[0-9]{2}(?![ ]?[\w:/\-])").match
_IN_LINE: Final = frozenset(" -.·")
_DAY: Final = re.compile(r"(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])").fullmatch

# Sizes of somebody or something: 165 50 84 62 88.
_SIZE_BEFORE: Final = re.compile(
    r"(?:身高|体重|三围|[胸腰臀肩]围|尺寸|尺码|码数|规格|长宽高?|(?<![a-z])(?:size|height|weight|cm|kg))[^0-9\n]{0,6}\Z", re.IGNORECASE
).search
_SIZE_AFTER: Final = re.compile(r"[ ]?(?:[cm]m|kg|厘米|毫米|公斤|千克|斤|码|米)", re.IGNORECASE).match
_ITEM: Final = re.compile(r"[\s；;，,、。：:(\uff08]?[1-9][0-9]\.").fullmatch


def is_id_card(value: str) -> bool:
    """Whether 18 characters (17 digits and a digit or X) are a mainland identity number: area, real date, MOD 11-2."""
    if int(value[:2]) not in _PROVINCES:
        return False
    year = int(value[6:10])
    if not 1850 <= year <= 2099 or _ID_CHECKS[sum(map(mul, _ID_WEIGHTS, map(int, value[:17]))) % 11] != value[17]:
        return False
    try:
        date(year, int(value[10:12]), int(value[12:14]))
    except ValueError:
        return False
    return True


def has_long_number(text: str) -> bool:
    """Whether eleven digits stand close enough together for `find_numbers` to be worth its while."""
    return _long_number(text) is not None


def find_numbers(text: str) -> list[Found]:
    """Identity cards, bank cards and mobile phones from left to right, phones with their country code and with brackets around their
    first digits."""
    found: list[Found] = []
    if "(1" in text or "\uff081" in text or "( 1" in text or "\uff08 1" in text:
        plain = _in_brackets.sub(r" \1 ", text)
        if plain != text:
            return [(start - _opens(text, plain, start), end, kind, value) for start, end, kind, value in find_numbers(plain)]
    for match in _runs(text):
        start, end = match.span()
        if end - start >= 11:
            _Run(text, start, end, found).read()
    return found


class _Run:
    """Digit groups with single separators between them, and what was found in the text up to now."""

    __slots__ = ("check", "found", "last", "lengths", "links", "spans", "text", "values")

    def __init__(self, text: str, start: int, end: int, found: list[Found]) -> None:
        self.text, self.found = text, found
        self.last = found[-1][1] if found else 0  # where the last find ended: nothing before it counts as a neighbour
        self.check = end if text[end - 1] in "xX" else -1
        whole = text[start : end - 1].rstrip(" -") if self.check >= 0 else text[start:end]
        digits = start + len(whole)
        spans = [(start, digits)] if whole.isdigit() else [m.span() for m in _GROUP.finditer(text, start, digits)]
        # A group glued to a word gets no length, and so fits no pattern.
        if start > self.last and text[start - 1] in _LETTER_SET and not _is_label_behind(text, start):
            spans[0] = (spans[0][0], spans[0][0])
        if self.check < 0 and end < len(text) and text[end] in _LETTER_SET and not _is_label_ahead(text, end):
            spans[-1] = (end, end)
        self.spans = spans
        self.values = [text[a:b] for a, b in spans]
        self.lengths = tuple(map(len, self.values))
        self.links = [link(text[spans[k][1] : spans[k + 1][0]]) for k in range(len(spans) - 1)]

    def read(self) -> None:
        i, groups = 0, len(self.spans)
        while i < groups:
            length = self.lengths[i]
            alike = self._alike(i) if length in (1, 4) else 1
            taken = 0
            if (length >= 11 or (length and i + 1 < groups)) and not self._is_fraction(self.spans[i][0]):
                taken = self._id_card(i) or self._bank_card(i, alike)
                if not taken and not (length == 4 and alike > 3):
                    # Four and more groups of four that are no card are a reference, and no part of it is a phone.
                    taken = self._phone(i)
            i += taken or alike

    def _id_card(self, i: int) -> int:
        """How many groups from `i` are an identity number (0: none); so too for the next two."""
        for count in self._fits(ID_GROUPS, i, self.check):
            value, stop = self._join(i, count)
            if len(value) == 17:
                value, stop = value + "X", self.check
            if is_id_card(value):
                return self._take(i, count, self.spans[i][0], stop, "id_card", value)
        return 0

    def _bank_card(self, i: int, alike: int) -> int:
        for count in self._card_counts(i, alike):
            value, stop = self._join(i, count)
            if count == 2 and any(map(_DAY, self.values[i : i + 2])):
                continue  # from one day to another
            start = self.spans[i][0]
            if luhn(value) and is_card(value, count, self.text[max(self.last, start - 24) : start], self.text[stop : stop + 16]):
                return self._take(i, count, start, stop, "bank_card", value)
        return 0

    def _phone(self, i: int) -> int:
        length = self.lengths[i]
        for count in (1,) if length in (11, 13, 15) else self._fits(PHONE_GROUPS, i, -1):
            value, stop = self._join(i, count)
            number = value[-11:]
            if number[0] != "1" or number[1] < "3" or value[:-11] not in ("", "86", "0086"):
                continue
            if self.text[stop : stop + 1] in (".", " ", "元") and _AMOUNT(self.text, stop):
                continue
            if count > 1 and self._is_list(i, count, stop):
                continue
            return self._take(i, count, self._country(self.spans[i][0], value), stop, "phone", number)
        return 0

    def _is_list(self, i: int, count: int, stop: int) -> bool:
        """Whether groups like a phone's are a price and a day (139 20260302, 139/2026/0302), or sizes."""
        end = i + count
        links = self.links[i : end - 1]
        if (count == 2 or not _IN_LINE.issuperset(links)) and _DAY("".join(self.values[i + 1 : end])):
            return True
        if self.lengths[i + 1 : end] != PAIRS:
            return False
        goes_on = self.lengths[end : end + 1] == (2,) and self.links[end - 1] == links[0]
        before = self.text[max(self.last, self.spans[i][0] - 12) : self.spans[i][0]]
        return goes_on or len(set(links)) > 1 or bool(_SIZE_BEFORE(before) or _SIZE_AFTER(self.text, stop))

    def _country(self, start: int, value: str) -> int:
        """Where the phone starts with its country code, if that stands before it."""
        before = self.text[max(self.last, start - 9) : start]
        if len(value) == 13 and before.endswith("+"):
            return start - 1
        code = _COUNTRY(before) if "86" in before else None
        return start - len(code.group()) if code else start

    def _join(self, i: int, count: int) -> tuple[str, int]:
        return "".join(self.values[i : i + count]), self.spans[i + count - 1][1]

    def _take(self, i: int, count: int, start: int, stop: int, kind: str, value: str) -> int:
        self.found.append((start, stop, kind, value))
        self.last = stop
        return count

    def _alike(self, i: int) -> int:
        """How many groups of the same length with the same separator start at `i`."""
        j = i + 1
        while j < len(self.lengths) and self.lengths[j] == self.lengths[i] and self.links[j - 1] == self.links[i]:
            j += 1
        return j - i

    def _fits(self, groupings: Groupings, i: int, check: int) -> Iterable[int]:
        """The lengths of the groupings that the groups from `i` on fit; with `check` the last digit is an X, which no group holds."""
        for lengths, allowed in groupings.get(self.lengths[i], ()):
            j = i + len(lengths)
            seen = self.lengths[i:j]
            if lengths != seen:
                if check < 0 or j != len(self.lengths) or lengths != (*seen[:-1], seen[-1] + 1):
                    continue
            elif lengths == ONES and self._alike(i) != len(ONES):
                continue
            if allowed.issuperset(self.links[i : j - 1]):
                yield len(lengths)

    def _card_counts(self, i: int, alike: int) -> Iterable[int]:
        lengths, j = self.lengths, i + 4
        if lengths[i] != 4 or alike == 1:
            yield from (1,) if 15 <= lengths[i] <= 19 else ()
            yield from self._fits(CARD_GROUPS, i, -1)
        if alike == 4:
            yield from (5, 4) if j < len(lengths) and 0 < lengths[j] < 4 and self.links[j - 1] == self.links[i] else (4,)
        elif alike < 4:
            yield from (count for count in self._fits(BROKEN_CARD_GROUPS, i, -1) if "\n" in self.links[i : i + count - 1])
        # Five groups: the last may be the month and year of expiry.
        elif alike == 5 and self.links[i] == " " and "01" <= self.values[j][:2] <= "12":
            yield 4

    def _is_fraction(self, start: int) -> bool:
        """Whether the digits are the fraction of a decimal number. "1.138…" isn't, nor is "10.138…" in itself: those are lines of a list."""
        text = self.text
        if start - 2 < self.last or text[start - 1] != "." or text[start - 2] not in "0123456789":
            return False
        if _ITEM(text, max(self.last, start - 4), start):
            return False
        return text[start - 2] == "0" or (start - 3 >= self.last and text[start - 3] in "0123456789.")


def _opens(text: str, plain: str, start: int) -> bool:
    """Whether a bracket that `plain` lacks stands before a find."""
    return start > 0 and plain[start - 1] == " " != text[start - 1]


def _is_label_behind(text: str, start: int) -> bool:
    before = text[max(0, start - 12) : start]
    word = before[len(before.rstrip(LETTERS)) :]
    # "\n138…" in undecoded JSON: the letter is half of an escape; and behind U+FFFD half of a character of another encoding.
    half = len(word) == 1 and (before[-2:-1] == "\ufffd" or (word in "nrtbf" and before[-2:-1] == "\\"))
    return half or _LABELS(word) is not None


def _is_label_ahead(text: str, end: int) -> bool:
    ahead = text[end : end + 12]
    return _LABELS(ahead[: len(ahead) - len(ahead.lstrip(LETTERS))]) is not None
