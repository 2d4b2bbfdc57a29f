"""How good a scorer is on labelled texts: macro-F1, per set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from models.labels import NEUTRAL
from models.scorer import LABELS, Scorer
from models.sets import Example

# Bound on the texts that one call to a scorer gets.
CHUNK = 8_192


@dataclass(frozen=True, slots=True)
class Figure:
    """`macro_f1` over the classes that the set has, `accuracy`, and the number of texts that were scored."""

    macro_f1: float
    accuracy: float
    texts: int
    classes: int


def macro_f1(actual: Sequence[int], predicted: Sequence[int]) -> float:
    """Return the mean, over the classes in `actual`, of 2·TP / (2·TP + FP + FN); 0 for no examples.

    Definition as in van Rijsbergen (1979), averaged unweighted; a class never predicted counts 0.
    """
    classes = sorted(set(actual))
    total = 0.0
    for label in classes:
        true = sum(1 for a, p in zip(actual, predicted, strict=True) if a == label == p)
        wrong = sum(1 for a, p in zip(actual, predicted, strict=True) if (a == label) != (p == label))
        total += 2 * true / (2 * true + wrong)
    return total / len(classes) if classes else 0.0


def evaluate(scorer: Scorer, examples: Sequence[Example]) -> Figure:
    """Score `examples` and compare.

    A set without neutral texts is judged by the side alone (the sign of the score), because its labels leave no room
    for neutral. Texts without a score are left out.
    """
    binary = all(example.label != NEUTRAL for example in examples)
    actual: list[int] = []
    predicted: list[int] = []
    for start in range(0, len(examples), CHUNK):
        chunk = examples[start : start + CHUNK]
        for example, score in zip(chunk, scorer.score([example.text for example in chunk]), strict=True):
            if score is None:
                continue
            side = "positive" if score.score > 0 else "negative"
            actual.append(example.label)
            predicted.append(LABELS.index(side if binary else score.label))
    right = sum(1 for a, p in zip(actual, predicted, strict=True) if a == p)
    return Figure(macro_f1(actual, predicted), right / len(actual) if actual else 0.0, len(actual), len(set(actual)))
