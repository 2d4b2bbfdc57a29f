"""A model behind a URL: the same scores as at hand, faults that say what to do, limits, and a token."""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import torch
from tenacity import Retrying, stop_after_attempt, stop_after_delay, stop_before_delay, wait_fixed, wait_none

from jobs.settings_file import load_settings
from models import remote_client, server
from models.labels import OUTPUTS, SATISFACTIONS
from models.network import NetworkShape, make_network
from models.remote import RemoteScorer, score_of_logits
from models.remote_client import TOKEN_VARIABLE
from models.scorer import DEFAULT_WEIGHTS, Limits, ModelError, Scorer, load_scorer
from models.sentiment import TransformerScorer
from models.server import MAX_BYTES, MAX_TEXTS, check_host, labelled, serve
from models.versions import scorer_version

TEXTS = ["太差了，骗人", "什么时候发货", "love it, thanks", "", "𓀀", "ok", *(f"订单{at}到哪了" for at in range(300))]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serve(TransformerScorer(DEFAULT_WEIGHTS, "cpu"), "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture(scope="module")
def at_hand() -> Scorer:
    return load_scorer("default", "cpu")


def test_scores_from_a_server_are_those_at_hand(url: str, at_hand: Scorer) -> None:
    far = load_scorer(url)
    assert far.version == scorer_version(url) == at_hand.version
    for near, distant in zip(at_hand.score(TEXTS), far.score(TEXTS), strict=True):
        if near is None:
            assert distant is None
            continue
        assert distant is not None
        assert distant.label == near.label
        assert distant.score == pytest.approx(near.score, abs=0.03)
        assert distant.tones == pytest.approx(near.tones, abs=0.03)


def test_a_server_says_in_its_protocol_what_it_serves(url: str) -> None:
    assert httpx.get(f"{url}/health").json() == {}
    with pytest.raises(ModelError, match=r"host a\.\.b is not known"):
        check_host("a..b", "")
    told = httpx.post(f"{url}/predict", json={"inputs": [["太差了"], [" "]]}).json()
    assert told[1] == []
    assert sum(each["score"] for each in told[0][:3]) == pytest.approx(1.0)
    assert {each["label"] for each in told[0][:3]} == {"negative", "neutral", "positive"}


@pytest.mark.parametrize(
    ("path", "body", "status", "reason"),
    [
        ("/predict", b"{", 422, "no JSON"),
        ("/predict", b"[]", 422, "a list of at most"),
        ("/predict", json.dumps({"inputs": ["a"]}).encode(), 422, "each must be a list of one text"),
        ("/predict", json.dumps({"inputs": [["a", "b"]]}).encode(), 422, "each must be a list of one text"),
        ("/predict", json.dumps({"inputs": [["a"]] * (MAX_TEXTS + 1)}).encode(), 422, f"at most {MAX_TEXTS}"),
        ("/predict", b" " * (MAX_BYTES + 1), 413, "a body of at most"),
        ("/embed", b"{}", 404, "POST /predict are served"),
    ],
)
def test_a_request_that_cannot_be_served_is_told_why(
    url: str, path: str, body: bytes, status: int, reason: str
) -> None:
    answer = httpx.post(f"{url}{path}", content=body)
    assert answer.status_code == status
    assert reason in answer.json()["error"]
    assert httpx.get(f"{url}/health").status_code == 200


def test_only_who_bears_the_token_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN_VARIABLE, "secret-of-the-test")
    with serve(TransformerScorer(DEFAULT_WEIGHTS, "cpu"), "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        assert RemoteScorer(url).score(["谢谢"])[0] is not None
        assert httpx.get(f"{url}/info").status_code == 401
        assert httpx.get(f"{url}/health").status_code == 200  # whoever only asks whether it lives
        monkeypatch.setenv(TOKEN_VARIABLE, "another")
        with pytest.raises(ModelError, match=r"failed at /info: .*401") as found:
            RemoteScorer(url)
        assert "another" not in str(found.value)
        server.shutdown()


def test_connections_beyond_the_limit_are_closed_and_the_others_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MAX_CONNECTIONS", 1)
    with serve(TransformerScorer(DEFAULT_WEIGHTS, "cpu"), "127.0.0.1", 0) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{serving.server_address[1]}"
        stays = httpx.Limits(keepalive_expiry=None)
        with httpx.Client(base_url=url, limits=stays) as first, httpx.Client(base_url=url) as second:
            assert first.get("/health").status_code == 200  # and stays connected
            with pytest.raises(httpx.TransportError):
                second.get("/health")
            assert first.get("/health").status_code == 200
        for attempt in Retrying(stop=stop_after_delay(30), wait=wait_fixed(0.05), reraise=True):  # until the place is free again
            with attempt:
                assert httpx.get(f"{url}/health").status_code == 200
        serving.shutdown()


def test_a_fault_of_the_model_is_an_answer_and_no_text_is_in_what_is_said_of_it(capfd: pytest.CaptureFixture[str]) -> None:
    scorer = TransformerScorer(DEFAULT_WEIGHTS, "cpu")

    def fail(texts: list[str]) -> None:
        raise RuntimeError(f"cannot score {texts}")

    scorer.probabilities = fail  # type: ignore[method-assign, assignment]
    with serve(scorer, "127.0.0.1", 0) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        answer = httpx.post(f"http://127.0.0.1:{serving.server_address[1]}/predict", json={"inputs": [["my secret words"]]})
        serving.shutdown()
    assert answer.status_code == 500 and answer.json() == {"error": "RuntimeError"}
    said = capfd.readouterr().err
    assert "in predict" in said and said.rstrip().endswith("RuntimeError") and "secret" not in said


GOOD = [{"label": "POSITIVE", "score": 2.0}, {"label": "NEGATIVE", "score": -1.0}]


class Answers(BaseHTTPRequestHandler):
    """Another kind of server: busy for a while (with the status `fault`), then answering `each` for every text, or `whole` whatever it
    is asked; a blank every twentieth of a second, with `trickles` in its head or its body."""

    busy = 0
    asked = 0
    fault = 503
    trickles = ""
    each: Any = GOOD
    whole: Any = None

    def do_GET(self) -> None:
        self._send(200, {"model_id": "shop/other-model", "model_sha": None, "max_client_batch_size": 2})

    def do_POST(self) -> None:
        texts = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["inputs"]
        cls = type(self)
        cls.busy -= 1
        cls.asked += 1
        if cls.trickles:
            self._trickle(cls.trickles)
        self._send(cls.fault if cls.busy >= 0 else 200, cls.whole if cls.whole is not None else [cls.each] * len(texts))

    def _send(self, status: int, answer: Any) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _trickle(self, part: str) -> None:
        with suppress(ConnectionError):  # until nobody waits any more
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n" + (b"\r\n" if part == "body" else b"X-Slow:"))
            for _ in range(100):
                self.wfile.write(b" ")
                time.sleep(0.05)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@pytest.fixture
def other(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of another kind of server; no waiting between attempts."""
    monkeypatch.setattr(remote_client, "PAUSES", wait_none())
    monkeypatch.setattr(remote_client, "LATER", stop_after_attempt(5))  # as many as at the start
    Answers.busy, Answers.asked, Answers.fault, Answers.trickles, Answers.each, Answers.whole = 0, 0, 503, "", GOOD, None
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_a_busy_server_is_asked_again_and_any_classifier_will_do(other: str) -> None:
    Answers.busy = 2
    scorer = load_scorer(other)
    assert scorer.version == "other-model@unknown"
    Answers.busy = 3
    scores = scorer.score(["fine", "well", "good"])
    assert [score and (score.label, score.tones) for score in scores] == [("positive", ())] * 3
    assert scores[0] is not None
    assert scores[0].confidence == pytest.approx(1 / (1 + math.exp(-3)))
    Answers.each = []
    assert scorer.score(["hm"]) == [None]


@pytest.mark.parametrize(
    ("whole", "message"),
    [
        ([], "gave 0 answers for 1 texts"),
        ({"error": "my secret words"}, "gave dict answers for 1 texts"),
        ([[{"label": "LABEL_0", "score": 1.0}]], "gives other labels or scores: .* of negative, positive"),
        ([[{"label": "negative"}]], "gives other labels or scores"),
        (["my secret words"], "gives other labels or scores"),
        ([[{"label": "negative", "score": "nan"}, {"label": "positive", "score": 1}]], "gives other labels or scores"),
    ],
)
def test_an_answer_that_is_none_is_an_error_at_load_and_later(other: str, whole: Any, message: str) -> None:
    scorer = RemoteScorer(other)
    Answers.whole = whole
    for ask in (lambda: scorer.score(["fine"]), lambda: RemoteScorer(other)):
        with pytest.raises(ModelError, match=message) as found:
            ask()
        assert "secret" not in str(found.value)


def test_a_server_that_stays_away_is_an_error_without_the_customers_words(other: str) -> None:
    scorer = RemoteScorer(other)
    Answers.busy = 99
    with pytest.raises(ModelError, match="failed at /predict: status 503") as found:
        scorer.score(["my secret words"])
    assert "secret" not in str(found.value)
    with pytest.raises(ModelError, match="failed at /info"):
        RemoteScorer("http://127.0.0.1:9")


@pytest.mark.parametrize("part", ["head", "body"])
def test_an_answer_that_trickles_is_waited_for_no_longer_than_one_that_does_not_come(
    other: str, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    scorer = RemoteScorer(other)
    monkeypatch.setattr(remote_client, "REQUEST_S", 0.3)
    Answers.trickles, Answers.asked, begun = part, 0, time.monotonic()
    with pytest.raises(ModelError, match=r"failed at /predict: no whole answer in 0\.3 s") as found:
        scorer.score(["my secret words"])
    assert Answers.asked == 5 and time.monotonic() - begun < 4
    assert "secret" not in str(found.value)
    monkeypatch.setattr(remote_client, "PATIENCE_S", 0.5)
    monkeypatch.setattr(remote_client, "LATER", stop_before_delay(0.5))
    Answers.asked = 0
    with pytest.raises(ModelError, match="no whole answer"):
        scorer.score(["fine"])
    assert Answers.asked == 2
    Answers.trickles = ""
    assert scorer.score(["fine"])[0] is not None  # its connections are free again


@pytest.mark.parametrize("status", [424, 429, 500, 502, 503, 504])
def test_a_fault_that_may_pass_is_waited_for(other: str, status: int) -> None:
    scorer = RemoteScorer(other)
    Answers.busy, Answers.fault = 3, status
    assert scorer.score(["fine"])[0] is not None


@pytest.mark.parametrize("status", [302, 400, 401, 404, 413, 422, 501])
def test_a_request_that_is_refused_is_not_made_again(other: str, status: int) -> None:
    scorer = RemoteScorer(other)
    Answers.busy, Answers.fault, Answers.asked = 1, status, 0
    with pytest.raises(ModelError, match=f"failed at /predict: .*{status}"):
        scorer.score(["fine"])
    assert Answers.asked == 1


def test_a_secret_that_cannot_be_sent_is_refused_and_not_quoted(other: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for token in ("s3cret\x07", "s3cret word", "s3crét"):
        monkeypatch.setenv(TOKEN_VARIABLE, token)
        with pytest.raises(ModelError, match="such a token cannot be sent") as found:
            RemoteScorer(other)
        assert "s3cr" not in str(found.value)
    monkeypatch.setenv(TOKEN_VARIABLE, "s3cret\r\n")  # the end of a line in a file of another system
    assert RemoteScorer(other).version == "other-model@unknown"
    with pytest.raises(ModelError, match="must hold no user or password") as found:
        RemoteScorer(other.replace("://", "://me:s3cret@"))
    assert "s3cret" not in str(found.value)


def test_the_token_is_no_setting_that_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN_VARIABLE, "@secret")
    assert load_settings().scoring.model == "default"


def test_a_server_beyond_loopback_needs_a_token_and_a_port_that_is_free(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    scorer = TransformerScorer(DEFAULT_WEIGHTS, "cpu")
    monkeypatch.delenv(TOKEN_VARIABLE, raising=False)
    with pytest.raises(ModelError, match=r"0\.0\.0\.0 is not loopback: set REPLYWATCH_SCORING__TOKEN"):
        serve(scorer, "0.0.0.0", 0)
    with pytest.raises(ModelError, match=r"cannot listen at .* --port names another"):
        serve(scorer, "127.0.0.1", int(url.rsplit(":", 1)[1]))


def test_tones_and_satisfactions_come_over_as_they_are(tmp_path: Path) -> None:
    torch.manual_seed(3)
    shape = NetworkShape("new", layers=1, vocabulary=200, hidden=32, heads=2, columns=OUTPUTS + SATISFACTIONS)
    model, tokenizer = make_network(shape, TEXTS * 20, 32)
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    near = TransformerScorer(tmp_path, "cpu")
    with serve(near, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        far = RemoteScorer(f"http://127.0.0.1:{server.server_address[1]}").score(TEXTS[:3])
        server.shutdown()
    for here, there in zip(near.score(TEXTS[:3]), far, strict=True):
        assert here is not None and there is not None
        assert len(there.tones) == 4
        assert there.tones == pytest.approx(here.tones, abs=0.01)
        assert len(there.satisfaction) == 3
        assert there.satisfaction == pytest.approx(here.satisfaction, abs=0.01)
        assert there.score == pytest.approx(here.score, abs=0.01)


def test_a_network_that_answers_no_numbers_is_no_answer_of_a_server() -> None:
    with pytest.raises(ModelError, match="the model answers no numbers"):
        labelled({"negative": math.nan, "neutral": 0.5, "positive": 0.5}, raw=True)


def test_certificates_that_cannot_be_read_are_told(monkeypatch: pytest.MonkeyPatch, other: str) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/authority.pem")
    assert RemoteScorer(other).version == "other-model@unknown"  # which needs none
    with pytest.raises(ModelError, match="SSL_CERT_FILE or SSL_CERT_DIR of the environment can't be read"):
        RemoteScorer(other.replace("http://", "https://"))


def test_a_score_of_logits_logits_is_their_softmax() -> None:
    score = score_of_logits({"negative": 3.0, "neutral": 1.0, "positive": 0.0}, 0.0)
    assert (score.label, score.confidence) == ("negative", pytest.approx(0.8438, abs=1e-4))
    assert score.score == pytest.approx(0.0420 - 0.8438, abs=1e-4)
    rated = score_of_logits({"negative": 0.1, "positive": 0.0, "dissatisfied": 3.0, "neither": 1.0, "satisfied": 0.0}, 0.0)
    assert rated.satisfaction == pytest.approx((0.8438, 0.1142, 0.0420), abs=1e-4)
    assert score_of_logits({"negative": 0.1, "positive": 0.0, "satisfied": 3.0}, 0.0).satisfaction == ()
    assert score_of_logits({"negative": 0.1, "positive": 0.0}, 0.9).label == "unknown"
    assert Limits(least_confidence=0.9).least_confidence == 0.9
    with pytest.raises(ValueError, match="least_confidence is 2"):
        Limits(least_confidence=2)
