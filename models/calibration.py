"""How far a model's confidence can be believed, and the few numbers that mend it.

Expected calibration error over equal-width bins, and temperature scaling: Guo et al., "On Calibration of Modern Neural
Networks", ICML 2017.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from models.scorer import LABELS

BINS = 15
COLDEST, HOTTEST = 0.05, 20.0
WIDEST = 5.0
"""Bounds of the temperature, and of the weight of the wide part."""

WIDE_PREFERENCE = 1.0
"""How much more of the wide part may cost on validation texts, in standard errors of their loss: it holds better on texts of
another kind."""

LEAST_OF_EACH = 10
"""Texts of each label that a scaling is fitted to: with fewer, how often it is met is not known."""

RAREST = 1e-6
"""Scores have six decimals: a probability may come out as 0."""

LARGEST_BIAS = 10.0
BIAS_PENALTY = 0.1


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


class Scaling(NamedTuple):
    """How confidences are fitted to texts of one kind: logits / temperature + bias, one for each label; the last of them is what
    a label's share among those texts is worth (Alexandari et al. 2020, arXiv:1901.06852: bias-corrected temperature scaling)."""

    temperature: float = 1.0
    bias: tuple[float, ...] = (0.0, 0.0, 0.0)


def scaled(probabilities: NDArray[np.float64], scaling: Scaling) -> NDArray[np.float64]:
    """(texts, labels) probabilities as they are after the scaling."""
    logits = np.log(np.clip(probabilities, RAREST, 1.0)) / scaling.temperature + np.array(scaling.bias)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    found: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return found


def fitted_scaling(
    probabilities: NDArray[np.float64], labels: Sequence[int], coldest: float = COLDEST, hottest: float = HOTTEST
) -> Scaling:
    """The scaling that gives labelled texts the highest likelihood; one that changes nothing for no texts. probabilities: (texts, labels);
    coldest, hottest: bounds of the temperature.

    A weak prior keeps the bias of a label that is never told within bounds.
    """
    if not len(labels):
        return Scaling()
    from scipy.optimize import minimize  # with the extra `train` only; scoring imports this module without it

    logits = np.log(np.clip(probabilities, RAREST, 1.0))
    wanted = np.eye(probabilities.shape[1])[list(labels)]

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        coldness, bias = math.exp(-flat[0]), flat[1:]
        found = scaled(probabilities, Scaling(1 / coldness, tuple(bias)))
        wrong = (found - wanted) / len(labels)
        cost = -np.log((found * wanted).sum(axis=1).clip(RAREST)).mean() + BIAS_PENALTY * (bias**2).sum() / len(labels)
        slope = [-(wrong * logits).sum() * coldness, *(wrong.sum(axis=0) + 2 * BIAS_PENALTY * bias / len(labels))]
        return float(cost), np.array(slope)

    bounds = [(math.log(coldest), math.log(hottest)), *[(-LARGEST_BIAS / 2, LARGEST_BIAS / 2)] * probabilities.shape[1]]
    found = minimize(loss, np.zeros(1 + probabilities.shape[1]), jac=True, method="L-BFGS-B", bounds=bounds).x
    bias = found[1:] - found[1:].mean()  # a number added to all changes nothing
    return Scaling(math.exp(found[0]), tuple(map(float, bias)))


def _suiting(loss: Callable[[float], float]) -> tuple[float, float]:
    """The temperature with the lowest loss, and that loss."""
    from scipy.optimize import minimize_scalar  # with the extra `train` only; scoring imports this module without it

    # Bounded: where every text is right, the likelihood has no maximum and grows towards temperature 0.
    bounds = (math.log(COLDEST), math.log(HOTTEST))
    found = minimize_scalar(lambda logarithm: loss(math.exp(logarithm)), bounds=bounds, method="bounded")
    return math.exp(found.x), float(found.fun)


def scaled_loss(logits: torch.Tensor, labels: torch.Tensor, priors: torch.Tensor) -> float:
    """The mean cross-entropy of labelled texts at the temperature that suits them, in nats; arguments as of `fitted_mix`."""
    return _suiting(lambda temperature: float(functional.cross_entropy(logits.double() / temperature + priors.double(), labels)))[1]


class Mix(NamedTuple):
    """What the served logits are made of: deep / temperature + wide · wide_weight."""

    temperature: float
    wide_weight: float = 0.0


def fitted_mix(
    deep: torch.Tensor,
    labels: torch.Tensor,
    priors: torch.Tensor,
    wide: torch.Tensor | None = None,
    preference: float = WIDE_PREFERENCE,
) -> Mix:
    """The temperature, and the weight of the wide part where there is one, that suit validation texts.

    The temperature gives them the highest likelihood. The weight is the largest whose loss lies within `preference` standard errors
    of the lowest (after Breiman's rule of one): validation texts are of the kind that was learnt from, and the wide part holds better on
    others; 0 where there are no others. deep, wide: logits, (texts, labels); labels: (texts,); priors: the log priors of each text's
    set, (texts, labels), as in `models.heads.masked_loss`: each set is judged by the labels that it has.
    """
    if not len(labels):
        return Mix(1.0)
    from scipy.optimize import (  # with the extra `train` only; scoring imports this module without it
        brentq,
        minimize_scalar,
    )

    def losses(temperature: float, weight: float) -> torch.Tensor:
        logits = deep.double() / temperature
        if wide is not None:
            logits = logits + wide.double() * weight
        return functional.cross_entropy(logits + priors.double(), labels, reduction="none")

    def best(weight: float) -> tuple[float, float]:
        """The temperature that suits the weight, and the loss then."""
        return _suiting(lambda temperature: float(losses(temperature, weight).mean()))

    if wide is None:
        return Mix(best(0.0)[0])
    lowest = float(minimize_scalar(lambda weight: best(weight)[1], bounds=(0.0, WIDEST), method="bounded").x)
    temperature, loss = best(lowest)
    allowed = loss + preference * float(losses(temperature, lowest).std(correction=0)) / math.sqrt(len(labels))
    weight = (
        WIDEST
        if best(WIDEST)[1] <= allowed
        else brentq(lambda each: best(each)[1] - allowed, lowest, WIDEST, xtol=1e-3)
    )
    return Mix(best(weight)[0], weight)


def too_few(labels: Iterable[int]) -> dict[int, int]:
    """Of LABELS, by number, those of which there are fewer than LEAST_OF_EACH, and how many there are."""
    counts = Counter(labels)
    return {label: counts[label] for label in range(len(LABELS)) if counts[label] < LEAST_OF_EACH}
