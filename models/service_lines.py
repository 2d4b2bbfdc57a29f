"""Service lines of our own with a label, made from the patterns in `service_lines.yaml`.

They are used for training only and never for a figure.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import yaml

PATTERNS = Path(__file__).with_name("service_lines.yaml")
USUAL_FILLINGS = 24
"""More fillings of a short pattern teach nothing new and would drown the public sets."""

CAPITALISED_SHARE = 0.5
SHOUTED_SHARE = 0.04
"""Of the lines, in capitals throughout."""

_SLOT = re.compile(r"\{(\w+)\}")
_CAPITAL = re.compile(r"(?:^|[.!?]\s+)[a-z]|\bi\b")
_COUNT = re.compile(r"(\d+)× (.*)")


class ServiceLine(NamedTuple):
    """A line, the name of its label, and which tones it has and which it hasn't; of the others it tells nothing."""

    text: str
    label: str
    tones: Mapping[str, bool]


def service_lines() -> Iterator[ServiceLine]:
    """Yield the same lines in the same order every time, none twice for a pattern."""
    told = yaml.safe_load(PATTERNS.read_text("utf-8"))
    for block in told["patterns"]:
        for line in block["lines"].splitlines():
            if line and not line.startswith("#"):
                counted = _COUNT.fullmatch(line)
                most, pattern = (int(counted[1]), counted[2]) if counted else (USUAL_FILLINGS, line)
                yield from (ServiceLine(text, block["label"], block["tones"]) for text in filled(pattern, told["slots"], most))


def filled(pattern: str, words: Mapping[str, Sequence[str]], most: int) -> list[str]:
    """At most `most` different fillings of a pattern, half of them with capitals and a few shouted, drawn at random from a seed of its own."""
    chance = random.Random(pattern)
    # Twice as many draws as fillings are wanted: a pattern with few slots has few fillings.
    lines = list(dict.fromkeys(_fill(pattern, words, chance) for _ in range(2 * most)))[:most]
    return [_written(line, chance) for line in lines]


def _written(line: str, chance: random.Random) -> str:
    if chance.random() < SHOUTED_SHARE:
        return line.upper()
    return capitalised(line) if chance.random() < CAPITALISED_SHARE else line


def capitalised(line: str) -> str:
    """English with capitals where a careful writer has them: that a text has some says nothing of its mood."""
    return _CAPITAL.sub(lambda found: found[0].upper(), line)


def _fill(pattern: str, words: Mapping[str, Sequence[str]], chance: random.Random) -> str:
    while "{" in pattern:
        pattern = _SLOT.sub(lambda slot: chance.choice(words[slot[1]]), pattern)
    return pattern
