"""How good a scorer is on labelled texts: macro-F1, per class, calibration, confusion, and the errors to read first."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.calibration import Scaling, calibration_error, fitted_scaling, scaled
from models.labels import NEUTRAL, UNKNOWN
from models.scorer import LABELS, SATISFACTIONS, Score, Scorer, score_of
from models.sets import Example

CHUNK = 8_192
"""Bound on the texts that one call to a scorer gets."""


class Answer(NamedTuple):
    """One text as it was answered: the example, the index of the answered label, and the score. `names`: what the labels are called,
    LABELS or, where that was asked, SATISFACTIONS; `side_alone`: neutral was no answer, because the set's labels leave no room for it."""

    example: Example
    label: int
    score: Score
    names: tuple[str, ...] = LABELS
    side_alone: bool = False

    @property
    def right(self) -> bool:
        """Whether the label is the example's."""
        return self.label == self.example.label

    @property
    def confidence(self) -> float:
        """The probability of the likeliest of the labels that were asked for: of a side alone its share of p(positive) + p(negative).
        nan where the scorer tells none."""
        if math.isnan(self.score.confidence) or not self.side_alone:
            return self.score.confidence
        negative, _, positive = label_probabilities(self.score)
        sides = negative + positive
        return max(negative, positive) / sides if sides else 0.5  # a text that is neutral to six decimals


@dataclass(frozen=True, slots=True)
class Figure:
    """Figures of one set. `classes`: how many labels it has; `per_class`: F1 by the label's name; `calibration_error`: None where the
    scorer tells no confidence; `scaled_error` and `scaled_macro_f1`: after `scaling`, which is fitted on the set's own validation
    part: what a shop gains by calibrating on lines of its own; None for a set without neutral, which can't be calibrated on;
    `confusion`: rows actual, columns answered, over `names`, which are LABELS or SATISFACTIONS."""

    macro_f1: float
    accuracy: float
    texts: int
    classes: int
    per_class: dict[str, float] = field(default_factory=dict)
    calibration_error: float | None = None
    scaling: Scaling | None = None
    scaled_error: float | None = None
    scaled_macro_f1: float | None = None
    confusion: list[list[int]] = field(default_factory=list)
    names: tuple[str, ...] = LABELS

    def to_json(self) -> dict[str, Any]:
        """The figures as they are reported."""
        return {
            "macro_f1": round(self.macro_f1, 4),
            "accuracy": round(self.accuracy, 4),
            "texts": self.texts,
            "per_class": {name: round(value, 4) for name, value in self.per_class.items()},
            "calibration_error": _rounded(self.calibration_error),
            "temperature": _rounded(self.scaling and self.scaling.temperature),
            "bias": self.scaling and [round(each, 4) for each in self.scaling.bias],
            "scaled_calibration_error": _rounded(self.scaled_error),
            "scaled_macro_f1": _rounded(self.scaled_macro_f1),
            "names": list(self.names),
            "confusion": self.confusion,
        }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def macro_f1(actual: Sequence[int], predicted: Sequence[int]) -> float:
    """Return the mean, over the classes in `actual`, of 2·TP / (2·TP + FP + FN); 0 for no examples.

    Definition as in van Rijsbergen (1979), averaged unweighted; a class never predicted counts 0.
    """
    each = class_f1(actual, predicted)
    return sum(each.values()) / len(each) if each else 0.0


def class_f1(actual: Sequence[int], predicted: Sequence[int]) -> dict[int, float]:
    """F1 of each class in `actual`."""
    found = {}
    for label in sorted(set(actual)):
        true = sum(1 for a, p in zip(actual, predicted, strict=True) if a == label == p)
        wrong = sum(1 for a, p in zip(actual, predicted, strict=True) if (a == label) != (p == label))
        found[label] = 2 * true / (2 * true + wrong)
    return found


def tells_neutral(examples: Iterable[Example]) -> bool:
    """Whether a set's labels leave room for neutral."""
    return any(asked(example) == NEUTRAL for example in examples)


def answered(scorer: Scorer, examples: Sequence[Example], side_alone: bool | None = None) -> list[Answer]:
    """Score the examples that have a sentiment or a satisfaction; texts without a score are left out.

    A set without neutral texts is answered by the side alone (the sign of the score), because its labels leave no room for
    neutral. side_alone: whether it is one; None: if none of the examples is neutral. Satisfaction is compared as if it were sentiment, dissatisfied being negative: so a scorer that tells none answers, too.
    """
    told = [example for example in examples if asks(example)]
    if side_alone is None:
        side_alone = not tells_neutral(told)
    answers = []
    for start in range(0, len(told), CHUNK):
        chunk = told[start : start + CHUNK]
        for example, score in zip(chunk, scorer.score([example.text for example in chunk]), strict=True):
            if score is not None:
                names = LABELS
                if example.label == UNKNOWN:
                    names = SATISFACTIONS
                    example = example._replace(label=example.satisfaction)
                    if score.satisfaction:
                        score = score_of(dict(zip(LABELS, score.satisfaction, strict=True)), score.tones, 0.0)
                side = "positive" if score.score > 0 else "negative"
                label = LABELS.index(side if side_alone else score.label)
                answers.append(Answer(example, label, score, names, side_alone))
    return answers


def asked(example: Example) -> int:
    """What an answer is compared with: the sentiment, or the satisfaction where there is none; UNKNOWN for nothing."""
    return example.satisfaction if example.label == UNKNOWN else example.label


def asks(example: Example) -> bool:
    """Whether there is something to compare an answer with."""
    return asked(example) != UNKNOWN


def by_question(parts: Mapping[str, Sequence[Example]]) -> dict[str, list[Example]]:
    """Examples by the name of their set, those that ask nothing left out. What tells sentiment and satisfaction is there twice: by
    its name, and by `<name> satisfaction`, where only that is asked."""
    found = {}
    for name, examples in parts.items():
        sided = [each for each in examples if each.label != UNKNOWN]
        rated = [each._replace(label=UNKNOWN) for each in examples if each.satisfaction != UNKNOWN]
        if sided:
            found[name] = sided
        if rated:
            found[f"{name} satisfaction" if sided else name] = rated
    return found


def figure(answers: Sequence[Answer], validation: Sequence[Answer] = ()) -> Figure:
    """The figures of a set's answers; validation: what the scorer answers to other texts of the set, for the scaling."""
    actual, predicted = [each.example.label for each in answers], [each.label for each in answers]
    confusion = [[0] * len(LABELS) for _ in LABELS]
    for a, p in zip(actual, predicted, strict=True):
        confusion[a][p] += 1
    names = answers[0].names if answers else LABELS
    confidences, right = believed(answers)
    scaling, scaled_error, scaled_macro_f1 = None, None, None
    if confidences and not answers[0].side_alone and (known := confident(validation)):
        scaling = fitted_scaling(probabilities(known), [each.example.label for each in known])
        sure = confident(answers)
        mended = scaled(probabilities(sure), scaling)
        labels, best = [each.example.label for each in sure], mended.argmax(axis=1).tolist()
        scaled_error = calibration_error(mended.max(axis=1).tolist(), [a == b for a, b in zip(labels, best, strict=True)])
        scaled_macro_f1 = macro_f1(labels, best)
    return Figure(
        macro_f1(actual, predicted),
        sum(each.right for each in answers) / len(answers) if answers else 0.0,
        len(answers),
        len(set(actual)),
        {names[label]: value for label, value in class_f1(actual, predicted).items()},
        calibration_error(confidences, right) if confidences else None,
        scaling,
        scaled_error,
        scaled_macro_f1,
        confusion,
        names,
    )


def confident(answers: Sequence[Answer]) -> list[Answer]:
    """The answers that tell a confidence."""
    return [each for each in answers if not math.isnan(each.score.confidence)]


def believed(answers: Sequence[Answer]) -> tuple[list[float], list[bool]]:
    """The confidence of each answer that tells one, and whether it was right."""
    told = confident(answers)
    return [each.confidence for each in told], [each.right for each in told]


def label_probabilities(score: Score) -> tuple[float, float, float]:
    """p(negative), p(neutral), p(positive) of a score that tells a confidence, as far as its six decimals do. Raises ValueError for one
    whose label is UNSURE: which label the confidence belongs to isn't told then."""
    best = LABELS.index(score.label)
    # Where a side is the likeliest, the other one is as far below it as the score says; where none is, they share what is left.
    if best == NEUTRAL:
        positive = (1 - score.confidence + score.score) / 2
    else:
        positive = score.confidence if score.score > 0 else score.confidence + score.score
    negative = positive - score.score
    return _share(negative), _share(1 - negative - positive), _share(positive)


def _share(value: float) -> float:
    return min(1.0, max(0.0, value))


def probabilities(answers: Sequence[Answer]) -> NDArray[np.float64]:
    """(answers, labels) probabilities, see `label_probabilities`. All answers tell a confidence."""
    return np.array([label_probabilities(each.score) for each in answers], dtype=np.float64).reshape(-1, len(LABELS))


def evaluate(scorer: Scorer, examples: Sequence[Example]) -> Figure:
    """Score `examples` and compare."""
    return figure(answered(scorer, examples))


def worst(answers: Sequence[Answer], most: int) -> list[Answer]:
    """The wrong answers that were given with most confidence, or the strongest score where none is told: what to read first."""

    def sureness(answer: Answer) -> float:
        return abs(answer.score.score) if math.isnan(answer.confidence) else answer.confidence

    return sorted((each for each in answers if not each.right), key=sureness, reverse=True)[:most]
