"""The Flink side of the job's steps: open state, call the pure step, set a timer, hand on. Nothing here decides anything.

These run inside the TaskManager's JVM (thread mode); the reading step is in `udfs.operators_read`, so that the JVM need
not import what only that one needs. What an instance holds is shipped with the job, so it holds plain values only;
clients are made in `open`.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from math import inf
from typing import Any, Protocol

import orjson
from pyflink.common import Row, Types
from pyflink.datastream import KeyedProcessFunction, OutputTag, ProcessFunction, RuntimeContext
from pyflink.datastream.state import MapStateDescriptor

from udfs.collector import collect_seldom
from udfs.converse import Context
from udfs.gathering import entries, is_dead_letter
from udfs.key_group import KeyGroup, Step

KEYED = Types.ROW([Types.STRING(), Types.STRING()])  # (key, JSON)
RECORD = Types.ROW([Types.STRING(), Types.STRING(), Types.STRING()])  # (topic, key, JSON)
RECORDS = OutputTag("records", RECORD)

LATENCY_BUCKETS_SECONDS = (5, 10, 30, 60, 120, 300, 900, 3_600)


class Converse(KeyedProcessFunction):  # type: ignore[misc]
    """(key group, conversations' events) → alerts; on the side these again, sessions, late records, repeats, dead letters.

    State `conversations`: a map of conversation key → packed string (udfs.conversation) for each key group; an entry is
    removed by a timer when the duplicate memory is over. One event-time timer a group is armed at a time.
    """

    def __init__(self, context: Context, topics: dict[str, str]) -> None:
        self._context = context
        self._topics = topics

    def open(self, runtime_context: RuntimeContext) -> None:
        """Claim the state and the metrics."""
        collect_seldom()
        self._states = runtime_context.get_map_state(
            MapStateDescriptor("conversations", Types.STRING(), Types.STRING())
        )
        self._groups: dict[str, KeyGroup] = {}
        self._armed: dict[str, int] = {}  # the timer that is set, by group
        self._reached = 0
        group = runtime_context.get_metrics_group().add_group("converse")
        self._messages = group.counter("messages")
        self._counters = {name: group.counter(name) for name in ("alerts", "sessions", "late", "duplicates")}
        self._dead = group.counter("dead_letters")
        # Thread mode has no histogram: a counter a bucket, each holding what is no longer than its `le`, as Prometheus does.
        self._replies = group.counter("reply_latency_count")
        self._replied_ms = group.counter("reply_latency_sum_ms")
        self._buckets = [
            (limit * 1_000, group.add_group("le", name).counter("reply_latency_bucket"))
            for limit, name in (*((limit, str(limit)) for limit in LATENCY_BUCKETS_SECONDS), (inf, "+Inf"))
        ]
        self._opened = group.counter("conversations_opened")
        self._closed = group.counter("conversations_closed")  # opened - closed: open conversations

    def process_element(self, packed: str, ctx: KeyedProcessFunction.Context) -> Iterable[Any]:
        """Records reach their conversations. Keyed without a Python step, the value is the row's second field alone."""
        name = ctx.get_current_key()
        timers = ctx.timer_service()
        conversations: list[tuple[str, list[Any]]] = []
        letters: list[tuple[str, list[Any]]] = []
        for key, rows in entries(packed):
            (letters if is_dead_letter(key) else conversations).append((key, rows))
        group = self._group(name)
        # Flink begins without a watermark after a restore: what any of the groups here had come to holds for all of them.
        now = self._reached = max(timers.current_watermark(), self._reached, group.reached)
        step = group.hear(conversations, now, time.time_ns() // 1_000_000)
        self._messages.inc(sum(len(rows) for _, rows in conversations))
        emitted = self._settle(name, group, step, now, timers)
        for key, several in letters:
            self._dead.inc(len(several))
            for letter in several:
                emitted.append((RECORDS, Row(self._topics["dead-letters"], key[1:], orjson.dumps(letter).decode())))
        return emitted

    def on_timer(self, timestamp: int, ctx: KeyedProcessFunction.OnTimerContext) -> Iterable[Any]:
        """Event time has reached an instant at which something in the group is due."""
        name = ctx.get_current_key()
        timers = ctx.timer_service()
        now = max(timers.current_watermark(), timestamp)
        group = self._group(name)
        return self._settle(name, group, group.advance(now, time.time_ns() // 1_000_000), now, timers)

    def _group(self, name: str) -> KeyGroup:
        group = self._groups.get(name)
        if group is None:
            group = self._groups[name] = KeyGroup(self._context, self._states)
            if group.restored_open:
                self._opened.inc(group.restored_open)
        return group

    def _settle(self, name: str, group: KeyGroup, step: Step, now: int, timers: Any) -> list[Any]:
        """Write what the step has changed, see to the next timer, count, and return what is to be emitted."""
        if step.written:
            self._states.put_all(step.written)
        for key in step.forgotten:
            self._states.remove(key)
        due, armed = group.next_due(), self._armed.get(name)
        if due is not None and (armed is None or due < armed or armed <= now):
            due = max(due, now + 1)
            timers.register_event_time_timer(due)
            self._armed[name] = due
        self._count(step)
        return [each for output in step.out for each in self._emitted(*output[:3])]

    def _emitted(self, stream: str, key: str, value: str) -> Iterator[Any]:
        """A record for its topic; an alert goes down the main stream, too."""
        if stream == "alerts":
            yield Row(key, value)
        yield RECORDS, Row(self._topics[stream], key, value)

    def _count(self, step: Step) -> None:
        """Add a step to the metrics, each at most once: a counter is a call into Java."""
        if step.opened:
            self._opened.inc(step.opened)
        if step.closed:
            self._closed.inc(step.closed)
        if not step.out:
            return
        for stream, count in Counter(output.stream for output in step.out).items():
            self._counters[stream].inc(count)
        latencies = [latency for output in step.out for latency in output.latencies_ms]
        if latencies:
            self._replies.inc(len(latencies))
            self._replied_ms.inc(sum(latencies))
            for limit, counter in self._buckets:
                within = sum(1 for latency in latencies if latency <= limit)
                if within:
                    counter.inc(within)


class Publisher(Protocol):
    """Where alerts are published."""

    def publish(self, alert: str) -> bool:
        """Publish the alert's JSON; False if that alert and revision was published before."""


class Publish(ProcessFunction):  # type: ignore[misc]
    """alerts → nothing: each is published as it arrives. A fault is the publisher's to retry or to raise."""

    def __init__(self, make_publisher: Callable[[], Publisher]) -> None:
        self._make_publisher = make_publisher

    def open(self, runtime_context: RuntimeContext) -> None:
        """Connect."""
        self._publisher = self._make_publisher()
        group = runtime_context.get_metrics_group().add_group("publish")
        self._published = group.counter("published")
        self._known = group.counter("already_published")

    def process_element(self, value: Row, ctx: ProcessFunction.Context) -> Iterable[Any]:
        """Publish one alert."""
        (self._published if self._publisher.publish(value[1]) else self._known).inc(1)
        return ()
