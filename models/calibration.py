"""How far a model's confidence can be believed, and one number that mends it.

Expected calibration error over equal-width bins, and temperature scaling: Guo et al., "On Calibration of Modern Neural
Networks", ICML 2017.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch.nn import functional

BINS = 15
COLDEST, HOTTEST = 0.05, 20.0


class Bin(NamedTuple):
    """One bar of the reliability diagram: the mean confidence and the accuracy of the texts whose confidence lies in it."""

    confidence: float
    accuracy: float
    texts: int


def reliability(confidences: Sequence[float], right: Sequence[bool], bins: int = BINS) -> list[Bin]:
    """Texts by confidence in bins of equal width; empty bins are left out."""
    held: list[list[int]] = [[] for _ in range(bins)]
    for at, confidence in enumerate(confidences):
        held[min(bins - 1, int(confidence * bins))].append(at)
    return [
        Bin(sum(confidences[at] for at in part) / len(part), sum(right[at] for at in part) / len(part), len(part))
        for part in held
        if part
    ]


def calibration_error(confidences: Sequence[float], right: Sequence[bool], bins: int = BINS) -> float:
    """Expected calibration error, 0 to 1: |accuracy − confidence| over the bins, weighed by their texts; 0 for no texts."""
    parts = reliability(confidences, right, bins)
    total = sum(part.texts for part in parts)
    return sum(part.texts * abs(part.accuracy - part.confidence) for part in parts) / total if total else 0.0


def fitted_temperature(logits: torch.Tensor, labels: torch.Tensor) -> float:
    """The temperature that gives validation texts the highest likelihood; softmax(logits / it) is what to believe.

    logits: (texts, classes); labels: (texts,). It changes no label.
    """
    if not len(labels):
        return 1.0
    from scipy.optimize import minimize_scalar  # with the extra `train` only; scoring imports this module without it

    def loss(log_temperature: float) -> float:
        return float(functional.cross_entropy(logits.float() / math.exp(log_temperature), labels))

    # Bounded: where every text is right, the likelihood has no maximum and grows towards temperature 0.
    bounds = (math.log(COLDEST), math.log(HOTTEST))
    return math.exp(float(minimize_scalar(loss, bounds=bounds, method="bounded").x))
