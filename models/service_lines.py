"""Service lines of our own with a label, made from the patterns in `service_lines.yaml`.

They are used for training only and never for a figure.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import yaml

PATTERNS = Path(__file__).with_name("service_lines.yaml")
USUAL_FILLINGS = 24
"""More fillings of a short pattern teach nothing new and would drown the public sets."""

CAPITALISED_SHARE = 0.5

_SLOT = re.compile(r"\{(\w+)\}")
_CAPITAL = re.compile(r"(?:^|[.!?]\s+)[a-z]|\bi\b")
_COUNT = re.compile(r"(\d+)× (.*)")


def service_lines() -> Iterator[tuple[str, str]]:
    """Yield (text, label name): the same lines in the same order every time, none twice for a pattern."""
    told = yaml.safe_load(PATTERNS.read_text("utf-8"))
    for label, block in told["patterns"].items():
        for line in block.splitlines():
            if line and not line.startswith("#"):
                counted = _COUNT.fullmatch(line)
                most, pattern = (int(counted[1]), counted[2]) if counted else (USUAL_FILLINGS, line)
                yield from ((text, label) for text in filled(pattern, told["slots"], most))


def filled(pattern: str, words: Mapping[str, Sequence[str]], most: int) -> list[str]:
    """At most `most` different fillings of a pattern, half of them with capitals, drawn at random from a seed of its own."""
    chance = random.Random(pattern)
    # Twice as many draws as fillings are wanted: a pattern with few slots has few fillings.
    lines = list(dict.fromkeys(_fill(pattern, words, chance) for _ in range(2 * most)))[:most]
    return [capitalised(line) if chance.random() < CAPITALISED_SHARE else line for line in lines]


def capitalised(line: str) -> str:
    """English with capitals where a careful writer has them: that a text has some says nothing of its mood."""
    return _CAPITAL.sub(lambda found: found[0].upper(), line)


def _fill(pattern: str, words: Mapping[str, Sequence[str]], chance: random.Random) -> str:
    while "{" in pattern:
        pattern = _SLOT.sub(lambda slot: chance.choice(words[slot[1]]), pattern)
    return pattern
