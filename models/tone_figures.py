"""How well a scorer hears each tone: what it ranks higher, what it names, and how far its probability can be believed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from models.calibration import calibration_error
from models.evaluate import CHUNK, class_f1
from models.labels import TONES, UNKNOWN
from models.scorer import Scorer
from models.sets import Example

LEAST_HEARD = 20
"""Texts with a tone, and as many without it, that a set must have for a figure: with fewer it says nothing."""

HEARD_FROM = 0.5
"""The probability from which a tone counts as named."""

REMEMBERED = CHUNK
"""Texts whose score a model should keep while it is measured: sets that tell tones tell sentiment, too, and one that is not larger is read once."""

ASKED_FIRST = 32
"""Texts by which a scorer is known to tell no tones: a slow one need not read the rest."""


@dataclass(frozen=True, slots=True)
class ToneFigure:
    """One tone in one set. `auc`: the area under the ROC curve; `f1`: of the texts with the tone, named from HEARD_FROM on; `positives`:
    texts with the tone, of `texts`; `calibration_error`: of the probability, how far it is from the share of texts with the tone."""

    auc: float
    f1: float
    positives: int
    texts: int
    calibration_error: float

    def to_json(self) -> dict[str, Any]:
        """The figures as they are reported."""
        return {
            "auc": round(self.auc, 4),
            "f1": round(self.f1, 4),
            "positives": self.positives,
            "texts": self.texts,
            "calibration_error": round(self.calibration_error, 4),
        }


def by_tones(parts: Mapping[str, Sequence[Example]]) -> dict[str, list[Example]]:
    """Examples by the name of their set, those that tell no tone left out."""
    found = {name: [each for each in examples if set(each.tones) != {UNKNOWN}] for name, examples in parts.items()}
    return {name: examples for name, examples in found.items() if examples}


def tone_figures(scorer: Scorer, examples: Sequence[Example]) -> dict[str, ToneFigure]:
    """The figures of each of TONES that enough of the examples tell, by its name; none for a scorer that tells no tones.

    A text counts for the tones that its set tells of it. Texts of which the scorer tells no tones are left out.
    """
    probabilities: list[list[float]] = [[] for _ in TONES]
    heard: list[list[int]] = [[] for _ in TONES]
    for start, end in pairwise([0, *range(ASKED_FIRST, len(examples), CHUNK), len(examples)]):
        chunk = examples[start:end]
        scores = scorer.score([example.text for example in chunk])
        if start == 0 and any(scores) and not any(score.tones for score in scores if score):
            return {}
        for example, score in zip(chunk, scores, strict=True):
            for at, told in enumerate(example.tones):
                if score and score.tones and told != UNKNOWN:
                    probabilities[at].append(score.tones[at])
                    heard[at].append(told)
    return {
        name: tone_figure(each, told)
        for name, each, told in zip(TONES, probabilities, heard, strict=True)
        if min(told.count(0), told.count(1)) >= LEAST_HEARD
    }


def tone_figure(probabilities: Sequence[float], heard: Sequence[int]) -> ToneFigure:
    """The figures of one tone: its probability in each text, and whether it is there, 1 or 0; both occur."""
    named = [int(each >= HEARD_FROM) for each in probabilities]
    return ToneFigure(
        area_under_curve(probabilities, heard),
        class_f1(heard, named)[1],
        heard.count(1),
        len(heard),
        calibration_error(probabilities, [told == 1 for told in heard]),
    )


def area_under_curve(values: Sequence[float], heard: Sequence[int]) -> float:
    """How often a text with the tone has the higher value than one without it, 0 to 1, a tie counting half; nan where one of the two is
    missing. It is the statistic of Mann and Whitney (1947) over the number of pairs, and the area under the ROC curve."""
    _, place, count = np.unique(np.asarray(values), return_inverse=True, return_counts=True)
    ranks = (np.cumsum(count) - (count - 1) / 2)[place]  # tied values share the mean of their ranks
    told = np.asarray(heard) == 1
    positives, negatives = int(told.sum()), int((~told).sum())
    if not positives or not negatives:
        return float("nan")
    return float((ranks[told].sum() - positives * (positives + 1) / 2) / (positives * negatives))
