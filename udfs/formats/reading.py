"""What comes out of reading a file of messages: the events, and an account of what was refused and why.

A replay must be able to say "5,000 of 5,001 records read; line 3580: no time" before it starts. The account is
bounded: a file in the wrong format must not fill the memory with complaints about each of its lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TextIO

from udfs.events import Rank

MAX_REFUSED_KEPT: Final = 1_000
"""Refused records that are kept with their line and reason; beyond it they are only counted."""

MAX_RECORDS: Final = 5_000_000
"""Records read of one file that has to be held in memory; a note says so where a file is longer."""

RANKS: Final = {rank.name.lower(): int(rank) for rank in Rank}
"""Order of the senders at equal times: the question comes before its answer."""

HEAD_BYTES: Final = 1 << 20
MOST_DAMAGED: Final = 0.01
"""Of a file's first characters: more, and it is in another encoding. One that is cut in two at the end of those bytes is far from that."""

Event = dict[str, Any]


class FormatError(ValueError):
    """A file that can't be read as asked; the message names the file, the line and the remedy."""


@dataclass(slots=True)
class Refusals:
    """The records that could not be used. `total` counts all of them, `kept` holds the first as (line, reason)."""

    total: int = 0
    kept: list[tuple[int, str]] = field(default_factory=list)

    def add(self, line: int, reason: str) -> None:
        """Count a refused record; `line` is the 1-based line of the file on which it ends."""
        self.total += 1
        if len(self.kept) < MAX_REFUSED_KEPT:
            self.kept.append((line, reason))


@dataclass(slots=True)
class Reading:
    """A file of messages as canonical events in the order of time.

    `events` can be gone through any number of times. `refused` holds at most MAX_REFUSED_KEPT pairs of (1-based line,
    reason), `refused_count` counts all. `notes` are sentences for the person who replays the file. `synthetic_timing`
    is true where the file has no times and `sent_at` was made up: latencies of such a replay mean nothing.
    """

    format: str
    path: Path
    events: Iterable[Event]
    count: int
    refusals: Refusals = field(default_factory=Refusals)
    notes: list[str] = field(default_factory=list)
    synthetic_timing: bool = False

    @property
    def refused(self) -> list[tuple[int, str]]:
        """(line, reason) of the first refused records."""
        return self.refusals.kept

    @property
    def refused_count(self) -> int:
        """How many records were refused in all."""
        return self.refusals.total

    def __iter__(self) -> Iterator[Event]:
        return iter(self.events)


@dataclass(frozen=True, slots=True)
class Lazily:
    """Events that are read again from their file each time they are gone through."""

    read: Callable[[], Iterator[Event]]

    def __iter__(self) -> Iterator[Event]:
        return self.read()


def by_time(event: Event) -> tuple[int, int, str]:
    """Sort key of a conversation: (sent_at, customer before agent before bot before system, message_id)."""
    return event["sent_at"], RANKS[event["sender"]], event["message_id"]


def file_of(path: Path, name: str) -> Path:
    """The data file itself: `path`, or the file called `name` in it where `path` is a folder."""
    file = path / name if path.is_dir() else path
    if not file.is_file():
        raise FormatError(f"{file}: no such file; give the path of {name} or of the folder that holds it")
    return file


def opened(file: Path, newline: str) -> TextIO:
    """The file as UTF-8 text, a damaged byte here and there replaced. Raises FormatError for one in another encoding, of which
    nothing could be understood."""
    with file.open("rb") as stream:
        head = stream.read(HEAD_BYTES).decode("utf-8", "replace")
    if head.count("\ufffd") > MOST_DAMAGED * len(head):
        raise FormatError(f"{file}: is not UTF-8; save it as UTF-8 (iconv -f gb18030 -t utf-8, say)")
    return file.open(encoding="utf-8-sig", errors="replace", newline=newline)
