"""Which rules' phrases are in a text: all phrases of all rules in one pass of an Aho-Corasick automaton.

A phrase in Latin letters must begin and end with the word; a Chinese one may stand anywhere but inside one of the
rule's innocent words, and none is meant behind a word that takes it back (谨防私下转账, never pay outside). Matching runs on a
folded copy (width, case, invisible characters), the text stays as it is. Phrases may be written in traditional Chinese; they are
matched as simplified.
"""

from __future__ import annotations

import re

from ahocorasick_rs import AhoCorasick, MatchKind

from models.text import simplified
from udfs.folding import fold
from udfs.rules import Phrases

MAX_MATCHES = 20
NEAR, NEAR_IN_LATIN = 12, 24
"""Characters before a phrase in which a word may take it back, and in Latin letters."""

_CLAUSE_END = re.compile(r"[,.;:!?，。；：！？、\n]|(?<=[\u4e00-\u9fff]) (?=[\u4e00-\u9fff])")


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
        self._allowed = {
            (rule.id, loose): [form(word) for word in rule.allow] for rule in rules for loose, form in ((False, _form), (True, _joined))
        }
        self._unless = {rule.id: [_form(word) for word in rule.unless] for rule in rules if rule.unless}
        self._automaton = AhoCorasick(patterns, matchkind=MatchKind.Standard) if patterns else None
        self._loose = any(rule.ignore_separators for rule in rules)

    def find(self, text: str, sender: str) -> list[list[str]]:
        """[[rule id, phrase], …] for a text of this sender (`customer` or `agent`), each rule's phrase once. Traditional Chinese must
        be made simplified before (`models.text.simplified`)."""
        if self._automaton is None or not text:
            return []
        found: dict[tuple[str, str], None] = {}
        folded = fold(text)
        self._search(folded, sender, found, loose=False)
        if self._loose and not folded.isascii():
            joined = fold(text, ignore_separators=True)
            if joined != folded:
                self._search(joined, sender, found, loose=True, seen_in=folded)
        return [[rule, phrase] for rule, phrase in found][:MAX_MATCHES]

    def _search(self, folded: str, sender: str, found: dict[tuple[str, str], None], loose: bool, seen_in: str = "") -> None:
        """Into `found`, what the rules of this sender find. seen_in: a text in which a phrase that stands there as it is has been judged."""
        assert self._automaton is not None
        for index, start, end in self._automaton.find_matches_as_indexes(folded, overlapping=True):
            rule, phrase = self._entries[index]
            if rule.sender not in (sender, "any"):
                continue
            if (rule.id, phrase) in found or (loose and (not rule.ignore_separators or phrase.isascii() or phrase in seen_in)):
                continue
            if _inside_word(folded, start, end) or self._innocent(folded, start, end, (rule.id, loose)):
                continue
            if not loose and rule.id in self._unless and self._taken_back(folded, start, rule.id):
                continue
            found[rule.id, phrase] = None

    def _innocent(self, folded: str, start: int, end: int, rule: tuple[str, bool]) -> bool:
        return any(folded.find(word, max(0, end - len(word)), start + len(word)) >= 0 for word in self._allowed[rule])

    def _taken_back(self, folded: str, start: int, rule: str) -> bool:
        near = NEAR_IN_LATIN if folded[start].isascii() else NEAR
        before = _CLAUSE_END.split(folded[max(0, start - near) : start])[-1]
        return any(_holds_word(before, word) for word in self._unless[rule])


def _holds_word(text: str, word: str) -> bool:
    """Whether the word is in the text; one in Latin letters as a whole."""
    at = text.find(word)
    while at >= 0:
        if not _inside_word(text, at, at + len(word)):
            return True
        at = text.find(word, at + 1)
    return False


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
