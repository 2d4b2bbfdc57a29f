"""What every scorer that reads texts shares: texts are cleaned, one that occurs often is scored once, and scores are remembered."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Sequence

from models.scorer import Limits, Score
from models.text import readable


class CachedScorer(ABC):
    """A scorer with a bounded memory of texts; thread-safe. What it is made of is `score_unique`."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._cache: OrderedDict[str, Score | None] = OrderedDict()
        self._lock = threading.Lock()

    @property
    @abstractmethod
    def version(self) -> str:
        """Name and content of the weights."""

    @abstractmethod
    def score_unique(self, texts: Sequence[str]) -> list[Score | None]:
        """Score texts that are cleaned, not empty, and all different; one entry for each, in order."""

    def score(self, texts: Sequence[str]) -> list[Score | None]:
        """Return one entry per text, in order; None where nothing is left to read, or nothing that the model knows."""
        cleaned = [readable(text, self._limits.max_characters) for text in texts]
        known: dict[str, Score | None] = {"": None}
        fresh: list[str] = []
        with self._lock:
            for text in dict.fromkeys(cleaned):
                if text in self._cache:
                    self._cache.move_to_end(text)
                    known[text] = self._cache[text]
                elif text:
                    fresh.append(text)
            if fresh:
                known.update(zip(fresh, self.score_unique(fresh), strict=True))
                self._remember(fresh, known)
        return [known[text] for text in cleaned]

    def _remember(self, texts: Sequence[str], scores: dict[str, Score | None]) -> None:
        size = self._limits.cache_size
        for text in texts[-size:] if size else ():
            self._cache[text] = scores[text]
        while len(self._cache) > size:
            self._cache.popitem(last=False)
