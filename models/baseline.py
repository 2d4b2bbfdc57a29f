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
        """Fit on the examples that have a sentiment, and apart on those that have a satisfaction, if there are any."""
        sided = [(example.text, example.label) for example in examples if example.label != UNKNOWN]
        rated = [(example.text, example.satisfaction) for example in examples if example.satisfaction != UNKNOWN]
        self._sentiment = _fitted(sided, seed)
        self._satisfaction = _fitted(rated, seed) if len({told for _, told in rated}) > 1 else None

    def score(self, texts: Sequence[str]) -> list[Score | None]:
        """A score per text, in order; None where there is nothing to read."""
        cleaned = [_cleaned(text) for text in texts]
        probabilities = _probabilities(self._sentiment, cleaned)
        rated: list[list[float]] = _probabilities(self._satisfaction, cleaned) if self._satisfaction else [[]] * len(texts)
        return [
            Score(LABELS[row.index(max(row))], row[POSITIVE] - row[NEGATIVE], (), max(row), tuple(each)) if text else None
            for text, row, each in zip(cleaned, probabilities, rated, strict=True)
        ]


def _fitted(told: Sequence[tuple[str, int]], seed: int) -> Pipeline:
    vectors = TfidfVectorizer(
        analyzer="char",
        ngram_range=(1, LONGEST_GRAM),
        min_df=2 if len(told) > 1_000 else 1,
        sublinear_tf=True,
        max_features=MAX_FEATURES,
        lowercase=False,
    )
    regression = LogisticRegression(C=STRENGTH, max_iter=ITERATIONS, class_weight="balanced", random_state=seed)
    pipeline = make_pipeline(vectors, regression)
    return pipeline.fit([_cleaned(text) for text, _ in told], [label for _, label in told])


def _probabilities(pipeline: Pipeline, texts: Sequence[str]) -> list[list[float]]:
    """(texts, three): the probability of each of three answers, 0 for one that was never met."""
    probabilities = [[0.0] * len(LABELS) for _ in texts]
    if texts:
        for row, values in zip(probabilities, pipeline.predict_proba(texts).tolist(), strict=True):
            for label, value in zip(pipeline.classes_.tolist(), values, strict=True):
                row[label] = value
    return probabilities


def _cleaned(text: str) -> str:
    return readable(text, MAX_CHARACTERS).lower()
