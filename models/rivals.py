"""What a shop could use instead, behind the same protocol: SnowNLP, VADER, fastText. For comparison only, never in the job."""

from __future__ import annotations

import importlib
import math
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from models.labels import UNKNOWN, sided
from models.scorer import LABELS, ModelError, Score
from models.sets import Example
from models.text import readable

MAX_CHARACTERS = 400
SNOW_NEUTRAL = 0.2
"""SnowNLP answers p(positive); within so much of one half it takes no side."""

VADER_NEUTRAL = 0.05
"""The threshold that VADER's authors name for its compound score."""

FASTTEXT = {
    "epoch": 8,
    "lr": 0.4,
    "wordNgrams": 2,
    "minn": 1,
    "maxn": 4,
    "dim": 50,
    "thread": 1,
    "seed": 1,
    "verbose": 0,
}


class VaderScorer:
    """VADER (Hutto and Gilbert 2014): an English lexicon with rules. Knows no Chinese."""

    version = "vader"

    def __init__(self) -> None:
        module = _module("vader")
        self._analyser = module.SentimentIntensityAnalyzer()

    def score(self, texts: Sequence[str]) -> list[Score | None]:
        """The compound score of each text, in order."""
        return [self._one(readable(text, MAX_CHARACTERS)) for text in texts]

    def _one(self, text: str) -> Score | None:
        return sided(_bounded(self._analyser.polarity_scores(text)["compound"]), VADER_NEUTRAL) if text else None


class SnowScorer:
    """SnowNLP: naive Bayes over words of Chinese reviews. Knows no English."""

    version = "snownlp"

    def __init__(self) -> None:
        self._sentiment = _module("snownlp")

    def score(self, texts: Sequence[str]) -> list[Score | None]:
        """2 p(positive) − 1 of each text, in order."""
        return [self._one(readable(text, MAX_CHARACTERS)) for text in texts]

    def _one(self, text: str) -> Score | None:
        return sided(_bounded(2 * float(self._sentiment.classify(text)) - 1), 2 * SNOW_NEUTRAL) if text else None


class FastTextScorer:
    """fastText (Joulin et al. 2017) over words and character n-grams, trained on the given examples."""

    version = "fasttext"

    def __init__(self, examples: Sequence[Example]) -> None:
        module = _module("fasttext")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "train.txt"
            lines = (
                f"__label__{LABELS[each.label]} {_line(each.text)}\n" for each in examples if each.label != UNKNOWN
            )
            path.write_text("".join(lines), "utf-8")
            self._model = module.train_supervised(input=str(path), **FASTTEXT)

    def score(self, texts: Sequence[str]) -> list[Score | None]:
        """A score per text, in order."""
        return [self._one(_line(text)) for text in texts]

    def _one(self, line: str) -> Score | None:
        if not line:
            return None
        names, probabilities = self._model.predict(line, k=len(LABELS))
        by_label = {name.removeprefix("__label__"): float(value) for name, value in zip(names, probabilities, strict=True)}
        difference = by_label.get("positive", 0.0) - by_label.get("negative", 0.0)
        return Score(max(by_label, key=by_label.__getitem__), _bounded(difference))


def _line(text: str) -> str:
    """A text as one line; Chinese characters stand alone, as words do."""
    return " ".join(
        "".join(
            f" {sign} " if "\u4e00" <= sign <= "\u9fff" else sign for sign in readable(text, MAX_CHARACTERS).lower()
        ).split()
    )


def _bounded(score: float) -> float:
    """The score within −1 to 1; 0 where it is no number."""
    return max(-1.0, min(1.0, score)) if math.isfinite(score) else 0.0


PACKAGES = {
    "snownlp": ("snownlp.sentiment", "snownlp"),
    "vader": ("vaderSentiment.vaderSentiment", "vaderSentiment"),
    "fasttext": ("fasttext", "fasttext-numpy2-wheel"),
}
"""Rival → module and package."""


def check_rivals(names: Sequence[str]) -> None:
    """Raise ModelError where the package of one of the rivals isn't installed: now, and not when its turn has come."""
    for name in names:
        if name in PACKAGES:
            _module(name)


def _module(rival: str) -> Any:
    name, package = PACKAGES[rival]
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ModelError(f"the package {package} is not installed: pip install 'replywatch[evaluate]'") from error
