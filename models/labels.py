"""The names of what a model answers: one sentiment of three, each of four tones or not, one satisfaction of three."""

from __future__ import annotations

from models.scorer import LABELS, SATISFACTIONS, TONES, Score

__all__ = [
    "ABUSIVE", "ANGRY", "ANXIOUS", "NEGATIVE", "NEUTRAL", "NO_TONES", "OUTPUTS", "POLITE", "POSITIVE", "SATISFACTIONS", "TONES",
    "UNKNOWN", "sided", "tones",
]  # fmt: skip

NEGATIVE, NEUTRAL, POSITIVE = range(len(LABELS))
UNKNOWN = -1
"""A label that a set doesn't tell. It is masked out of the loss."""

POLITE, ANGRY, ANXIOUS, ABUSIVE = range(len(TONES))
NO_TONES = (UNKNOWN,) * len(TONES)

OUTPUTS = (*LABELS, *TONES)
"""The columns of the network's answer: softmax over the first three, a sigmoid for each of the others. SATISFACTIONS follow, a
softmax again, where the network has learnt from a set that tells them."""


def tones(**heard: bool) -> tuple[int, ...]:
    """The tones that are told, `angry=True, anxious=False`; the others are UNKNOWN."""
    return tuple(int(heard[name]) if name in heard else UNKNOWN for name in TONES)


def sided(score: float, neutral_within: float) -> Score:
    """The score of a scorer that answers one number, −1 to 1; so close to 0 it takes no side."""
    return Score("neutral" if abs(score) <= neutral_within else "positive" if score > 0 else "negative", score)
