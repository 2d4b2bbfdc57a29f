"""What is found in one text: its masked form, its language, courtesies and questions, the phrases of rules.

A quarter of real service lines, and more of an agent's, are word for word repeats: what was found in a short text is kept,
in a bounded memory, and found once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from models.text import simplified
from udfs.events import Flag
from udfs.holding import Holding, holding
from udfs.language import language
from udfs.left_open import LeftOpen, leaves_open
from udfs.markup import strip_quotes
from udfs.memo import Memo
from udfs.phrase_rules import PhraseMatcher
from udfs.phrases import asks, declines, is_courtesy, rates, rates_badly
from udfs.privacy import Masker, Span
from udfs.surveys import says_all_is_well, says_no_with_thanks

COURTESY, ASKS, RATES = int(Flag.COURTESY), int(Flag.ASKS), int(Flag.RATES)
LEFT_OPEN: Final = {
    LeftOpen.NOTHING: 0, LeftOpen.QUESTION: ASKS, LeftOpen.OFFER: COURTESY, LeftOpen.SURVEY: RATES, LeftOpen.OFFER | LeftOpen.SURVEY: COURTESY | RATES,
}  # fmt: skip
OF_HOLDING: Final = {Holding.NO: 0, Holding.SIGN: int(Flag.HOLDING), Holding.PROMISE: int(Flag.HOLDING | Flag.PROMISES)}
BLOT: Final = "\ufffc"  # object replacement character
MAX_KEPT: Final = 50_000  # texts
MAX_KEPT_LENGTH: Final = 120  # characters: longer ones are seldom said twice


class Wording(NamedTuple):
    """What a text holds. `own`: of the masked text what its writer wrote himself, without quotations; `flags` are COURTESY, ASKS, RATES, HOLDING and PROMISES,
    `hits` are [[rule id, phrase], …]."""

    masked: str
    own: str
    language: str
    flags: int
    hits: list[list[str]]


NOTHING: Final = Wording("", "", "", 0, [])


class WordingReader:
    """Reads texts. `speaker` is `customer`, `agent` (a person), `bot`, or `` for what no rule looks at (notes)."""

    def __init__(self, phrases: PhraseMatcher, masker: Masker) -> None:
        self._phrases = phrases
        self._masker = masker
        self._wordings = Memo(self._read, MAX_KEPT, lambda line: len(line[0]) <= MAX_KEPT_LENGTH)

    def read(self, text: str, speaker: str) -> Wording:
        """What is in the text, said by this speaker."""
        return self._wordings[text, speaker]

    def _read(self, line: tuple[str, str]) -> Wording:
        text, speaker = line
        masked, found = self._masker.mask(text)
        # The rules' phrases and the courtesies are simplified.
        said = simplified(strip_quotes(blotted(text, found) if found else text))
        flags = 0
        hits: list[list[str]] = []
        if speaker == "customer":
            hits = self._phrases.find(said, speaker)
            if is_courtesy(said):  # only then does it matter whether it asks, too
                flags = COURTESY | (ASKS if asks(said) else RATES if says_no_with_thanks(said) else 0)
            elif declines(said):
                flags = ASKS
            elif rates(said):
                flags = RATES | (ASKS if rates_badly(said) else 0)
            elif says_all_is_well(said):
                flags = RATES
        elif speaker:
            if speaker == "agent":
                hits = self._phrases.find(said, speaker)
            flags = LEFT_OPEN[leaves_open(said)]
            if speaker == "agent":
                flags |= OF_HOLDING[holding(said)]
        return Wording(masked, strip_quotes(masked), language(masked), flags, hits)


def blotted(text: str, found: Sequence[Span]) -> str:
    """The text with one character that matches nothing for each find: a rule for `phone` means the word, and not our `[phone]`."""
    pieces: list[str] = []
    at = 0
    for span in found:
        pieces += text[at : span.start], BLOT
        at = span.end
    return "".join((*pieces, text[at:]))
