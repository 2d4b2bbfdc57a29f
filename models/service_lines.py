"""Service lines of our own with a label, made from the patterns in `service_lines.yaml`.

They are used for training only and never for a figure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import yaml

PATTERNS = Path(__file__).with_name("service_lines.yaml")
MAX_PER_PATTERN = 24
"""More fillings of one pattern teach nothing new and would drown the public sets."""


def service_lines() -> Iterator[tuple[str, str]]:
    """Yield (text, label name). The same lines in the same order every time, at most MAX_PER_PATTERN a pattern."""
    told = yaml.safe_load(PATTERNS.read_text("utf-8"))
    for label, block in told["patterns"].items():
        for line in block.splitlines():
            if line and not line.startswith("#"):
                yield from ((text, label) for text in _filled(line, told["slots"]))


def _filled(pattern: str, words: dict[str, list[str]]) -> Iterator[str]:
    slots = re.findall(r"\{(\w+)\}", pattern)
    fillings = list(product(*(words[slot] for slot in slots)))
    # An odd stride visits all slots evenly; taking the first fillings would repeat the first words.
    step = max(1, len(fillings) // MAX_PER_PATTERN) | 1
    for filling in fillings[::step][:MAX_PER_PATTERN]:
        text = pattern
        for slot, word in zip(slots, filling, strict=True):
            text = text.replace(f"{{{slot}}}", word, 1)
        yield text
