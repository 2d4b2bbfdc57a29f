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

_long_number: Final = re.compile(r"[0-9](?:[ ._\-]{0,3}[0-9]){10}").search
_runs: Final = re.compile(r"[0-9]+(?:[ ._\-]{1,3}[0-9]+)*(?:[ \-]?[xX](?![A-Za-z]))?").finditer
_GROUP: Final = re.compile(r"[0-9]+")
_COUNTRY: Final = re.compile(
    r"(?:[(\uff08] ?(?:\+|00)?86 ?[)\uff09]|\+86|(?<![0-9.])0086|(?<![0-9.])86(?=[-.]))[ .\-]{0,2}\Z"
).search
# Not 138…元旦前, 138….10点前 nor 138….10:30: what goes on behind it is no amount.
_AMOUNT: Final = re.compile(r"(?:\.[0-9]{2})?[ ]?(?:元|块)(?![\w\-])|\.[0-9]{2}(?![ ]?[\w:/\-])").match
_DAY: Final = re.compile(r"(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])").fullmatch

_ONES: Final = (1,) * 11
_PHONE_GROUPS: Final = (_ONES, (3, 4, 4), (3, 8), (4, 4, 3), (5, 4, 4), (7, 4, 4))  # the last two: 86138-…, 0086138-…
_ID_WHOLE: Final = (
    (18,), (4, 4, 4, 4, 2), (6, 8, 4), (6, 4, 4, 4), (6, 4, 2, 2, 4), (6, 6, 6), (3,) * 6, (6, 12), (10, 8), (14, 4), (8, 10), (*(1,) * 16, 2),
)  # fmt: skip
_ID_GROUPS: Final = (*_ID_WHOLE, *((*groups, last - 1, 1) for *groups, last in _ID_WHOLE))  # or with the check digit apart
_ID_STARTS: Final = frozenset(groups[0] for groups in _ID_GROUPS) | {17}  # 17 and the X
_CARD_GROUPS: Final = ((4, 6, 5), (6, 13), (6, 10), (8, 8), (16, 3))


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
    """Identity cards, bank cards and mobile phones from left to right, phones with their country code."""
    found: list[Found] = []
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
        self.links = [_link(text[spans[k][1] : spans[k + 1][0]]) for k in range(len(spans) - 1)]

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
        length = self.lengths[i]
        for count in self._fits(_ID_GROUPS, i, self.check) if length in _ID_STARTS else ():
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
        for count in (1,) if length in (11, 13, 15) else self._fits(_PHONE_GROUPS, i, -1) if length < 8 else ():
            value, stop = self._join(i, count)
            number = value[-11:]
            if number[0] != "1" or number[1] < "3" or value[:-11] not in ("", "86", "0086"):
                continue
            if self.text[stop : stop + 1] in (".", " ", "元") and _AMOUNT(self.text, stop):
                continue
            if count == 2 and self.links[i] == " " and _DAY(self.values[i + 1]):
                continue  # "139 20260302": a price and a day
            return self._take(i, count, self._country(self.spans[i][0], value), stop, "phone", number)
        return 0

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

    def _fits(self, patterns: tuple[tuple[int, ...], ...], i: int, check: int) -> Iterable[int]:
        """The lengths of the patterns that the groups from `i` on fit; with `check` the last digit is an X, which no group holds."""
        for pattern in patterns:
            j = i + len(pattern)
            seen, links = self.lengths[i:j], self.links[i : j - 1]
            if pattern != seen:
                if check < 0 or j != len(self.lengths) or pattern != (*seen[:-1], seen[-1] + 1):
                    continue
            elif pattern is _ONES and self._alike(i) != len(_ONES):
                continue
            if "!" not in links and not ("." in links and pattern[-1] == 3):
                yield len(pattern)

    def _card_counts(self, i: int, alike: int) -> Iterable[int]:
        lengths, j = self.lengths, i + 4
        if lengths[i] != 4 or alike == 1:
            grouped = self._fits(_CARD_GROUPS, i, -1) if lengths[i] in (4, 6, 8, 16) else ()
            return (1, *grouped) if 15 <= lengths[i] <= 19 else grouped
        if alike == 4:
            return (5, 4) if j < len(lengths) and 0 < lengths[j] < 4 and self.links[j - 1] == self.links[i] else (4,)
        # Five groups: the last may be the month and year of expiry.
        return (4,) if alike == 5 and self.links[i] == " " and "01" <= self.values[j][:2] <= "12" else ()

    def _is_fraction(self, start: int) -> bool:
        """Whether the digits are the fraction of a decimal number. "1.138…" isn't, but the first line of a list."""
        text = self.text
        if start - 2 < self.last or text[start - 1] != "." or text[start - 2] not in "0123456789":
            return False
        return text[start - 2] == "0" or (start - 3 >= self.last and text[start - 3] in "0123456789.")


def _link(separator: str) -> str:
    """One character for what stands between two groups; '!' parts them (the end of a sentence, a doubled hyphen)."""
    core = separator.strip(" ")
    if not core:
        return " "
    if len(core) > 1 or (core == "." and separator != "."):
        return "!"
    return "-" if core == "_" else core


def _is_label_behind(text: str, start: int) -> bool:
    before = text[max(0, start - 12) : start]
    word = before[len(before.rstrip(LETTERS)) :]
    # "\n138…" in undecoded JSON: the letter is half of an escape; and behind U+FFFD half of a character of another encoding.
    half = len(word) == 1 and (before[-2:-1] == "\ufffd" or (word in "nrtbf" and before[-2:-1] == "\\"))
    return half or _LABELS(word) is not None


def _is_label_ahead(text: str, end: int) -> bool:
    ahead = text[end : end + 12]
    return _LABELS(ahead[: len(ahead) - len(ahead.lstrip(LETTERS))]) is not None
