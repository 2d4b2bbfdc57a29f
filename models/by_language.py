"""One model a language in one directory: each text is read by the model for its language, at the cost of reading it once.

A small network has room for one language rather than for two, and encoders that were made for one are the better ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from models.cached import CachedScorer
from models.scorer import LANGUAGES, Limits, ModelError, Score
from models.sentiment import TransformerScorer
from models.text import is_in, readable
from models.versions import directory_version, models_by_language

Told = TypeVar("Told")


class LanguageScorer(CachedScorer):
    """Scores each text with the model for its language; for the rest as `TransformerScorer`, of which it holds one for each."""

    def __init__(
        self, source: Path, device: str = "auto", limits: Limits | None = None, precision: str = "auto"
    ) -> None:
        """Load and warm up what `models_by_language` finds in `source`. Raises ModelError, naming what is missing."""
        super().__init__(limits or Limits())
        self._models: dict[str, TransformerScorer] = {}
        for language, path in models_by_language(source).items():
            model = self._models[language] = TransformerScorer(path, device, self._limits, precision)
            if model.language not in ("", language):
                raise ModelError(f"{path} is where a model for {LANGUAGES[language]} is wanted, and it reads {LANGUAGES[model.language]} only")
        self._version = directory_version(source)

    @property
    def precision(self) -> str:
        """What was chosen: fp32, bf16 or int8; all of them where the models differ."""
        return "/".join(dict.fromkeys(model.precision for model in self._models.values()))

    @property
    def version(self) -> str:
        """Name of the directory and content of all its models."""
        return self._version

    def probabilities(self, texts: Sequence[str]) -> list[dict[str, float] | None]:
        """What the model for its language tells of each text, see `TransformerScorer.probabilities`."""
        cleaned = [readable(text, self._limits.max_characters) for text in texts]
        return self._read(cleaned, TransformerScorer.probabilities_of_cleaned)

    def score_unique(self, texts: Sequence[str]) -> list[Score | None]:
        """Score those of each language together."""
        return self._read(texts, TransformerScorer.score_unique)

    def _read(
        self, texts: Sequence[str], read: Callable[[TransformerScorer, list[str]], list[Told | None]]
    ) -> list[Told | None]:
        told: list[Told | None] = [None] * len(texts)
        languages = [self._language(text) for text in texts]
        for language, model in self._models.items():
            places = [at for at, each in enumerate(languages) if each == language]
            for at, answer in zip(places, read(model, [texts[at] for at in places]), strict=True):
                told[at] = answer
        return told

    def _language(self, text: str) -> str:
        """The first language that it is in: 👍 and 666 are in all of them."""
        return next(language for language in self._models if is_in(text, language))


LocalScorer = TransformerScorer | LanguageScorer


def load_local(
    source: Path | str, device: str = "auto", limits: Limits | None = None, precision: str = "auto"
) -> LocalScorer:
    """The model or the models in a directory, or one from the hub. Raises ModelError, naming what is missing."""
    if isinstance(source, Path) and models_by_language(source):
        return LanguageScorer(source, device, limits, precision)
    return TransformerScorer(source, device, limits, precision)
