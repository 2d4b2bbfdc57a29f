"""The Flink side of the job's steps: open state, call the pure step, set a timer, yield. Nothing here decides anything.

These run inside the TaskManager's JVM (thread mode); the reading step is in `udfs.operators_read`, so that the JVM need
not import what only that one needs. What an instance holds is shipped with the job, so it holds plain values only;
clients are made in `open`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import orjson
from pyflink.common import Row, Types
from pyflink.datastream import KeyedProcessFunction, OutputTag, ProcessFunction, RuntimeContext
from pyflink.datastream.state import ValueStateDescriptor

from udfs.conversation import NO_TIMER, Conversation
from udfs.converse import Context, Output, advance, forgettable, hear, wake_at
from udfs.events import DEAD_LETTER_KEY, unpack

KEYED = Types.ROW([Types.STRING(), Types.STRING()])  # (key, JSON)
RECORD = Types.ROW([Types.STRING(), Types.STRING(), Types.STRING()])  # (topic, key, JSON)
RECORDS = OutputTag("records", RECORD)

LATENCY_BUCKETS_SECONDS = (5, 10, 30, 60, 120, 300, 900, 3_600)


class Converse(KeyedProcessFunction):  # type: ignore[misc]
    """(conversation, event) → alerts; sessions, late records, repeats and dead letters on the side.

    State `conversation`: one packed string a key (udfs.conversation), cleared by a timer when the duplicate memory is
    over. One event-time timer is armed at a time.
    """

    def __init__(self, context: Context, topics: dict[str, str]) -> None:
        self._context = context
        self._topics = topics

    def open(self, runtime_context: RuntimeContext) -> None:
        """Claim the state and the metrics."""
        self._state = runtime_context.get_state(ValueStateDescriptor("conversation", Types.STRING()))
        group = runtime_context.get_metrics_group().add_group("converse")
        self._counters = {name: group.counter(name) for name in ("alerts", "sessions", "late", "duplicates")}
        self._dead = group.counter("dead_letters")
        # Thread mode has no histogram: a counter a bucket, each holding what is no longer than its `le`, as Prometheus does.
        self._replies = group.counter("reply_latency_count")
        self._replied_ms = group.counter("reply_latency_sum_ms")
        self._buckets = [
            (limit * 1_000, group.add_group("le", str(limit)).counter("reply_latency_bucket"))
            for limit in LATENCY_BUCKETS_SECONDS
        ]
        self._opened = group.counter("conversations_opened")
        self._closed = group.counter("conversations_closed")  # opened - closed: open conversations

    def process_element(self, packed: str, ctx: KeyedProcessFunction.Context) -> Iterator[Any]:
        """A record reaches its conversation. Keyed without a Python step, the value is the row's second field alone."""
        key = ctx.get_current_key()
        if key[0] == DEAD_LETTER_KEY:
            self._dead.inc(1)
            yield RECORDS, Row(self._topics["dead-letters"], key[1:], packed)
            return
        timers = ctx.timer_service()
        now = max(timers.current_watermark(), 0)
        state = Conversation.unpack(self._state.value())
        fresh = not state.sessions
        out = hear(state, key, unpack(packed), now, time.time_ns() // 1_000_000, self._context)
        if fresh and state.sessions:
            self._opened.inc(1)
        self._rearm(state, now, timers)
        self._state.update(state.pack())
        if out:
            yield from self._emit(out)

    def on_timer(self, timestamp: int, ctx: KeyedProcessFunction.OnTimerContext) -> Iterator[Any]:
        """Event time has reached the instant at which something is due."""
        packed = self._state.value()
        if packed is None:
            return
        timers = ctx.timer_service()
        now = max(timers.current_watermark(), timestamp)
        state = Conversation.unpack(packed)
        was_open = bool(state.sessions)
        out = advance(state, ctx.get_current_key(), now, time.time_ns() // 1_000_000, self._context)
        if was_open and not state.sessions:
            self._closed.inc(1)
        if state.armed <= now:
            state.armed = NO_TIMER
        if forgettable(state, now):
            self._state.clear()
        else:
            self._rearm(state, now, timers)
            self._state.update(state.pack())
        yield from self._emit(out)

    def _rearm(self, state: Conversation, now: int, timers: Any) -> None:
        """Arm a timer only if it must ring before the one that is armed; a ring too early costs one look."""
        due = max(wake_at(state, now, self._context.limits), now + 1)
        if state.armed == NO_TIMER or due < state.armed or state.armed <= now:
            timers.register_event_time_timer(due)
            state.armed = due

    def _emit(self, out: list[Output]) -> Iterator[Any]:
        for stream, key, value in out:
            self._counters[stream].inc(1)
            if stream == "sessions":
                self._measure(value)
            if stream == "alerts":
                yield Row(key, value)
            else:
                yield RECORDS, Row(self._topics[stream], key, value)

    def _measure(self, session: str) -> None:
        """Count the reply latencies of a published session."""
        for latency in orjson.loads(session)["reply_latencies_ms"]:
            self._replies.inc(1)
            self._replied_ms.inc(latency)
            for limit, counter in self._buckets:
                if latency <= limit:
                    counter.inc(1)


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

    def process_element(self, value: Row, ctx: ProcessFunction.Context) -> Iterator[Any]:
        """Publish one alert."""
        (self._published if self._publisher.publish(value[1]) else self._known).inc(1)
        yield from ()
