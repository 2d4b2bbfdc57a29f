"""The whole line on real Kafka, Flink and Redis: what is written to the topic of messages, and what people and topics get."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from jobs.clock import run_clock
from jobs.replay import Replayer
from jobs.tail import AlertStream
from models.scorer import WEIGHTS, load_scorer
from models.sentiment import TransformerScorer
from models.server import serve
from models.versions import scorer_version
from tests.chat import HOUR, SECOND, T0, Chat
from tests.conversing import rules_with
from tests.integration.monitoring import Cluster, Monitor, identities
from tests.unit.test_conversation import compared, recomputed
from udfs.formats import open_messages
from udfs.simulate import SimulationSettings, simulate, spoil

pytestmark = pytest.mark.timeout(900)  # generous: the cores may be busy with other things

FIXTURES = Path(__file__).parents[1] / "fixtures"
PHONE = "13912345678"
SPACED_PHONE = "139-1234-5678"
EVENTS = 2_000
SPOILED = 0.02


@dataclass
class Line:
    """What the short replay of `thin_line` has left behind."""

    monitor: Monitor
    asked: list[str]  # what the model server has been given to read
    heard: list[tuple[str, dict[str, Any]]] = field(default_factory=list)  # (channel, alert), by pub/sub
    metrics: str = ""


class Overheard(TransformerScorer):
    """A model that keeps what it is given to read."""

    def __init__(self) -> None:
        super().__init__(WEIGHTS / "fast", "cpu")
        self.asked: list[str] = []

    def probabilities(self, texts: Sequence[str]) -> list[dict[str, float] | None]:
        self.asked += texts
        return super().probabilities(texts)


@contextmanager
def served(scorer: TransformerScorer) -> Iterator[str]:
    """The URL of a server of the model, as `replywatch serve` begins one."""
    with serve(scorer, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def thin_line(cluster: Cluster) -> Iterator[Line]:
    """Scored by a model server: a slow and rude conversation, one that only a phone number names, and two records that nobody can read."""
    slow = Chat(T0, "slow").customer(0, f"什么时候发货？我的电话{PHONE}", shop="lamps", queue="presales", customer_id=PHONE)
    slow.agent(100, "爱买不买", shop="lamps", queue="presales").customer(110, f"call me: {SPACED_PHONE}", shop="lamps")
    slow.agent(120, "马上", shop="lamps").event(130, "resolve")
    named = Chat(T0 + 5 * SECOND, PHONE).customer(0, "hello?").agent(30, "hi, your number?").customer(40, PHONE)
    named.agent(45, "thanks").event(50, "resolve")
    broken = b'{"text": "' + PHONE.encode() + b'", "sender": '

    model = Overheard()
    with served(model) as url, cluster.monitor("line", scoring__model=url) as monitor:
        monitor.submit()
        line = Line(monitor, model.asked)
        with monitor.redis.pubsub(ignore_subscribe_messages=True) as channels:
            channels.psubscribe("line:alerts*")
            channels.get_message(timeout=10)
            replayer = Replayer(monitor.producer)
            replayer.run(sorted(((event["sent_at"], event) for event in slow.events + named.events), key=lambda e: e[0]))
            monitor.producer.send(broken, replayer.now_ms, key="broken")
            monitor.tombstone("gone", replayer.now_ms)
            replayer.finish(monitor.settings)
            monitor.until_accounted(produced=len(slow.events) + len(named.events) + 2)
            monitor.until_published()
            while message := channels.get_message(timeout=1):
                line.heard.append((message["channel"].decode(), orjson.loads(message["data"])))
        monitor.until(lambda: "converse_sessions" in _metrics(cluster), "measured")
        line.metrics = _metrics(cluster)
        monitor.cancel()
        yield line


def test_a_slow_reply_and_a_forbidden_word_become_alerts_that_resolve(thin_line: Line) -> None:
    alerts = thin_line.monitor.published()
    told = [(alert["rule"], alert["revision"], alert["status"], alert["resolve_reason"]) for alert in alerts]
    assert sorted(told) == [
        ("agent_abuse", 0, "firing", None),
        ("agent_abuse", 1, "resolved", "session_closed"),
        ("slow_reply", 0, "firing", None),
        ("slow_reply", 1, "resolved", "answered"),
    ]
    slow = next(alert for alert in alerts if alert["rule"] == "slow_reply")
    assert slow["opened_at"] == "2026-03-02T02:01:00.000Z"
    assert slow["scope"] == {"type": "conversation", "id": "slow"}
    assert (slow["shop"], slow["queue"], slow["evidence"]) == ("lamps", "presales", ["m1"])


def test_kafka_has_the_same_alerts_under_their_dedup_key(thin_line: Line) -> None:
    records = thin_line.monitor.records("alerts")
    alerts = [orjson.loads(record.value()) for record in records]
    assert sorted(alerts, key=orjson.dumps) == sorted(thin_line.monitor.published(), key=orjson.dumps)
    assert [record.key().decode() for record in records] == [alert["dedup_key"] for alert in alerts]


def test_every_alert_is_heard_on_the_channels_of_all_its_severity_and_its_shop(thin_line: Line) -> None:
    for alert in thin_line.monitor.published():
        channels = [channel for channel, heard in thin_line.heard if heard == alert]
        expected = ["line:alerts", f"line:alerts:{alert['severity']}", "line:alerts:shop:lamps"]
        assert sorted(channels) == sorted(expected)


def test_a_reader_who_was_away_finds_the_alerts_in_the_stream(thin_line: Line) -> None:
    reader = AlertStream(thin_line.monitor.settings, position="0-0")
    assert reader.read() == thin_line.monitor.published()
    assert reader.read() == []


def test_unreadable_records_are_dead_letters_that_name_their_origin(thin_line: Line) -> None:
    letters = [orjson.loads(record.value()) for record in thin_line.monitor.records("dead-letters")]
    assert sorted(letter["reason"] for letter in letters) == ["empty_value", "not_json"]
    assert {letter["topic"] for letter in letters} == {"line.conversation.replay"}
    origins = {(letter["partition"], letter["offset"]) for letter in letters}
    assert origins == thin_line.monitor.account.refused


def test_sessions_equal_the_recomputation(thin_line: Line) -> None:
    sessions = {session["conversation_id"]: session for session in thin_line.monitor.sessions().values()}
    hashed = next(name for name in sessions if name.startswith("h:"))
    assert set(sessions) == {"slow", hashed}
    assert sessions["slow"]["reply_latencies_ms"] == [100_000, 10_000]
    assert sessions["slow"]["shop"] == "lamps"
    assert sessions[hashed]["first_response_ms"] == 30_000


def test_a_model_server_scores_what_the_job_sends_it_and_sees_no_phone_number(thin_line: Line) -> None:
    texts = ["什么时候发货?我的电话", "call me:", "hello?"]  # what the masks leave to be read
    assert set(texts) <= set(thin_line.asked)
    for number in (PHONE, SPACED_PHONE):
        assert [text for text in thin_line.asked if number in text] == []
    session = next(each for each in thin_line.monitor.sessions().values() if each["conversation_id"] == "slow")
    scores = load_scorer("fast", "cpu").score(texts[:2])
    mean = sum(score.score for score in scores if score is not None) / len(texts[:2])
    assert session["sentiment"]["scored"] == 2
    assert session["sentiment"]["mean"] == pytest.approx(mean, abs=0.04)  # a score changes a little with its batch
    assert session["model_version"] == scorer_version("fast")
    assert session["satisfaction"]["contributions"]


def test_no_phone_number_is_found_in_any_output(thin_line: Line) -> None:
    monitor = thin_line.monitor
    seen = [part for record in monitor.records() for part in (record.key(), record.value()) if part]
    for key in monitor.redis.scan_iter("line:*"):
        value = monitor.redis.xrange(key) if monitor.redis.type(key) == b"stream" else monitor.redis.get(key)
        seen += [key, repr(value).encode()]
    assert len(seen) > 10
    for number in (PHONE, SPACED_PHONE):
        assert [part for part in seen if number.encode() in part] == []


def test_flink_serves_the_counters_of_reading_and_of_the_conversations(thin_line: Line) -> None:
    assert _sum(thin_line.metrics, "read_messages") == 12
    assert _sum(thin_line.metrics, "read_dead_letters") == 2
    assert _sum(thin_line.metrics, "converse_alerts") == 4
    assert _sum(thin_line.metrics, "converse_sessions") == 2
    assert _sum(thin_line.metrics, "publish_published") == 4


@pytest.mark.parametrize("parallelism", [1, 2])
def test_files_and_the_simulator_give_the_recomputed_sessions(cluster: Cluster, parallelism: int) -> None:
    recorded = [event for path in sorted(FIXTURES.iterdir()) for event in open_messages(path).events]
    simulation = simulate(SimulationSettings(seed=11, repeat_share=0.02, conversations_per_hour=2_000))
    simulated = list(islice(simulation, EVENTS))
    last_ms = 0
    timed: list[tuple[int, dict[str, Any] | bytes]] = [(event["sent_at"], event) for event in recorded]
    for record in spoil(simulated, SPOILED, seed=3):
        with suppress(ValueError, KeyError, TypeError):
            sent_at = orjson.loads(record)["sent_at"]
            # A broken record may claim any time; it was written when the one before it was.
            last_ms = sent_at if isinstance(sent_at, int) and sent_at < simulated[-1]["sent_at"] + HOUR else last_ms
        timed.append((last_ms, record))
    timed.sort(key=lambda pair: pair[0])
    events = [*recorded, *simulated]
    identity = {(e.get("source"), e["conversation_id"], e["message_id"], e.get("kind")) for e in simulated}

    with cluster.monitor(f"files-{parallelism}", flink__parallelism=parallelism) as monitor:
        monitor.submit()
        replayer = Replayer(monitor.producer)
        replayer.run(timed)
        replayer.finish(monitor.settings)
        monitor.until_accounted(produced=len(timed))
        account = monitor.account
        assert len(account.dead_letters) == len(timed) - len(events)
        assert len(account.duplicates) == len(simulated) - len(identity)
        assert account.late == set()
        assert compared(monitor.sessions().values()) == recomputed(events)
        entries = monitor.until_published()
        assert len(entries) == len(identities(entries)) == len(account.alerts) > 0


def test_on_a_live_topic_an_alert_comes_though_nobody_writes_any_more(
    cluster: Cluster, record_property: Any
) -> None:
    rules = rules_with(slow_reply=2, phrases=["爱买不买"])
    limits = {"time__session_gap_seconds": 5, "time__allowed_lateness_seconds": 1, "time__alarm_grace_seconds": 1}
    stop = threading.Event()
    with cluster.monitor("live", rules, input="live", scoring__model="default", **limits) as monitor:
        monitor.submit()
        clock = threading.Thread(target=run_clock, args=(monitor.settings, 0.5, stop))
        clock.start()
        try:
            chat = Chat(time.time_ns() // 1_000_000, "live").customer(0, "你们的东西太差了，我非常生气", shop="lamps")
            written = time.monotonic()
            for event in chat.events:
                monitor.producer.send(event, event["sent_at"])
            monitor.producer.flush()
            monitor.until(lambda: monitor.redis.xlen("live:alerts"), "alerted")
            record_property("seconds_to_the_alert", round(time.monotonic() - written, 1))
            monitor.until_accounted(produced=1)
        finally:
            stop.set()
            clock.join()
        (session,) = monitor.sessions().values()
        assert session["sentiment"]["scored"] == 1
        assert session["sentiment"]["mean"] < 0
        assert session["abandoned"] == "before_reply"
        assert [alert["rule"] for alert in monitor.until_published()] == ["slow_reply", "slow_reply"]


def _metrics(cluster: Cluster) -> str:
    """What the TaskManagers tell Prometheus."""
    ports = [port for name, port in cluster.stack.flink.metrics_ports.items() if name.startswith("taskmanager")]
    return "".join(httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=20, trust_env=False).text for port in ports)


def _sum(metrics: str, name: str) -> float:
    """The sum of a metric over its subtasks, by the end of its name."""
    lines = [line for line in metrics.splitlines() if f"{name}{{" in line]
    assert lines, f"no metric ends with {name}"
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines)
