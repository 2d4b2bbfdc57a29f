"""Long messages put together from shorter ones: calm ones with one sentence that takes a side, and calm ones throughout.

Anger in one sentence of such a message is the customer's anger, and no set has them. Without the calm ones all that is long would take a side.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from models.labels import NEUTRAL, UNKNOWN
from models.sets import JOINED, Example

SIDED_SHARE = 0.12
CALM_SHARE = 0.04
"""How many are made, as shares of all that is learnt from."""

JOINTS = (" ", "\n", "，", "。", ". ")
MAX_CALM_TEXTS = 3
MAX_SIDED_CHARACTERS = 80


def joined(examples: Sequence[Example], chance: random.Random) -> list[Example]:
    """Join neutral texts with one that takes a side, in any order; the whole has its side. Then neutral ones alone, which stay neutral. Of
    texts in one language come texts in it."""
    calm = [example.text for example in examples if example.label == NEUTRAL]
    sided = [
        example
        for example in examples
        if example.label not in (NEUTRAL, UNKNOWN) and len(example.text) <= MAX_SIDED_CHARACTERS
    ]
    if not calm or not sided:
        return []
    count = sum(not example.is_turn for example in examples)
    made = []
    for _ in range(int(count * SIDED_SHARE)):
        heart = chance.choice(sided)
        texts = [heart.text, *chance.choices(calm, k=chance.randint(1, MAX_CALM_TEXTS))]
        chance.shuffle(texts)
        made.append(_message(texts, heart.label, chance))
    for _ in range(int(count * CALM_SHARE)):  # behind the others, which keep their texts so: what a teacher said of them is kept
        texts = chance.choices(calm, k=chance.randint(2, 1 + MAX_CALM_TEXTS))
        made.append(_message(texts, NEUTRAL, chance))
    return made


def _message(texts: Sequence[str], label: int, chance: random.Random) -> Example:
    return Example(chance.choice(JOINTS).join(texts), label, source=JOINED)
