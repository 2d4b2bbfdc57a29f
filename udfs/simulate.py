"""An endless stream of invented customer-service conversations in Chinese and English, with a truth to check against.

For demos, load tests and tests of the job: nobody's words are needed, every run with the same settings is the same,
and what goes wrong in it is known (`Simulation.incidents`). Memory is bounded by the conversations that are open.

    simulation = Simulation(SimulationSettings(seed=7))
    for event in simulation.events(): ...
"""

from __future__ import annotations

import heapq
import math
import random
from collections import deque
from collections.abc import Iterator
from typing import Any, Final

from udfs import simulate_en, simulate_zh
from udfs.incidents import ANGRY_CUSTOMERS, PROMOTION_FLOOD, Incident, IncidentSchedule, Place
from udfs.simulate_conversation import Conversation
from udfs.simulate_people import Desk, Returning
from udfs.simulate_script import Script, Topic
from udfs.simulate_settings import HOUR_MS, SimulationSettings, busyness
from udfs.simulate_spoil import DEFECTS, spoil

__all__ = ["DEFECTS", "Incident", "Simulation", "SimulationSettings", "simulate", "spoil"]

Event = dict[str, Any]

SCRIPTS: Final = {"zh": simulate_zh.SCRIPT, "en": simulate_en.SCRIPT}
QUEUES: Final = ("presales", "aftersales", "logistics")

PLANNED_AHEAD_MS: Final = 1_800_000
"""Incidents are known that far ahead of the clock: longer than any reply takes that they might delay."""

FLOOD_TIMES: Final = 8.0
"""A promotion brings a shop so many times its share of the peak, on top of the usual."""

FLOOD_AT_LEAST_PER_HOUR: Final = 600.0
CUSTOMERS_OF_INCIDENT: Final = 3
"""Customers who come for sure at the beginning of an incident, so that none passes unnoticed at night."""

FULL_STAFF_BUSYNESS: Final = 0.6
RETURN_AFTER_MS: Final = 45 * 60_000  # beyond the usual session gap of 30 minutes
MAX_REMEMBERED: Final = 5_000  # closed conversations that somebody may come back to


def simulate(settings: SimulationSettings) -> Iterator[Event]:
    """Canonical events (the message event, JSON-ready) without end, sorted by `sent_at`; same settings, same stream."""
    return Simulation(settings).events()


class Simulation:
    """The shops, who works there, who is writing, and what goes wrong. `events` may be gone through once."""

    def __init__(self, settings: SimulationSettings) -> None:
        self.settings = settings
        self.now_ms = settings.start_ms
        """`sent_at` of the latest event that was handed out, epoch ms."""
        self._rng = random.Random(f"simulation {settings.seed}")
        # Two runs that begin at different times must not share ids: the second would pass for a repeat of the first.
        self._prefix = f"sim-{settings.start_ms // 1_000:x}-{settings.seed}"
        self._shops = [f"shop-{number}" for number in range(1, settings.shops + 1)]
        self._staff = {shop: _staff(shop, settings) for shop in self._shops}
        interval_ms = int(HOUR_MS / settings.incidents_per_hour) if settings.incidents_per_hour else 0
        self._schedule = IncidentSchedule(
            settings.seed, settings.start_ms, interval_ms, settings.incident_kinds, self._prefix, self._place_at
        )
        self._arrivals: list[tuple[float, int, Incident | None]] = []
        self._closed: deque[Returning] = deque(maxlen=MAX_REMEMBERED)
        self._conversations = 0
        self._sequence = 0

    @property
    def incidents(self) -> list[Incident]:
        """What has gone wrong up to now, the latest MAX_INCIDENTS; effects are added while the stream goes on."""
        return [incident for incident in self._schedule.planned if incident.start_ms <= self.now_ms]

    def events(self) -> Iterator[Event]:
        """The stream. Conversations are interleaved by time, each in its own order; a repeat follows its original."""
        arrivals, schedule, chance = self._arrivals, self._schedule, self._rng.random
        repeat_share = self.settings.repeat_share
        pending: list[tuple[int, int, Event, Iterator[Event], Conversation]] = []
        self._arrive(self._next_customer(float(self.settings.start_ms)), None)
        while True:
            now = min(arrivals[0][0], pending[0][0]) if pending else arrivals[0][0]
            if schedule.next_ms <= now + PLANNED_AHEAD_MS:
                self._plan(int(now))
            if not pending or arrivals[0][0] <= pending[0][0]:
                conversation = self._open()
                talk = conversation.events()
                event = next(talk)
                heapq.heappush(pending, (event["sent_at"], self._number(), event, talk, conversation))
                continue
            sent_at, sequence, event, talk, conversation = pending[0]
            self.now_ms = sent_at
            yield event
            if chance() < repeat_share:
                yield dict(event)
            following = next(talk, None)
            if following is not None:
                heapq.heapreplace(pending, (following["sent_at"], sequence, following, talk, conversation))
            else:
                heapq.heappop(pending)
                if chance() < 2 * self.settings.return_share:
                    self._closed.append(conversation.remembered())

    def _number(self) -> int:
        self._sequence += 1
        return self._sequence

    def _arrive(self, at_ms: float, cause: Incident | None) -> None:
        heapq.heappush(self._arrivals, (at_ms, self._number(), cause))

    def _next_customer(self, after_ms: float) -> float:
        """The next arrival of the Poisson process whose rate follows the day, by thinning (Lewis and Shedler 1979)."""
        rate = self.settings.conversations_per_hour / HOUR_MS
        at_ms = after_ms + self._rng.expovariate(rate)
        while self.settings.daily_rhythm and self._rng.random() > busyness(int(at_ms)):
            at_ms += self._rng.expovariate(rate)
        return at_ms

    def _plan(self, now_ms: int) -> None:
        for incident in self._schedule.plan(now_ms, now_ms + PLANNED_AHEAD_MS):
            if incident.kind == PROMOTION_FLOOD:
                self._arrive(float(incident.start_ms), incident)
                continue
            for number in range(CUSTOMERS_OF_INCIDENT):
                self._arrive(incident.start_ms + 2_000 + (number + self._rng.random()) * 15_000, incident)

    def _open(self) -> Conversation:
        """The next customer comes in, and the arrival after this one is scheduled."""
        at_ms, _, cause = heapq.heappop(self._arrivals)
        rng, settings = self._rng, self.settings
        if cause is None:
            self._arrive(self._next_customer(at_ms), None)
        elif cause.kind == PROMOTION_FLOOD:
            share = FLOOD_TIMES * settings.conversations_per_hour / settings.shops
            following = at_ms + rng.expovariate(max(share, FLOOD_AT_LEAST_PER_HOUR) / HOUR_MS)
            if following < cause.end_ms:
                self._arrive(following, cause)
        start_ms = int(at_ms)
        busy = busyness(start_ms) if settings.daily_rhythm else 1.0
        returning = self._coming_back(start_ms) if cause is None else None
        script = SCRIPTS[returning.language] if returning else self._script()
        topic = script.topics[int(rng.random() * len(script.topics))]
        if cause is not None and cause.kind == PROMOTION_FLOOD:
            topic = script.promotion
        elif cause is not None and cause.kind == ANGRY_CUSTOMERS:
            topic = _about_a_fault(script)
        shop = self._shops[int(rng.random() * len(self._shops))]
        if origin := cause or returning:
            shop = origin.shop
        desks = self._desks(shop, busy)
        desk = desks[topic.queue % len(desks)]
        if len(desks) > len(QUEUES) and rng.random() < 0.5:
            desk = desks[int(rng.random() * len(desks))]
        if origin is not None and origin.queue is not None:
            desk = next(desk for desk in desks if desk.queue == origin.queue)
        self._conversations += 1
        conversation_id = returning.conversation_id if returning else f"{self._prefix}-{self._conversations}"
        return Conversation(
            settings, rng, self._schedule, script, topic, desks, desk, conversation_id, start_ms, busy, cause, returning
        )

    def _script(self) -> Script:
        draw = self._rng.random()
        for language, share in self.settings.languages.items():
            if draw < share:
                return SCRIPTS[language]
            draw -= share
        return SCRIPTS[language]

    def _coming_back(self, now_ms: int) -> Returning | None:
        if self._rng.random() >= self.settings.return_share or not self._closed:
            return None
        if now_ms - self._closed[0].closed_ms < RETURN_AFTER_MS:
            return None
        return self._closed.popleft()

    def _desks(self, shop: str, busy: float) -> tuple[Desk, ...]:
        """The shop's queues with those on duty: everybody by day, a few at night."""
        count = self.settings.agents_per_queue
        present = max(1, math.ceil(count * min(1.0, busy / FULL_STAFF_BUSYNESS)))
        return self._staff[shop][present - 1]

    def _place_at(self, at_ms: int, rng: random.Random) -> Place:
        shop = rng.choice(self._shops)
        busy = busyness(at_ms) if self.settings.daily_rhythm else 1.0
        desk = rng.choice(self._desks(shop, busy))
        return shop, desk.queue, rng.choice(desk.on_duty)


def _staff(shop: str, settings: SimulationSettings) -> list[tuple[Desk, ...]]:
    """The shop's desks for 1, 2, … agents on duty in each queue."""
    names = [
        QUEUES[number] if number < len(QUEUES) else f"queue-{number + 1}" for number in range(settings.queues_per_shop)
    ]
    numbers = range(1, settings.agents_per_queue + 1)
    everybody = {name: tuple(f"{shop}-{name}-agent-{number}" for number in numbers) for name in names}
    return [tuple(Desk(shop, f"{shop}-{name}", everybody[name][:present]) for name in names) for present in numbers]


def _about_a_fault(script: Script) -> Topic:
    return next(topic for topic in script.topics if topic.name == "broken")
