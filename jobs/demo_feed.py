"""What the demonstration feeds: a file, or the simulated shop with some broken records among its messages."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from itertools import takewhile
from typing import Any

from jobs.produce import EventProducer
from jobs.replay import AS_FAST_AS_POSSIBLE, Replayer, Timed
from jobs.settings import Settings
from udfs.formats import Reading
from udfs.incidents import Incident
from udfs.simulate import Simulation, SimulationSettings, spoil

SPOILED_SHARE = 0.002
RUN_OUT_MS = 15 * 60_000  # of simulated time: longer than nearly all conversations
MAX_REMEMBERED = 20_000  # conversations; older ones are forgotten when there are more

Event = dict[str, Any]


class Feed:
    """Writes one source to the replay topic in a thread of its own.

    When `stop` is set no new conversation begins; those that are open run out as fast as they can. Then come the last ticks,
    then `done` is set. A fault is kept in `fault`, for whoever waits for `done`.
    """

    def __init__(
        self, settings: Settings, producer: EventProducer, source: Reading | int, speed: float, stop: threading.Event
    ) -> None:
        self.done = threading.Event()
        self.fault: BaseException | None = None
        self.replayer = Replayer(producer, speed)
        self._settings = settings
        self._stop = stop
        self._simulation: Simulation | None = None
        self._begun: dict[str, int] = {}
        if isinstance(source, Reading):
            self._timed: Iterator[Timed] = ((event["sent_at"], event) for event in source.events)
        else:
            self._simulation = Simulation(SimulationSettings(seed=source))
            self._timed = with_broken_records(self._admitted(self._simulation.events()), SPOILED_SHARE, source)
        self._thread = threading.Thread(target=self._run, name="feed", daemon=True)

    def start(self) -> None:
        """Begin to feed."""
        self._thread.start()

    def join(self, timeout_s: float) -> None:
        """Return when the thread has ended, or after `timeout_s`."""
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def incidents(self) -> list[Incident]:
        """What has gone wrong in the simulated shop so far; nothing is known of a file."""
        return self._simulation.incidents if self._simulation is not None else []

    def _run(self) -> None:
        try:
            self.replayer.run(self._timed, stop=self._stop.is_set)
            if self._simulation is not None:
                end_ms = self.replayer.now_ms + RUN_OUT_MS
                self.replayer.speed = AS_FAST_AS_POSSIBLE
                self.replayer.run(takewhile(lambda timed: timed[0] < end_ms, self._timed))
            self.replayer.finish(self._settings)
        except BaseException as fault:  # handed over: the thread that waits for `done` raises it
            self.fault = fault
        finally:
            self.done.set()

    def _admitted(self, events: Iterable[Event]) -> Iterator[Event]:
        """The events of conversations that began before the stop, and of no others."""
        begun = self._begun
        for event in events:
            conversation, at_ms = event["conversation_id"], event["sent_at"]
            if not self._stop.is_set():
                begun[conversation] = at_ms
                if len(begun) > MAX_REMEMBERED:
                    for old in [name for name, last_ms in begun.items() if last_ms < at_ms - RUN_OUT_MS]:
                        del begun[old]
            if conversation in begun:
                yield event
            elif self.replayer.now_ms and at_ms > self.replayer.now_ms + RUN_OUT_MS:
                return  # nobody is left who might say something


def with_broken_records(events: Iterable[Event], share: float, seed: int) -> Iterator[Timed]:
    """The events with their times, and after some of them a record as broken producers send it, at the same time."""
    latest: list[Event] = []

    def watched() -> Iterator[Event]:
        for event in events:
            latest[:] = [event, event]
            yield event

    for record in spoil(watched(), share, seed):
        # Of what is made from one event the first is the event itself, anything after it is broken.
        event = latest[0]
        yield event["sent_at"], latest.pop() if len(latest) > 1 else record
