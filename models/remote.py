"""Scores from a server: this project's own (`replywatch serve`), or text-embeddings-inference with any sequence classifier.

The protocol is the latter's: `GET /info`, and `POST /predict` with `{"inputs": [["text"], …], "raw_scores": true}`, answered by a
list of `{"label", "score"}` for each text, the scores being logits. Requests of a batch go out at the same time.
"""

from __future__ import annotations

import math
import os
import ssl
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import orjson
from tenacity import (
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    stop_after_delay,
    wait_exponential,
    wait_random,
)

from models.cached import CachedScorer
from models.scorer import LABELS, SATISFACTIONS, TONES, Limits, ModelError, Score, score_of

TOKEN_VARIABLE = "REPLYWATCH_SCORING__TOKEN"
TIMEOUTS = httpx.Timeout(30.0, connect=3.0)
CONNECTIONS = 8
AT_START = stop_after_attempt(5)
LATER = stop_after_delay(60)
"""How long a server is asked that is away or busy: by whoever begins, who learns it soon; and by a job that runs, where a server that is
started again, or has more to do than it can, must not end it."""

LARGEST_ANSWER = 4 * 2**20
PAUSES = wait_exponential(multiplier=0.1, max=5) + wait_random(0, 1)
"""Before an attempt is made again, in seconds: ever longer, and not all jobs at the same time."""

TEXTS_A_REQUEST = 32
"""What text-embeddings-inference takes at most unless it is told otherwise; a server's own number counts where it names one."""


class RemoteScorer(CachedScorer):
    """Scores texts with a model behind a URL. Thread-safe.

    A request that fails is tried again for a minute; after that ModelError is raised, and the job goes on from its checkpoint.
    """

    def __init__(self, url: str, limits: Limits | None = None) -> None:
        """Ask the server what it serves. The environment variable REPLYWATCH_SCORING__TOKEN is sent as a bearer token."""
        super().__init__(limits or Limits())
        try:
            userinfo = httpx.URL(url).userinfo
        except httpx.InvalidURL as error:
            raise ModelError(f"{url} is no URL of a model server: {error}") from error
        if userinfo:
            raise ModelError(f"the URL of a model server must hold no user or password: set {TOKEN_VARIABLE}")
        token = bearer_token()
        self._client = httpx.Client(
            base_url=url.rstrip("/"),
            timeout=TIMEOUTS,
            verify=_authorities() if url.startswith("https://") else False,  # nothing is there to verify over http
            headers={"Authorization": f"Bearer {token}"} if token else {},
            limits=httpx.Limits(max_connections=CONNECTIONS),
            trust_env=False,  # customers' words and the token go to the server, and to no proxy between
        )
        self._pool = ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="remote-scorer")
        told = self._ask("GET", "/info", None, AT_START)
        if not isinstance(told, dict) or not isinstance(told.get("model_id"), str):
            raise ModelError(f"{url} does not say what it serves: is it a model server, and of what path?")
        self._version = f"{told['model_id'].rstrip('/').rsplit('/', 1)[-1]}@{told.get('model_sha') or 'unknown'}"
        most = told.get("max_client_batch_size")
        self._size = max(1, most if isinstance(most, int) else TEXTS_A_REQUEST)
        self._part(["hello"], AT_START)  # a server whose labels are others is told now, and not at the first message

    def close(self) -> None:
        """Give connections and threads back."""
        self._pool.shutdown()
        self._client.close()

    @property
    def version(self) -> str:
        """What the server says that it serves: `<name>@<digest or commit>`."""
        return self._version

    def score_unique(self, texts: Sequence[str]) -> list[Score | None]:
        """One request for so many texts as the server takes, all at the same time."""
        parts = [texts[start : start + self._size] for start in range(0, len(texts), self._size)]
        return [score for part in self._pool.map(self._part, parts) for score in part]

    def _part(self, texts: Sequence[str], until: Any = None) -> list[Score | None]:
        body = {"inputs": [[text] for text in texts], "raw_scores": True, "truncate": True}
        told = self._ask("POST", "/predict", body, until or LATER)
        if not isinstance(told, list) or len(told) != len(texts):
            answers = len(told) if isinstance(told, list) else type(told).__name__
            raise ModelError(f"{self._client.base_url} gave {answers} answers for {len(texts)} texts")
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
                f"{self._client.base_url} gives other labels or scores: label and score (a logit) of negative, positive and "
                f"optionally neutral are needed ({type(error).__name__})"
            ) from None

    def _ask(self, method: str, path: str, body: Any, until: Any) -> Any:
        again = Retrying(
            retry=retry_if_exception_type(
                (httpx.NetworkError, httpx.TimeoutException, httpx.RemoteProtocolError, _BusyError)
            ),
            stop=until,
            wait=PAUSES,
            reraise=True,
        )
        try:
            return again(self._once, method, path, body)
        except (httpx.HTTPError, ValueError, _BusyError) as error:
            # The body, which holds a customer's words, stays out of the message.
            raise ModelError(
                f"the model server {self._client.base_url} failed at {path}: {error or type(error).__name__}"
            ) from error

    def _once(self, method: str, path: str, body: Any) -> Any:
        with self._client.stream(method, path, json=body) as answer:
            if answer.status_code in (429, 502, 503, 504):
                raise _BusyError(f"status {answer.status_code}")
            answer.raise_for_status()
            told = bytearray()
            for part in answer.iter_bytes():
                told += part
                if len(told) > LARGEST_ANSWER:
                    raise ValueError(f"an answer of more than {LARGEST_ANSWER:,} bytes")
        return orjson.loads(told)


def _authorities() -> ssl.SSLContext:
    """Whose certificates are believed: the usual authorities', or those of SSL_CERT_FILE in the environment. Raises ModelError."""
    try:
        return httpx.create_ssl_context()
    except OSError as error:
        raise ModelError(f"SSL_CERT_FILE or SSL_CERT_DIR of the environment can't be read: {error}") from error


def bearer_token() -> str:
    """The token of the environment; empty without one. Raises ModelError, not quoting it, where it can't be sent."""
    token = os.environ.get(TOKEN_VARIABLE, "").strip()
    if not (token.isascii() and token.isprintable() and " " not in token):
        raise ModelError(f"{TOKEN_VARIABLE} holds blanks, or signs that are not ASCII: such a token cannot be sent")
    return token


class _BusyError(Exception):
    """The server can't answer now, and may soon."""


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
