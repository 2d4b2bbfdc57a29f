"""Things that go wrong in the simulated shop, with the truth about them: what, where, when, and whom it hit.

Alerts can only be judged against a truth, and real data has none. The schedule is fixed by the seed before anybody
speaks; the conversations that are affected are added as they happen. A schedule is endless, so it is made bit by bit
and only the latest incidents are kept.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

AGENT_SILENT: Final = "agent_silent"
QUEUE_SLOW: Final = "queue_slow"
PROMOTION_FLOOD: Final = "promotion_flood"
RUDE_AGENT: Final = "rude_agent"
ANGRY_CUSTOMERS: Final = "angry_customers"

DURATION_MS: Final = {
    AGENT_SILENT: 360_000,  # long enough for the longest silence rule to fire on what was asked at its beginning
    QUEUE_SLOW: 300_000,
    PROMOTION_FLOOD: 180_000,
    RUDE_AGENT: 300_000,
    ANGRY_CUSTOMERS: 240_000,
}
KINDS: Final = tuple(DURATION_MS)

MAX_INCIDENTS: Final = 1_000
"""Incidents that are remembered: a week of them at the default pace."""

MAX_AFFECTED: Final = 10_000
"""Conversations that are noted for one incident."""


@dataclass(slots=True)
class Incident:
    """One thing that went wrong, from `start_ms` until before `end_ms` (epoch ms UTC).

    The scope is as wide as what is None: a shop, a queue of it, or one agent of that queue. `conversations` are the
    ids of those that were affected so far, in the order in which it happened, each once.
    """

    id: str
    kind: str
    start_ms: int
    end_ms: int
    shop: str
    queue: str | None = None
    agent_id: str | None = None
    conversations: list[str] = field(default_factory=list)
    _known: set[str] = field(default_factory=set, repr=False, compare=False)

    def covers(self, at_ms: int, shop: str, queue: str, agent_id: str) -> bool:
        """Whether it is going on at that instant at that place."""
        return (
            self.start_ms <= at_ms < self.end_ms
            and self.shop == shop
            and self.queue in (None, queue)
            and self.agent_id in (None, agent_id)
        )

    def affect(self, conversation_id: str) -> None:
        """Note that the conversation has felt it."""
        if conversation_id not in self._known and len(self._known) < MAX_AFFECTED:
            self._known.add(conversation_id)
            self.conversations.append(conversation_id)

    def record(self) -> dict[str, Any]:
        """The incident as a JSON object."""
        return {
            "id": self.id,
            "kind": self.kind,
            "start_ms": self.start_ms,
            "end_ms": self.end_ms,
            "scope": {"shop": self.shop, "queue": self.queue, "agent_id": self.agent_id},
            "conversations": list(self.conversations),
        }


Place = tuple[str, str, str]  # shop, queue, agent_id
PlaceAt = Callable[[int, random.Random], Place]


class IncidentSchedule:
    """Incidents one after the other, about one every `interval_ms`; every kind comes once before one comes again.

    `place_at` names a shop, a queue and an agent who is on duty at an instant.
    """

    def __init__(
        self, seed: int, start_ms: int, interval_ms: int, kinds: tuple[str, ...], prefix: str, place_at: PlaceAt
    ) -> None:
        self.planned: list[Incident] = []
        self.current: list[Incident] = []
        """Those that aren't over, including planned ones: what an agent or customer has to look at, a short list."""
        self.next_ms: float = float("inf")
        self._rng = random.Random(f"incidents {seed}")
        self._interval_ms = interval_ms
        self._kinds = kinds
        self._prefix = prefix
        self._place_at = place_at
        self._origin_ms = start_ms
        self._count = 0
        self._bag: list[str] = []
        if interval_ms and kinds:
            self._draw_next()

    def plan(self, now_ms: int, until_ms: int) -> list[Incident]:
        """Plan everything that starts until `until_ms`, forget what is over; returns what was added."""
        added: list[Incident] = []
        while self.next_ms <= until_ms:
            added.append(self._make(int(self.next_ms)))
            self._draw_next()
        if added:
            self.planned = (self.planned + added)[-MAX_INCIDENTS:]
            self.current = [incident for incident in self.current if incident.end_ms > now_ms] + added
        return added

    def _draw_next(self) -> None:
        # Somewhere in the first quarter of its slot, so that the first comes soon and neighbours don't meet.
        offset = 0.05 + 0.2 * self._rng.random()
        self.next_ms = self._origin_ms + (self._count + offset) * self._interval_ms

    def _make(self, start_ms: int) -> Incident:
        if not self._bag:
            self._bag = list(self._kinds)
            self._rng.shuffle(self._bag)
        kind = self._bag.pop()
        shop, queue, agent_id = self._place_at(start_ms, self._rng)
        self._count += 1
        return Incident(
            id=f"{self._prefix}-incident-{self._count}",
            kind=kind,
            start_ms=start_ms,
            end_ms=start_ms + DURATION_MS[kind],
            shop=shop,
            queue=None if kind == PROMOTION_FLOOD else queue,
            agent_id=agent_id if kind in (AGENT_SILENT, RUDE_AGENT) else None,
        )
