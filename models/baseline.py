"""The bar that a network has to be measured against: TF-IDF of character n-grams and logistic regression.

It is trained on the same texts in the same run, so that a model card can say how much the network is worth.
"""

from __future__ import annotations

from collections.abc import Sequence

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

from models.labels import NEGATIVE, POSITIVE, UNKNOWN
from models.scorer import LABELS, Score
from models.sets import Example
from models.text import readable

LONGEST_GRAM = 4
MAX_FEATURES = 300_000
MAX_CHARACTERS = 400
ITERATIONS = 200
STRENGTH = 4.0


class TfidfScorer:
    """Softmax regression over the weights of character n-grams of 1 to 4, with scikit-learn."""

    version = "tfidf"

    def __init__(self, examples: Sequence[Example], seed: int = 0) -> None:
        """Fit on the examples that have a sentiment."""
        told = [example for example in examples if example.label != UNKNOWN]
        vectors = TfidfVectorizer(
            analyzer="char",
            ngram_range=(1, LONGEST_GRAM),
            min_df=2 if len(told) > 1_000 else 1,
            sublinear_tf=True,
            max_features=MAX_FEATURES,
            lowercase=False,
        )
        regression = LogisticRegression(C=STRENGTH, max_iter=ITERATIONS, class_weight="balanced", random_state=seed)
        self._pipeline: Pipeline = make_pipeline(vectors, regression)
        self._pipeline.fit([_cleaned(example.text) for example in told], [example.label for example in told])

    def score(self, texts: Sequence[str]) -> list[Score | None]:
        """A score per text, in order; None where there is nothing to read."""
        cleaned = [_cleaned(text) for text in texts]
        odds = [[0.0] * len(LABELS) for _ in texts]
        if texts:
            for row, values in zip(odds, self._pipeline.predict_proba(cleaned).tolist(), strict=True):
                for label, value in zip(self._pipeline.classes_.tolist(), values, strict=True):
                    row[label] = value
        return [
            Score(LABELS[row.index(max(row))], row[POSITIVE] - row[NEGATIVE], confidence=max(row)) if text else None
            for text, row in zip(cleaned, odds, strict=True)
        ]


def _cleaned(text: str) -> str:
    return readable(text, MAX_CHARACTERS).lower()
