"""Bytewax's session window over the same topic: what a Python stream processor with a Rust engine reaches.

Runs as a process of its own, with Bytewax on its path, and prints one JSON line: messages, seconds and CPU seconds from the
first batch on, and the sessions that came out.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from datetime import datetime, timedelta, timezone
from typing import Any

import bytewax.operators as op
import bytewax.operators.windowing as windows
import orjson
from bytewax.dataflow import Dataflow
from bytewax.inputs import DynamicSource, StatelessSourcePartition
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.testing import run_main
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

BATCH = 2_000
POLL_S = 1.0
SILENCE_S = 30.0
"""A topic that gives nothing for so long is shorter than was said."""

Session = tuple[int, int, int]
"""Messages, first and last time in epoch ms."""


class Stopwatch:
    """When the first batch came, and what the process had used by then."""

    seconds = 0.0
    cpu_seconds = 0.0
    messages = 0
    sessions = 0

    def begin(self) -> None:
        """Note the time, once."""
        if not self.seconds:
            self.seconds, self.cpu_seconds = time.perf_counter(), time.process_time()


class TopicPartitionSource(StatelessSourcePartition[bytes]):
    """The first `messages` records of partition 0, ticks not counted, then the end."""

    def __init__(self, servers: str, topic: str, messages: int, watch: Stopwatch) -> None:
        self._consumer = Consumer({"bootstrap.servers": servers, "group.id": "bytewax", "enable.auto.commit": False})
        self._consumer.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
        self._left = messages
        self._watch = watch
        self._heard = time.monotonic()

    def next_batch(self) -> list[bytes]:
        """The next records, at most BATCH; none while the broker has none ready."""
        if self._left <= 0:
            raise StopIteration
        records = self._consumer.consume(BATCH, timeout=POLL_S)
        if not records:
            if time.monotonic() - self._heard > SILENCE_S:
                raise RuntimeError(f"the topic ended {self._left} messages early")
            return []
        self._heard = time.monotonic()
        values = [value for record in records if (value := record.value()) and b'"message_id"' in value][: self._left]
        self._left -= len(values)
        self._watch.messages += len(values)
        if values:
            self._watch.begin()
        return values

    def close(self) -> None:
        """Leave Kafka."""
        self._consumer.close()


class TopicSource(DynamicSource[bytes]):
    """One worker, one partition."""

    def __init__(self, *arguments: Any) -> None:
        self._arguments = arguments

    def build(self, step_id: str, worker_index: int, worker_count: int) -> TopicPartitionSource:
        """The one worker's source."""
        if worker_count != 1:
            raise RuntimeError(f"one worker reads the one partition, not {worker_count}")
        return TopicPartitionSource(*self._arguments)


class CountingPartition(StatelessSinkPartition[Any]):
    """Counts the sessions that came out."""

    def __init__(self, watch: Stopwatch) -> None:
        self._watch = watch

    def write_batch(self, items: list[Any]) -> None:
        """Count them."""
        self._watch.sessions += len(items)


class CountingSink(DynamicSink[Any]):
    """Sessions go nowhere."""

    def __init__(self, watch: Stopwatch) -> None:
        self._watch = watch

    def build(self, step_id: str, worker_index: int, worker_count: int) -> CountingPartition:
        """The one worker's sink."""
        return CountingPartition(self._watch)


def _sent_at(event: dict[str, Any]) -> datetime:
    return datetime.fromtimestamp(event["sent_at"] / 1_000, timezone.utc)


def _folded(session: Session, event: dict[str, Any]) -> Session:
    at = event["sent_at"]
    return session[0] + 1, min(session[1], at), max(session[2], at)


def _merged(one: Session, other: Session) -> Session:
    return one[0] + other[0], min(one[1], other[1]), max(one[2], other[2])


def dataflow(source: TopicSource, sink: CountingSink, gap_seconds: float) -> Dataflow:
    """Decode, key by conversation, fold each session."""
    flow = Dataflow("bytewax_session")
    records = op.input("read", flow, source)
    events = op.map("decode", records, orjson.loads)
    keyed = op.key_on("key", events, lambda event: str(event["conversation_id"]))
    sessions = windows.fold_window(
        "session",
        keyed,
        windows.EventClock(ts_getter=_sent_at, wait_for_system_duration=timedelta(0)),
        windows.SessionWindower(gap=timedelta(seconds=gap_seconds)),
        lambda: (0, sys.maxsize, 0),
        _folded,
        _merged,
        ordered=False,
    )
    op.output("count", sessions.down, sink)
    return flow


def main(arguments: list[str]) -> None:
    """Run to the end and print what it took."""
    parser = argparse.ArgumentParser(prog="bytewax_session", description=__doc__)
    parser.add_argument("--bootstrap-servers", required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--messages", type=int, required=True)
    parser.add_argument("--gap-seconds", type=float, default=1_800)
    options = parser.parse_args(arguments)
    watch = Stopwatch()
    source = TopicSource(options.bootstrap_servers, options.topic, options.messages, watch)
    run_main(dataflow(source, CountingSink(watch), options.gap_seconds))
    result = {
        "messages": watch.messages,
        "seconds": time.perf_counter() - watch.seconds,
        "cpu_seconds": time.process_time() - watch.cpu_seconds,
        "sessions": watch.sessions,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1:])
