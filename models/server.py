"""A model behind a URL, for several jobs or for a machine with a GPU: the protocol of `models.remote`.

Standard library only; one forward pass at a time, whose batches are sorted by length as in the job. It listens on loopback
unless it is told otherwise, and texts appear in no log.
"""

from __future__ import annotations

import ipaddress
import math
import secrets
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson

from models.by_language import LocalScorer
from models.remote_client import TOKEN_VARIABLE, bearer_token
from models.scorer import TONES, ModelError

MAX_BYTES = 4 * 2**20
MAX_TEXTS = 256
MAX_CONNECTIONS = 128
IDLE_SECONDS = 60.0
LONGEST_QUEUE_SECONDS = 10.0
"""Whoever has waited so long for a turn is sent away: to score what nobody waits for any more would make it worse."""

GONE = (ConnectionError, TimeoutError)
"""Faults of a connection: there is nobody to answer."""

SERVED = "GET /info, GET /health and POST /predict are served"
SMALLEST = 1e-9
"""Probabilities are told as logarithms: none is 0 or 1."""


class Refused(Exception):
    """A request that can't be served: status and reason."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Server(ThreadingHTTPServer):
    """A thread for each of MAX_CONNECTIONS connections at most; who comes then is turned away."""

    request_queue_size = MAX_CONNECTIONS

    def __init__(self, *args: Any) -> None:
        self._free = threading.BoundedSemaphore(MAX_CONNECTIONS)
        super().__init__(*args)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Begin a thread for the connection, or close it."""
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:  # no thread could be begun, which would have given the place back
            self._free.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer a connection's requests until it is closed."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say what broke a connection off; that its other side has gone is no fault."""
        fault = sys.exc_info()[1]
        if not isinstance(fault, GONE):
            report(fault)


def check_host(host: str, token: str) -> None:
    """Raise ModelError for a host that is none, or where everybody would be answered."""
    try:
        address = socket.gethostbyname(host)
    except (OSError, UnicodeError) as error:
        raise ModelError(f"host {host} is not known: a name or an IPv4 address of this machine is needed") from error
    if not token and not ipaddress.ip_address(address).is_loopback:
        raise ModelError(f"{host} is not loopback: set {TOKEN_VARIABLE}, or everybody who reaches it is answered")


def report(fault: BaseException | None) -> None:
    """Where a fault arose, on standard error; not its message, which may quote a customer."""
    where = "".join(traceback.format_tb(fault.__traceback__)) if fault else ""
    print(f"{where}{type(fault).__name__}", file=sys.stderr, flush=True)


def serve(scorer: LocalScorer, host: str, port: int) -> Server:
    """A server for `scorer` at `host`:`port` (0: any free one); `serve_forever` runs it.

    With REPLYWATCH_SCORING__TOKEN in the environment only requests that bear it are answered, but for /health; beyond loopback it
    is needed. Raises ModelError for that, and for a port that is taken.
    """
    token = bearer_token()
    check_host(host, token)
    turn = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = IDLE_SECONDS
        disable_nagle_algorithm = True  # head and body are two writes: the second would wait 40 ms for the first's receipt

        def do_GET(self) -> None:
            self._answer(self._get)

        def do_POST(self) -> None:
            self._answer(self._post)

        def _bears(self, token: str) -> bool:
            told = self.headers.get("Authorization", "").encode("utf-8", "replace")
            return secrets.compare_digest(told, f"Bearer {token}".encode())

        def _get(self) -> Any:
            if self.path not in ("/info", "/health"):
                raise Refused(HTTPStatus.NOT_FOUND, SERVED)
            return info(scorer) if self.path == "/info" else {}

        def _post(self) -> Any:
            if self.path != "/predict":
                raise Refused(HTTPStatus.NOT_FOUND, SERVED)
            length = self.headers.get("Content-Length", "")
            if not length.isdecimal() or len(length) > len(str(MAX_BYTES)) or int(length) > MAX_BYTES:
                raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a body of at most {MAX_BYTES:,} bytes is needed")
            try:
                body = orjson.loads(self.rfile.read(int(length)))
            except orjson.JSONDecodeError:
                raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, "the body is no JSON") from None
            if not turn.acquire(timeout=LONGEST_QUEUE_SECONDS):
                raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "busy: ask again")
            try:
                return predict(scorer, body)
            finally:
                turn.release()

        def _answer(self, make: Callable[[], Any]) -> None:
            status, answer = HTTPStatus.OK, None
            try:
                if token and self.path != "/health" and not self._bears(token):
                    raise Refused(HTTPStatus.UNAUTHORIZED, "the token is missing or wrong")
                answer = make()
            except Refused as refused:
                status, answer = refused.status, {"error": str(refused)}
                self.close_connection = True  # a body that was not read would be taken for the next request
            except GONE:
                raise
            except Exception as fault:
                report(fault)
                status, answer = HTTPStatus.INTERNAL_SERVER_ERROR, {"error": type(fault).__name__}
                self.close_connection = True
            body = orjson.dumps(answer)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """No line a request: it would be one for every batch of every job."""

    try:
        return Server((host, port), Handler)
    except OSError as error:
        raise ModelError(
            f"cannot listen at {host}:{port}: {error.strerror}; --port names another, 0 any free one"
        ) from error


def info(scorer: LocalScorer) -> dict[str, Any]:
    """What is served, and how many texts a request may hold."""
    name, _, digest = scorer.version.rpartition("@")
    return {"model_id": name, "model_sha": digest, "max_client_batch_size": MAX_TEXTS, "precision": scorer.precision}


def predict(scorer: LocalScorer, body: Any) -> list[list[dict[str, Any]]]:
    """For each text a list of label and score; an empty one where there is nothing to read. Raises Refused."""
    inputs = body.get("inputs") if isinstance(body, dict) else None
    if not isinstance(inputs, list) or len(inputs) > MAX_TEXTS:
        raise Refused(
            HTTPStatus.UNPROCESSABLE_ENTITY, f"inputs: a list of at most {MAX_TEXTS} lists of one text is needed"
        )
    if not all(isinstance(each, list) and len(each) == 1 and isinstance(each[0], str) for each in inputs):
        raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, "inputs: each must be a list of one text")
    told = scorer.probabilities([each[0] for each in inputs])
    raw = body.get("raw_scores") is True
    return [[] if probabilities is None else labelled(probabilities, raw) for probabilities in told]


def labelled(probabilities: Mapping[str, float], raw: bool) -> list[dict[str, Any]]:
    """Probabilities as label and score; raw: as logits, which give the same probabilities. Raises ModelError where one is no number."""
    if not all(map(math.isfinite, probabilities.values())):
        raise ModelError("the model answers no numbers")
    return [{"label": name, "score": _logit(name, each) if raw else each} for name, each in probabilities.items()]


def _logit(name: str, probability: float) -> float:
    """Of a label or a satisfaction, which shares one softmax with the others of its kind, or of a tone, which stands alone."""
    bounded = min(1 - SMALLEST, max(SMALLEST, probability))
    return math.log(bounded / (1 - bounded)) if name in TONES else math.log(bounded)
