"""From the broker's clock to the subscriber's hands: how long an insult takes to become an alert.

The job runs on the live topic with its real model, at a steady rate of ordinary messages; every so many of them an agent
insults a customer of a conversation of its own. Latency = the instant at which a Redis subscriber has the alert, minus the
time that the broker stamped on the message (LogAppendTime). Both clocks are this machine's.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson
import redis
from confluent_kafka import Message, Producer

from jobs.clock import run_clock
from jobs.produce import event_key
from jobs.settings import Settings
from tests.benchmarks.report import percentile
from tests.benchmarks.topic import simulated

RULE = "agent_abuse"
PHRASES = (
    "你是不是傻，自己看说明",
    "爱买不买，别烦我",
    "shut up and read the manual",
    "You are an idiot, it says so on the page",
)
EVERY = 20
"""One message in so many is an insult."""

WARM_UP_S = 20.0
"""Insults of the first seconds are not counted: Java is still compiling the job's code, on the cores that it needs itself."""

PACE_S = 0.005
WAIT_S = 60.0
LINGER_MS = 1


@dataclass
class Latencies:
    """The instants by message id, epoch ms: appended by the broker's clock, heard by the subscriber's."""

    appended: dict[str, int] = field(default_factory=dict)
    heard: dict[str, float] = field(default_factory=dict)

    def values(self, ids: list[str]) -> list[float]:
        """Latencies in ms of those of the ids that were heard."""
        return [self.heard[each] - self.appended[each] for each in ids if each in self.heard and each in self.appended]


class Subscriber:
    """A Redis subscriber on the channel of critical alerts, in a thread of its own."""

    def __init__(self, settings: Settings, latencies: Latencies) -> None:
        self._latencies = latencies
        self._client = redis.Redis.from_url(settings.redis.url.get_secret_value())
        self._channel = self._client.pubsub(ignore_subscribe_messages=True)
        self._channel.subscribe(settings.redis_name("alerts:critical"))
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="subscriber", daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        while not self._stop.is_set():
            message = self._channel.get_message(timeout=0.2)
            if message is None:
                continue
            now_ms = time.time_ns() / 1e6
            alert = orjson.loads(message["data"])
            if alert["rule"] == RULE and alert["status"] == "firing":
                for message_id in alert["evidence"]:
                    self._latencies.heard.setdefault(message_id, now_ms)

    def close(self) -> None:
        """Stop listening."""
        self._stop.set()
        self._thread.join()
        self._channel.close()
        self._client.close()


def measure(
    settings: Settings, rate: float, samples: int, advance: Callable[[int], None] = lambda heard: None
) -> dict[str, Any]:
    """Write to the live topic of a running job until `samples` insults after the warm-up are sent; the latencies in ms."""
    latencies = Latencies()
    subscriber = Subscriber(settings, latencies)
    stop = threading.Event()
    clock = threading.Thread(target=run_clock, args=(settings, 1.0, stop), name="clock", daemon=True)
    clock.start()
    try:
        _wake(settings, latencies)
        counted, sent, seconds = _write(settings, rate, samples, latencies, advance)
        deadline = time.monotonic() + WAIT_S
        while len(latencies.values(counted)) < len(counted) and time.monotonic() < deadline:
            time.sleep(0.05)
    finally:
        stop.set()
        clock.join()
        subscriber.close()
    values = latencies.values(counted)
    return {
        "p50": round(percentile(values, 0.5), 1),
        "p99": round(percentile(values, 0.99), 1),
        "max": round(max(values), 1),
        "rate": round(sent / seconds),
        "samples": len(values),
        "unheard": len(counted) - len(values),
    }


def live_events(run: str) -> Iterator[tuple[dict[str, Any], bool]]:
    """Endless (event, whether it is one of the insults): the simulated messages under new ids, insults between them."""
    number = 0
    for turn in itertools.count():
        for event in simulated(200_000):
            prefix = f"{run}-{turn}-"
            yield (
                {
                    **event,
                    "conversation_id": prefix + event["conversation_id"],
                    "message_id": prefix + event["message_id"],
                },
                False,
            )
            number += 1
            if number % (EVERY - 1) == 0:
                yield insult(f"{run}-insult-{number}", PHRASES[number // (EVERY - 1) % len(PHRASES)]), True


def insult(name: str, text: str) -> dict[str, Any]:
    """An agent's line with a forbidden word in a conversation of its own."""
    return {
        "tenant": "default",
        "source": "simulator",
        "conversation_id": name,
        "message_id": name,
        "sender": "agent",
        "agent_id": "agent-1",
        "shop": "shop-1",
        "queue": "shop-1-presales",
        "kind": "message",
        "text": text,
    }


class _LiveWriter:
    """Sends events written now and notes the broker's stamp of the insults."""

    def __init__(self, settings: Settings, latencies: Latencies) -> None:
        self._topic = settings.input_topic
        self._latencies = latencies
        self._producer = Producer(
            {"bootstrap.servers": settings.kafka.bootstrap_servers, "linger.ms": LINGER_MS, "enable.idempotence": True}
        )

    def send(self, event: dict[str, Any], counted: bool) -> None:
        """Write one event, stamped with this instant."""
        body = orjson.dumps({**event, "sent_at": time.time_ns() // 1_000_000})
        message_id = event["message_id"]

        def delivered(error: Any, message: Message) -> None:
            if error is not None:
                raise RuntimeError(f"the broker did not take a message: {error}")
            if counted:
                self._latencies.appended[message_id] = message.timestamp()[1]

        self._producer.produce(self._topic, body, key=event_key(event).encode(), on_delivery=delivered)

    def poll(self) -> None:
        """Hear what was delivered."""
        self._producer.poll(0)

    def flush(self) -> None:
        """Wait for all."""
        if self._producer.flush(WAIT_S):
            raise RuntimeError("the broker did not take all messages")


def _wake(settings: Settings, latencies: Latencies) -> None:
    """One insult, until it is heard: the job is up and its model loaded."""
    writer = _LiveWriter(settings, latencies)
    name = f"wake-{time.time_ns()}"
    writer.send(insult(name, PHRASES[0]), True)
    writer.flush()
    deadline = time.monotonic() + 3 * WAIT_S
    while name not in latencies.heard:
        if time.monotonic() > deadline:
            raise RuntimeError("the job published no alert for an insult; look into its log")
        time.sleep(0.05)


def _write(
    settings: Settings, rate: float, samples: int, latencies: Latencies, advance: Callable[[int], None]
) -> tuple[list[str], int, float]:
    """Write at the rate; the ids of the insults that count, the messages sent, and the seconds it took."""
    writer = _LiveWriter(settings, latencies)
    events = live_events(f"live-{time.time_ns():x}")
    counted: list[str] = []
    sent = 0
    started = time.perf_counter()
    while len(counted) < samples:
        elapsed = time.perf_counter() - started
        while sent < elapsed * rate:
            event, is_insult = next(events)
            writer.send(event, is_insult)
            sent += 1
            if is_insult and elapsed > WARM_UP_S:
                counted.append(event["message_id"])
                advance(len(counted))
        writer.poll()
        time.sleep(PACE_S)
    seconds = time.perf_counter() - started
    writer.flush()
    return counted, sent, seconds
