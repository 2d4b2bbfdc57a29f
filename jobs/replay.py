"""Replays events on the replay topic in their own time: as fast as possible, at real speed, or any multiple of it.

The topic's time is `sent_at`. Ticks keep it moving where nobody writes; at the end they run far enough ahead that every
session is published.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any

from jobs.produce import EventProducer
from jobs.settings import Settings

TICK_EVERY_MS = 1_000  # of replayed time
PACE_SECONDS = 0.1  # wall time between two looks at the clock
AS_FAST_AS_POSSIBLE = 0.0

Timed = tuple[int, dict[str, Any] | bytes]
"""When it was sent, epoch ms, and the event, or a record's bytes as they are."""


class Replayer:
    """Feeds events, sorted by `sent_at`, to a producer. `now_ms` is the replayed time reached; `speed` may change.

    `clock` gives seconds, `pause` waits for so many; without `ticks` only the events are sent.
    """

    def __init__(
        self,
        producer: EventProducer,
        speed: float = AS_FAST_AS_POSSIBLE,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
        ticks: bool = True,
    ) -> None:
        self.now_ms = 0
        self.speed = speed
        self._producer = producer
        self._clock = clock
        self._pause = pause
        self._ticks = ticks
        self._ticked_ms = 0
        self._waiting: list[Timed] = []

    def run(self, events: Iterable[Timed], stop: Callable[[], bool] = lambda: False) -> int:
        """Send events in order until they end or `stop()`; the number sent. The first one sets the pace's beginning.

        The event whose time was being waited for at a stop is the first that the next run sends: none is lost between two.
        """
        sent = 0
        started_at, first_ms = self._clock(), None
        waiting, self._waiting = self._waiting, []
        for at_ms, event in chain(waiting, events):
            if first_ms is None:
                first_ms = at_ms
            while self.speed and not stop():
                reached = first_ms + round((self._clock() - started_at) * 1_000 * self.speed)
                if reached >= at_ms:
                    break
                self._reach(reached)
                self._pause(min(PACE_SECONDS, (at_ms - reached) / 1_000 / self.speed))
            if stop():
                self._waiting = [(at_ms, event)]
                break
            self._reach(at_ms)
            self._producer.send(event, at_ms)
            sent += 1
        return sent

    def finish(self, settings: Settings) -> None:
        """The last ticks: time runs on until every session has been published."""
        if not self.now_ms:  # nothing was sent, so there is no time to go on from
            return
        times = settings.time
        ahead = times.session_gap_seconds + times.allowed_lateness_seconds + times.alarm_grace_seconds + 60
        self.now_ms += round(ahead * 1_000)
        self._producer.tick(self.now_ms)
        self._producer.flush()

    def _reach(self, now_ms: int) -> None:
        self.now_ms = max(self.now_ms, now_ms)
        if self._ticks and self.now_ms - self._ticked_ms >= TICK_EVERY_MS:
            self._ticked_ms = self.now_ms
            self._producer.tick(self.now_ms)
