"""What a batch has for each key group, gathered into one record: fewer crossings into the keyed step, fewer looks at state.

A record is a JSON array with an entry for each conversation, `[key, row, row, …]`, rows in the order of the batch. Dead
letters have an entry for each partition they come from, `[synthetic key, letter, letter, …]`. All records of a batch reach the
keyed step under one watermark (Flink holds it back until the batch is through), so it does not matter where in the batch a
record stands.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import orjson

from udfs.events import DEAD_LETTER_KEY
from udfs.key_group import key_group_of

MAX_CHARACTERS: Final = 1_000_000
"""A record that has grown so long is closed, and another one begun."""


class _Record:
    """A group's record while it grows."""

    __slots__ = ("characters", "entries")

    def __init__(self) -> None:
        self.characters = 0
        self.entries: dict[str, list[str]] = {}

    def add(self, key: str, value: str) -> None:
        entry = self.entries.get(key)
        if entry is None:
            entry = self.entries[key] = [orjson.dumps(key).decode()]
        entry.append(value)
        self.characters += len(value)

    def pack(self) -> str:
        conversations = ",".join(["[" + ",".join(entry) + "]" for entry in self.entries.values()])
        return f"[{conversations}]"


def gather(
    keys: Sequence[str | None], values: Sequence[str | None], groups: Sequence[str]
) -> tuple[list[str | None], list[str | None]]:
    """The batch by key group: each group's record stands where its first one stood, everything else is None."""
    records: list[_Record | None] = [None] * len(groups)
    names: list[str | None] = [None] * len(keys)
    placed: list[tuple[int, _Record]] = []
    for at, (key, value) in enumerate(zip(keys, values, strict=True)):
        if key is None or value is None:
            continue
        group = key_group_of(key, len(groups))
        record = records[group]
        if record is None or record.characters > MAX_CHARACTERS:
            record = records[group] = _Record()
            names[at] = groups[group]
            placed.append((at, record))
        record.add(key, value)
    gathered: list[str | None] = [None] * len(keys)
    for at, record in placed:
        gathered[at] = record.pack()
    return names, gathered


def entries(packed: str) -> Iterator[tuple[str, list[Any]]]:
    """(key, rows) of a record's conversations, and (synthetic key, letters) of dead letters."""
    for entry in orjson.loads(packed):
        yield entry[0], entry[1:]


def is_dead_letter(key: str) -> bool:
    """Whether the key is the synthetic one of a dead letter."""
    return key.startswith(DEAD_LETTER_KEY)
