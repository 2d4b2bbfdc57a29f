"""Where a conversation is held: shops, queues, channels and addresses, each told once, to which its messages point."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from udfs.events import CHANNEL, SHOP, URL, Row
from udfs.limits import NEVER

MAX_PLACES: Final = 32


class Place(NamedTuple):
    """Where a conversation is held, and where it can be read."""

    shop: str = ""
    queue: str = ""
    channel: str = ""
    url: str = ""


@dataclass(slots=True)
class Places:
    """The places of one conversation, each the fields of a `Place`. `last`: where the record that arrived last was; NEVER: in the last of
    them."""

    known: list[list[str]] = field(default_factory=list)
    last: int = NEVER

    def __getitem__(self, at: int) -> Place:
        """The place that a message points to; blank what isn't known of it."""
        return Place(*self.known[at]) if at < len(self.known) else Place()

    def take(self, event: Row) -> int:
        """What a record that has just arrived points to. What it doesn't name is as it was named last."""
        place: list[str] = event[SHOP : URL + 1]
        known = self.known
        if not known:
            known.append(place)
            self.last = 0
            return 0
        last = known[self.last]
        if place == last:
            return self.last % len(known)
        place = [named or before for named, before in zip(place, last, strict=True)]
        if place in known:
            at = known.index(place)
        elif len(known) < MAX_PLACES:
            at = len(known)
            known.append(place)
        else:  # an address for each message, say: the same place has another one now, or else the last is where it is now
            at = next((at for at, other in enumerate(known) if other[:3] == place[:3]), MAX_PLACES - 1)
            known[at] = place
        self.last = at
        return at


assert CHANNEL == SHOP + 2  # a place is the slice from SHOP to URL
