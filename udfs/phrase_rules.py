"""Which rules' phrases are in a text: all phrases of all rules in one pass of an Aho-Corasick automaton.

A phrase in Latin letters must begin and end with the word; a Chinese one may stand anywhere but inside one of the
rule's innocent words, and none is meant behind a word that takes it back, be it anywhere before it in its clause (谨防私下转账,
never pay outside) or directly before it (不投诉, can't pay outside) and isn't half of a question or an offer (能不能投诉, why not pay
outside). Matching runs on a folded copy (width, case, invisible characters), the text stays as it is. Phrases may be written in
traditional Chinese; they are matched as simplified.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ahocorasick_rs import AhoCorasick, MatchKind

from models.text import simplified
from udfs.folding import fold, places_without_separators
from udfs.rules import Phrases

MAX_MATCHES = 20
NEAR, NEAR_IN_LATIN = 12, 24
"""Characters before a phrase in which a word may take it back, and in Latin letters."""

_CLAUSE_END = re.compile(r"[,.;:!?，。；：！？、\n]|(?<=[\u4e00-\u9fff]) (?=[\u4e00-\u9fff])")
_WITHIN_CLAUSE = re.compile(r"[\s_\-·•‧∙・‐-―−~*/\\|]")  # the separators that end none
_SPREAD = re.compile(r"(?<![\u4e00-\u9fff]{2}) (?=[\u4e00-\u9fff])| (?=[\u4e00-\u9fff](?![\u4e00-\u9fff]))")  # blanks beside a single character

_NOT_DENYING = re.compile(
    r"(?<!不\w)(?<![可功]能)(?<=(\w))[不没]\1|(?<=(\w\w))[不没]\2"  # half of a question: 能不能, 投不投诉, 有没有, 可以不可以; not 不要不要, 可能不能
    r"|(?<=要)(?<![只主不]要)不|(?<=\bwhy )not|(?<=\bif )not"  # an offer: 要不加我微信, why not pay outside; not 只要不
    r"|(?<=[能何么])(?<!可能)不(?![能可要会用需])"  # asked for effect: 我能不投诉吗, 何不, 怎么不; not 为什么不能, which agents explain
    r"|(?<=不得)不|(?<=[分特个])别"  # parts of 不得不, 分别, 特别, 个别
)
"""Matches where a word begins that would deny a phrase, and doesn't here."""

_AROUND_DENIAL = 2  # Chinese characters before a word that `_NOT_DENYING` looks at


class PhraseMatcher:
    """Finds phrases of rules in texts."""

    def __init__(self, rules: list[Phrases]) -> None:
        self._entries: list[tuple[Phrases, str]] = []
        patterns: list[str] = []
        for rule in rules:
            for phrase in dict.fromkeys(_form(phrase) for phrase in rule.phrases):
                for pattern in filter(None, dict.fromkeys((phrase, _joined(phrase)))):  # a phrase of separators has no other form
                    self._entries.append((rule, phrase))
                    patterns.append(pattern)
        self._allowed = {rule.id: list(map(_form, rule.allow)) for rule in rules}
        self._allowed_apart = {rule.id: _apart(rule.allow) for rule in rules if rule.ignore_separators}
        self._unless = {rule.id: list(map(_form, rule.unless)) for rule in rules}
        self._unless_apart = {rule.id: _apart(rule.unless) for rule in rules if rule.ignore_separators}
        self._right_before = {rule.id: _as_they_stand(rule) for rule in rules}
        self._right_before_apart = {rule.id: tuple(_apart(rule.unless_right_before)) for rule in rules if rule.ignore_separators}
        self._automaton = AhoCorasick(patterns, matchkind=MatchKind.Standard) if patterns else None
        self._loose = any(rule.ignore_separators for rule in rules)

    def find(self, text: str, sender: str) -> list[list[str]]:
        """[[rule id, phrase], …] for a text of this sender (`customer` or `agent`), each rule's phrase once. Traditional Chinese must
        be made simplified before (`models.text.simplified`)."""
        if self._automaton is None or not text:
            return []
        found: dict[tuple[str, str], None] = {}
        folded = fold(text)
        self._search(folded, folded, sender, found)
        if self._loose and not folded.isascii():
            joined = fold(text, ignore_separators=True)
            if joined != folded:
                self._search(joined, folded, sender, found)
        return [[rule, phrase] for rule, phrase in found][:MAX_MATCHES]

    def _search(self, text: str, folded: str, sender: str, found: dict[tuple[str, str], None]) -> None:
        """Into `found`, what the rules of this sender find in the text: the folded one, or that without separators."""
        assert self._automaton is not None
        loose, places = text is not folded, None
        for index, start, end in self._automaton.find_matches_as_indexes(text, overlapping=True):
            rule, phrase = self._entries[index]
            if rule.sender not in (sender, "any") or (rule.id, phrase) in found:
                continue
            if loose and (not rule.ignore_separators or phrase.isascii()):
                continue
            if _inside_word(text, start, end):
                continue
            if loose:
                places = places or places_without_separators(folded)
                first, last = places[start], places[end - 1]
                if last - first == end - 1 - start:
                    continue  # it stands there as it is, and has been judged
                start, end = first, last + 1
            if self._innocent(folded, start, end, rule) or self._taken_back(folded, start, rule) or self._denied(folded, start, end, rule):
                continue
            found[rule.id, phrase] = None

    def _innocent(self, folded: str, start: int, end: int, rule: Phrases) -> bool:
        """Whether the phrase is in one of the rule's innocent words, be it pulled apart as the phrase may be."""
        if _covers(self._allowed[rule.id], folded, start, end):
            return True
        words = self._allowed_apart.get(rule.id)
        if not words or folded.isascii():
            return False
        reach = 2 * max(map(len, words))
        before = _WITHIN_CLAUSE.sub("", folded[max(0, start - reach) : start])
        phrase = fold(folded[start:end], ignore_separators=True)
        after = _WITHIN_CLAUSE.sub("", folded[end : end + reach])
        return _covers(words, before + phrase + after, len(before), len(before) + len(phrase))

    def _taken_back(self, folded: str, start: int, rule: Phrases) -> bool:
        """Whether one of the rule's words that take a phrase back stands shortly before it in its clause, be it pulled apart."""
        words = self._unless[rule.id]
        if not words:
            return False
        near = NEAR_IN_LATIN if folded[start].isascii() else NEAR
        before = _CLAUSE_END.split(folded[max(0, start - near) : start])[-1]
        if any(_holds_word(before, word) for word in words):
            return True
        apart = self._unless_apart.get(rule.id)
        if not apart or folded.isascii():
            return False
        clause = _CLAUSE_END.split(_SPREAD.sub("", folded[max(0, start - 2 * near) : start]))[-1]
        closed = _WITHIN_CLAUSE.sub("", clause)[-near:]
        return any(_holds_word(closed, word) for word in apart)

    def _denied(self, folded: str, start: int, end: int, rule: Phrases) -> bool:
        """Whether one of the rule's words that take a phrase back directly before it stands there, be it pulled apart."""
        blank = folded[start - 1 : start] == " "  # a folded text has no two in a row
        if _denies(self._right_before[rule.id], folded, start - blank):
            return True
        apart = self._right_before_apart.get(rule.id)
        if not apart or folded.isascii():
            return False
        reach = 2 * (max(map(len, apart)) + _AROUND_DENIAL)
        before = _WITHIN_CLAUSE.sub("", folded[max(0, start - reach) : start])
        phrase = fold(folded[start:end], ignore_separators=True)
        return _denies(apart, before + phrase, len(before))


def _covers(words: Sequence[str], text: str, start: int, end: int) -> bool:
    """Whether one of the words stands where what is between start and end is in it."""
    return any(text.find(word, max(0, end - len(word)), start + len(word)) >= 0 for word in words)


def _apart(words: Sequence[str]) -> list[str]:
    """Words in Chinese as they stand in a text without the separators inside a clause, and without any."""
    forms = [_form(word) for word in words]
    closed = ((_WITHIN_CLAUSE.sub("", form), fold(form, ignore_separators=True)) for form in forms if not form.isascii())
    return [form for form in dict.fromkeys(form for pair in closed for form in pair) if form]


def _holds_word(text: str, word: str) -> bool:
    """Whether the word is in the text; one in Latin letters as a whole."""
    at = text.find(word)
    while at >= 0:
        if not _inside_word(text, at, at + len(word)):
            return True
        at = text.find(word, at + 1)
    return False


def _as_they_stand(rule: Phrases) -> tuple[str, ...]:
    """The rule's words that take a phrase back directly before it, without those that are looked for where separators are left out."""
    words = (_form(word).strip() for word in rule.unless_right_before)
    return tuple(word for word in words if word.isascii() or not rule.ignore_separators)


def _denies(words: tuple[str, ...], text: str, end: int) -> bool:
    """Whether one of the words ends here in the text, one in Latin letters as a whole, and isn't part of a question or an offer."""
    if not text.endswith(words, 0, end):
        return False
    places = (end - len(word) for word in words if text.endswith(word, 0, end))
    return any(not _inside_word(text, at, end) and not _NOT_DENYING.match(text, at) for at in places)


def _form(phrase: str) -> str:
    return fold(simplified(phrase))


def _joined(phrase: str) -> str:
    """A phrase as it stands in a text without separators; one in Latin letters keeps its blanks, and isn't looked for there."""
    form = _form(phrase)
    return form if form.isascii() else fold(form, ignore_separators=True)


def _inside_word(text: str, start: int, end: int) -> bool:
    """Whether a match that begins or ends with a Latin letter or digit is only a part of a longer word."""
    before, after = text[start - 1 : start], text[end : end + 1]
    if after.isdigit() and text[end - 1].isalpha() and not text[start:end].isascii():
        after = ""  # 加我v1380…: what follows the letter is the number
    return (_latin(text[start]) and _latin(before)) or (_latin(text[end - 1]) and _latin(after))


def _latin(character: str) -> bool:
    return character.isascii() and character.isalnum()
