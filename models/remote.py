"""Scores from a server: this project's own (`replywatch serve`), or text-embeddings-inference with any sequence classifier.

The protocol is the latter's: `GET /info`, and `POST /predict` with `{"inputs": [["text"], …], "raw_scores": true}`, answered by a
list of `{"label", "score"}` for each text, the scores being logits. Requests of a batch go out at the same time.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from typing import Any

from models import remote_client
from models.cached import CachedScorer
from models.remote_client import Client
from models.scorer import LABELS, SATISFACTIONS, TONES, Limits, ModelError, Score, score_of

TEXTS_A_REQUEST = 32
"""What text-embeddings-inference takes at most unless it is told otherwise; a server's own number counts where it names one."""


class RemoteScorer(CachedScorer):
    """Scores texts with a model behind a URL. Thread-safe.

    What fails and may pass is tried again for a minute, see `models.remote_client.Client`; after that ModelError is raised, and the
    job goes on from its checkpoint, and so to the same texts: one on which the server fails each time holds the stream until the
    server is mended, since no message is passed over.
    """

    def __init__(self, url: str, limits: Limits | None = None) -> None:
        """Ask the server what it serves. The environment variable REPLYWATCH_SCORING__TOKEN is sent as a bearer token."""
        super().__init__(limits or Limits())
        self._client = Client(url)
        try:
            self._version, self._size = self._client.wait_for(self._served())
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give connections and the thread back."""
        self._client.close()

    @property
    def version(self) -> str:
        """What the server says that it serves: `<name>@<digest or commit>`."""
        return self._version

    def score_unique(self, texts: Sequence[str]) -> list[Score | None]:
        """One request for so many texts as the server takes, all at the same time."""
        parts = [texts[start : start + self._size] for start in range(0, len(texts), self._size)]
        return [score for part in self._client.wait_for(self._all(parts)) for score in part]

    async def _served(self) -> tuple[str, int]:
        """The version, and how many texts a request may hold."""
        told = await self._client.ask("GET", "/info", None, remote_client.AT_START)
        if not isinstance(told, dict) or not isinstance(told.get("model_id"), str):
            raise ModelError(f"{self._client.url} does not say what it serves: is it a model server, and of what path?")
        await self._part(["hello"], remote_client.AT_START)  # a server whose labels are others is told now, and not at the first message
        most = told.get("max_client_batch_size")
        version = f"{told['model_id'].rstrip('/').rsplit('/', 1)[-1]}@{told.get('model_sha') or 'unknown'}"
        return version, max(1, most if isinstance(most, int) else TEXTS_A_REQUEST)

    async def _all(self, parts: Sequence[Sequence[str]]) -> list[list[Score | None]]:
        asked = [asyncio.ensure_future(self._part(part, remote_client.LATER)) for part in parts]
        try:
            return await asyncio.gather(*asked)
        finally:
            for each in asked:  # where one has failed, nobody waits for the others
                each.cancel()

    async def _part(self, texts: Sequence[str], until: Any) -> list[Score | None]:
        body = {"inputs": [[text] for text in texts], "raw_scores": True, "truncate": True}
        told = await self._client.ask("POST", "/predict", body, until)
        if not isinstance(told, list) or len(told) != len(texts):
            answers = len(told) if isinstance(told, list) else type(told).__name__
            raise ModelError(f"{self._client.url} gave {answers} answers for {len(texts)} texts")
        return [self._score(each) for each in told]

    def _score(self, predictions: Any) -> Score | None:
        if predictions == []:  # nothing in the text that the model knows
            return None
        try:
            logits = {each["label"].strip().lower(): _finite(each["score"]) for each in predictions}
            return score_of_logits(logits, self._limits.least_confidence)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            # An answer may hold the customer's words: it stays out of the message.
            raise ModelError(
                f"{self._client.url} gives other labels or scores: label and score (a logit) of negative, positive and "
                f"optionally neutral are needed ({type(error).__name__})"
            ) from None


def score_of_logits(logits: Mapping[str, float], least_confidence: float) -> Score:
    """A score from logits by label: softmax over LABELS, a sigmoid for each of TONES and softmax over SATISFACTIONS where all of
    them are there."""
    sides = [name for name in LABELS if name in logits]
    if not {"negative", "positive"} <= set(sides):
        raise ValueError("labels")
    probabilities = dict(zip(sides, _softmax([logits[name] for name in sides]), strict=True))
    heard = [1 / (1 + math.exp(-max(-60.0, logits[name]))) for name in TONES] if _all_in(logits, TONES) else []
    rated = _softmax([logits[name] for name in SATISFACTIONS]) if _all_in(logits, SATISFACTIONS) else []
    return score_of(probabilities, heard, least_confidence, rated)


def _finite(score: Any) -> float:
    """A logit as a number. Raises ValueError for none, of which every comparison would be false."""
    found = float(score)
    if not math.isfinite(found):
        raise ValueError("a logit is no finite number")
    return found


def _all_in(logits: Mapping[str, float], names: Sequence[str]) -> bool:
    return all(name in logits for name in names)


def _softmax(logits: Sequence[float]) -> list[float]:
    largest = max(logits)
    powers = [math.exp(each - largest) for each in logits]
    return [power / sum(powers) for power in powers]
