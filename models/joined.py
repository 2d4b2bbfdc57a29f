"""Long, calm messages with one sentence that takes a side, put together from shorter ones.

Anger in one sentence of such a message is the customer's anger, and no set has them.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from models.labels import NEUTRAL, UNKNOWN
from models.sets import JOINED, Example

SHARE = 0.12
"""How many are made, as a share of all that is learnt from."""

JOINTS = (" ", "\n", "，", "。", ". ")
MAX_CALM_TEXTS = 3
MAX_SIDED_CHARACTERS = 80


def joined(examples: Sequence[Example], chance: random.Random) -> list[Example]:
    """Join neutral texts with one that takes a side, in any order; the whole has its side. Of texts in one language come texts in it."""
    calm = [example.text for example in examples if example.label == NEUTRAL]
    sided = [
        example
        for example in examples
        if example.label not in (NEUTRAL, UNKNOWN) and len(example.text) <= MAX_SIDED_CHARACTERS
    ]
    if not calm or not sided:
        return []
    made = []
    for _ in range(int(sum(not example.is_turn for example in examples) * SHARE)):
        heart = chance.choice(sided)
        texts = [heart.text, *chance.choices(calm, k=chance.randint(1, MAX_CALM_TEXTS))]
        chance.shuffle(texts)
        made.append(Example(chance.choice(JOINTS).join(texts), heart.label, source=JOINED))
    return made
