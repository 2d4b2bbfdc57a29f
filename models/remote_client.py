"""A model server's client: a request is made again while its fault may pass, and nothing takes longer than a minute."""

from __future__ import annotations

import asyncio
import os
import ssl
import threading
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

import httpx
import orjson
from tenacity import (
    AsyncRetrying,
    retry_if_exception_type,
    stop_after_attempt,
    stop_before_delay,
    wait_exponential,
    wait_random,
)

from models.scorer import ModelError

Told = TypeVar("Told")

TOKEN_VARIABLE = "REPLYWATCH_SCORING__TOKEN"
PATIENCE_S = 60.0
"""How long an answer is waited for, all attempts together."""

REQUEST_S = 30.0
"""From a request's first byte to its answer's last: one that trickles would never be too long between two bytes."""

TIMEOUTS = httpx.Timeout(REQUEST_S, connect=3.0)
CONNECTIONS = 8
LATER = stop_before_delay(PATIENCE_S)
AT_START = LATER | stop_after_attempt(5)
"""How long a server is asked that is away or busy: by whoever begins, who learns it soon; and by a job that runs, where a server that is
started again, or has more to do than it can, must not end it."""

PASSING = frozenset((424, 429, 500, 502, 503, 504))
"""Statuses of a fault that may be over soon: too much to do, or a server that is started again, behind a proxy or after its GPU has
failed, for which text-embeddings-inference has 424. What is wrong with a request, such as 413 for one that is too large, stays wrong."""

LARGEST_ANSWER = 4 * 2**20
PAUSES = wait_exponential(multiplier=0.1, max=5) + wait_random(0, 1)
"""Before an attempt is made again, in seconds: ever longer, and not all jobs at the same time."""


class PassingError(Exception):
    """The server can't answer now, and may soon."""


class Client:
    """Asks one server, with CONNECTIONS requests at a time. Thread-safe.

    A request that fails by the network, takes longer than REQUEST_S or is answered by one of PASSING is made again, PATIENCE_S long at
    most; then, and at once for another status or an answer that is none, ModelError is raised.
    """

    def __init__(self, url: str) -> None:
        """Raises ModelError for what is no URL, or holds a password. The token of the environment is sent as a bearer token."""
        try:
            userinfo = httpx.URL(url).userinfo
        except httpx.InvalidURL as error:
            raise ModelError(f"{url} is no URL of a model server: {error}") from error
        if userinfo:
            raise ModelError(f"the URL of a model server must hold no user or password: set {TOKEN_VARIABLE}")
        token = bearer_token()
        self._client = httpx.AsyncClient(
            base_url=url.rstrip("/"),
            timeout=TIMEOUTS,
            verify=_authorities() if url.startswith("https://") else False,  # nothing is there to verify over http
            headers={"Authorization": f"Bearer {token}"} if token else {},
            limits=httpx.Limits(max_connections=CONNECTIONS),
            trust_env=False,  # customers' words and the token go to the server, and to no proxy between
        )
        self.url = str(self._client.base_url)
        self._free = asyncio.Semaphore(CONNECTIONS)  # a request's time begins when it can go out
        self._loop = asyncio.new_event_loop()  # a call that blocks can't be broken off wherever it stands
        self._thread = threading.Thread(target=self._loop.run_forever, name="model-server", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Give connections and the thread back."""
        self.wait_for(self._client.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def wait_for(self, asked: Coroutine[Any, Any, Told]) -> Told:
        """What comes of `asked`, which runs in the client's thread."""
        return asyncio.run_coroutine_threadsafe(asked, self._loop).result()

    async def ask(self, method: str, path: str, body: Any, until: Any) -> Any:
        """The JSON that is answered. Raises ModelError."""
        again = AsyncRetrying(
            retry=retry_if_exception_type((httpx.NetworkError, httpx.TimeoutException, httpx.RemoteProtocolError, PassingError)),
            stop=until,
            wait=PAUSES,
            reraise=True,
        )
        async with self._free:
            try:
                return await again(self._once, method, path, body, time.monotonic() + PATIENCE_S)
            except (httpx.HTTPError, ValueError, PassingError) as error:
                # The body, which holds a customer's words, stays out of the message.
                told = str(error).partition("\n")[0] or type(error).__name__
                raise ModelError(f"the model server {self.url} failed at {path}: {told}") from error

    async def _once(self, method: str, path: str, body: Any, end: float) -> Any:
        left = max(0.0, min(REQUEST_S, end - time.monotonic()))
        try:
            return orjson.loads(await asyncio.wait_for(self._answer(method, path, body), left))
        except asyncio.TimeoutError:
            raise PassingError(f"no whole answer in {left:.3g} s") from None

    async def _answer(self, method: str, path: str, body: Any) -> bytes:
        async with self._client.stream(method, path, json=body) as answer:
            if answer.status_code in PASSING:
                raise PassingError(f"status {answer.status_code}")
            answer.raise_for_status()
            told = bytearray()
            async for part in answer.aiter_bytes():
                told += part
                if len(told) > LARGEST_ANSWER:
                    raise ValueError(f"an answer of more than {LARGEST_ANSWER:,} bytes")
        return bytes(told)


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
