"""Events into Kafka: the key that keeps a conversation together, the record's time, and ticks."""

from __future__ import annotations

import json
from typing import Any

import orjson
from confluent_kafka import KafkaException, Producer

from jobs.settings import Settings
from jobs.topics import client_options
from udfs.events import conversation_key

TICK = orjson.dumps({"kind": "tick"})


def packed(event: dict[str, Any]) -> bytes:
    """An event as JSON, also one with half a surrogate pair, deeper or with larger numbers than orjson writes: the job reads escapes."""
    try:
        return orjson.dumps(event)
    except orjson.JSONEncodeError:
        return json.dumps(event).encode()


class ProduceError(RuntimeError):
    """The broker did not take a record; the message says why and what to do."""


class EventProducer:
    """Writes events and ticks to one topic, idempotently. `produced` counts records, ticks apart."""

    def __init__(self, settings: Settings, topic: str, timeout_seconds: float = 30) -> None:
        self.topic = topic
        self.produced = 0
        self._servers = settings.kafka.bootstrap_servers
        self._timeout = timeout_seconds
        self._fault: str | None = None
        self._producer = Producer(
            {
                "enable.idempotence": True,
                "compression.type": "lz4",
                "linger.ms": 5,
                "queue.buffering.max.messages": 200_000,
                "message.timeout.ms": round(timeout_seconds * 1_000),
                **client_options(settings),
            }
        )
        try:
            # All topics are asked for: to ask for one by name makes it, on a broker that allows that.
            known = self._producer.list_topics(timeout=timeout_seconds).topics.get(topic)
        except KafkaException as error:
            raise ProduceError(
                f"Kafka at {self._servers}: {error.args[0].str()}; is it running? `replywatch up` starts one here"
            ) from error
        if known is None or known.error is not None:
            fault = "it does not exist" if known is None else known.error.str()
            raise ProduceError(f"topic {topic} at {self._servers}: {fault}; run `replywatch submit` first")
        self.partitions = len(known.partitions)

    def send(self, event: dict[str, Any] | bytes, at_ms: int, key: str | None = None) -> None:
        """Queue one event, or raw bytes, such as a broken record in a demonstration; `at_ms` is the record's time on a replay topic."""
        value = event if isinstance(event, bytes) else packed(event)
        if key is None and isinstance(event, dict):
            key = event_key(event)
        self._queue(value, at_ms, key=None if key is None else key.encode())
        self.produced += 1

    def tick(self, at_ms: int) -> None:
        """Tell every partition what time it is."""
        for partition in range(self.partitions):
            self._queue(TICK, at_ms, partition=partition)

    def flush(self) -> None:
        """Wait until the broker has everything; ProduceError if it has not in time."""
        left = self._producer.flush(self._timeout)
        if self._fault or left:
            raise ProduceError(
                f"Kafka at {self._servers}: {self._fault or f'{left} records were not taken in {self._timeout:g} s'}"
            )

    def _queue(self, value: bytes, at_ms: int, **options: Any) -> None:
        while True:
            try:
                self._producer.produce(self.topic, value, timestamp=at_ms, on_delivery=self._delivered, **options)
                break
            except BufferError:
                self._producer.poll(0.1)
        self._producer.poll(0)
        if self._fault:
            raise ProduceError(f"Kafka at {self._servers}: {self._fault}")

    def _delivered(self, error: Any, _: Any) -> None:
        if error is not None:
            self._fault = error.str()


def event_key(event: dict[str, Any]) -> str:
    """The Kafka key of an event: its conversation."""
    return conversation_key(
        str(event.get("tenant") or "default"), str(event.get("source") or "default"), str(event.get("conversation_id"))
    )
