"""What is due when: one instant for each name, the earliest first."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heapify, heappop, heappush
from typing import Final

ROOM_FOR_STALE: Final = 1_000


class Agenda:
    """Names with the instants (epoch ms) at which they are due. Entries that were moved are skipped later."""

    def __init__(self) -> None:
        self._due: dict[str, int] = {}
        self._heap: list[tuple[int, str]] = []

    def __len__(self) -> int:
        return len(self._due)

    def set(self, name: str, at: int) -> None:
        """The name is due at this instant, and at no other."""
        if self._due.get(name) != at:
            self._due[name] = at
            heappush(self._heap, (at, name))
            if len(self._heap) > 2 * len(self._due) + ROOM_FOR_STALE:
                self._heap = [(at, name) for name, at in self._due.items()]
                heapify(self._heap)

    def take_due(self, now: int) -> Iterator[str]:
        """The names that are due, in the order of their instants; each is taken off, and may be set anew meanwhile."""
        heap = self._heap
        while heap and heap[0][0] <= now:
            at, name = heappop(heap)
            if self._due.get(name) == at:
                del self._due[name]
                yield name
                heap = self._heap

    def earliest(self) -> int | None:
        """The earliest instant at which something is due."""
        heap = self._heap
        while heap and self._due.get(heap[0][1]) != heap[0][0]:
            heappop(heap)
        return heap[0][0] if heap else None
