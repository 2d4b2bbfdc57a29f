"""Where a model reads worse than elsewhere: macro-F1 by language, length and shop, within each set.

Sets ask different things: two labels, three, or satisfaction. A slice is compared with the whole of its own set only, or it would be
taken for unfair where its set is merely the harder one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from models.evaluate import Answer, class_f1
from models.sets import SETS
from models.text import language_of

SMALLEST_SLICE = 50
"""Texts of a set that a slice must have there to be compared."""

LENGTHS = ((0, 10), (10, 30), (30, 100), (100, 10**9))
"""Slices by length, in characters: from, below."""

LANGUAGE_OF_SET = {info.name: info.language for info in SETS}


class Part(NamedTuple):
    """A slice of one set: its macro-F1, how far that is below the whole set's over the labels that the slice has, and its texts."""

    macro_f1: float
    gap: float
    texts: int


@dataclass(frozen=True, slots=True)
class Slice:
    """A slice, by its name, and its parts by the name of their set."""

    name: str
    parts: dict[str, Part]

    @property
    def texts(self) -> int:
        """The texts of all parts."""
        return sum(part.texts for part in self.parts.values())

    @property
    def macro_f1(self) -> float:
        """The mean of the parts' macro-F1, each weighed by its texts."""
        return sum(part.macro_f1 * part.texts for part in self.parts.values()) / self.texts

    @property
    def gap(self) -> float:
        """The mean of the parts' gaps, each weighed by its texts; positive where the slice is read worse than its sets are."""
        return sum(part.gap * part.texts for part in self.parts.values()) / self.texts

    def to_json(self) -> dict[str, Any]:
        """The slice as it is reported."""
        return {
            "slice": self.name,
            **_figures(self),
            "sets": {name: _figures(part) for name, part in self.parts.items()},
        }


def _figures(found: Slice | Part) -> dict[str, Any]:
    return {"macro_f1": round(found.macro_f1, 4), "gap": round(found.gap, 4), "texts": found.texts}


def slice_names(answer: Answer) -> Iterator[str]:
    """The slices that a text belongs to: language, length, and shop where it is told."""
    example = answer.example
    yield f"language {LANGUAGE_OF_SET.get(example.source) or language_of(example.text)}"
    yield length_slice(example.text)
    if example.shop:
        yield f"shop {example.shop}"


def length_slice(text: str) -> str:
    """The slice of a text by its length."""
    low, high = next((low, high) for low, high in LENGTHS if low <= len(text) < high)
    return f"length {low}–{high - 1}" if high < 10**9 else f"length {low} and more"


def slices(
    answers: Mapping[str, Sequence[Answer]], names_of: Callable[[Answer], Iterable[str]] = slice_names
) -> list[Slice]:
    """The slices that `names_of` puts the answers of each set into, the largest gap first. What is a few texts of a set, or all of
    them, is left out there."""
    found: dict[str, dict[str, Part]] = {}
    for set_name, every in answers.items():
        whole = _by_label(every)
        parts: dict[str, list[Answer]] = {}
        for answer in every:
            for name in names_of(answer):
                parts.setdefault(name, []).append(answer)
        for name, part in parts.items():
            if SMALLEST_SLICE <= len(part) < len(every):
                found.setdefault(name, {})[set_name] = _part(part, whole)
    return sorted((Slice(name, parts) for name, parts in found.items()), key=lambda each: -each.gap)


def _part(answers: Sequence[Answer], whole: Mapping[int, float]) -> Part:
    each = _by_label(answers)
    macro_f1 = sum(each.values()) / len(each)
    # A shop without praise would be compared with praise read well elsewhere: only labels that the slice has are compared.
    return Part(macro_f1, sum(whole[label] for label in each) / len(each) - macro_f1, len(answers))


def _by_label(answers: Sequence[Answer]) -> dict[int, float]:
    return class_f1([each.example.label for each in answers], [each.label for each in answers])
