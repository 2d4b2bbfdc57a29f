"""The ids of a conversation's records, for as long as one may come again: what is known already is a repeat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

HASH_LENGTH: Final = 16  # characters of an id's hash
MAX_IDS: Final = 50_000
"""Ids in one half: with more, which is no conversation between people, the older half is forgotten early."""


@dataclass(slots=True)
class KnownIds:
    """Two halves, strings of hashes; `until`: the watermark at which `latest` becomes `before`, and `before` is forgotten."""

    latest: str = ""
    before: str = ""
    until: int = 0

    def remember(self, id_hash: str, now: int, memory_ms: int) -> bool:
        """Remember an id at the watermark `now`; False if it is known. Holds it for one to two `memory_ms`, of a flood the last MAX_IDS
        at least."""
        if now >= self.until and now:  # before the first watermark it is not known how late it is
            if self.until:
                gone = now >= self.until + memory_ms
                self.before = "" if gone else self.latest
                self.latest = ""
            self.until = now + memory_ms
        elif len(self.latest) >= MAX_IDS * HASH_LENGTH:
            self.before, self.latest = self.latest, ""
        if holds(self.latest, id_hash) or (self.before and holds(self.before, id_hash)):
            return False
        self.latest += id_hash
        return True


def holds(hashes: str, id_hash: str) -> bool:
    """Whether the fixed-width hash is among those in the string."""
    at = hashes.find(id_hash)
    while at >= 0 and at % HASH_LENGTH:
        at = hashes.find(id_hash, at + 1)
    return at >= 0
