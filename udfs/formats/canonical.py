"""The project's own message event, one JSON object a line: what `simulate` writes and `replay` sends.

A replay needs its input in the order of time, and a recorded day may be larger than memory. So the file is gone
through twice: once for the time and the place of each line (16 bytes a line), once for the events. A bad line here is
an error and not a dead letter: the file is the user's own, and a replay that skips lines silently measures something
else than what was recorded.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO, Final

from udfs.formats.reading import Event, FormatError, Lazily, Reading, file_of
from udfs.parsing import LATEST_MS, NO_LIMIT, Refused, TimeLimits, parse

FILE_NAME: Final = "messages.jsonl"
"""The file that is looked for where a folder is given."""

MAX_LINE_BYTES: Final = 1_048_576
"""A line beyond it is an error; a message event is at most 256 KB."""

MAX_DEPTH: Final = 500
"""Of JSON within JSON: what lies deeper can be read, but not written again by every writer."""

TIME_LIMITS: Final = TimeLimits(oldest_accepted_ms=NO_LIMIT, future_ms=0, numeric_strings=True, recorded=False)
"""A file is its owner's: times of any age, and as strings of digits as well, which a live topic takes where its settings say so."""


def read_canonical(path: Path) -> Reading:
    """The events of a file of JSON lines, sorted by `sent_at`; lines of equal time keep their order.

    Lines are read by the same rules as records of a live topic, except that no time is too old and that it may be a string of
    digits; `sent_at` comes out in epoch milliseconds. Ticks and empty lines are left out. Raises FormatError, with file, line and remedy, for a
    line that would become a dead letter.
    """
    file = file_of(path, FILE_NAME)
    times, places, lines = array("q"), array("q"), array("q")
    ticks = 0
    for number, place, line in _lines(file):
        event = _event(file, number, line)
        if event is None:
            ticks += 1
            continue
        times.append(event["sent_at"])
        places.append(place)
        lines.append(number)
    in_order = all(before <= after for before, after in pairwise(times))
    order: Iterable[int] = range(len(times)) if in_order else sorted(range(len(times)), key=times.__getitem__)
    notes = [] if in_order else ["lines were not in the order of time and have been sorted"]
    if ticks:
        notes.append(f"{ticks} ticks left out")

    def events() -> Iterator[Event]:
        with file.open("rb") as stream:
            for index in order:
                if stream.tell() != places[index]:
                    stream.seek(places[index])
                event = _event(file, lines[index], stream.readline())
                if event is None:
                    raise FormatError(f"{file}:{lines[index]}: the file changed while it was read; read it again")
                yield event

    return Reading("canonical", file, Lazily(events), len(times), notes=notes)


def _lines(file: Path) -> Iterator[tuple[int, int, bytes]]:
    """(1-based number, byte offset, bytes) of each line that isn't empty."""
    with file.open("rb") as stream:
        place = 0
        for number, line in enumerate(_bounded(file, stream), 1):
            if line.strip():
                yield number, place, line
            place += len(line)


def _bounded(file: Path, stream: BinaryIO) -> Iterator[bytes]:
    number = 0
    while line := stream.readline(MAX_LINE_BYTES + 1):
        number += 1
        if len(line) > MAX_LINE_BYTES:
            raise FormatError(f"{file}:{number}: longer than {MAX_LINE_BYTES} bytes; write one JSON object a line")
        yield line


def _event(file: Path, number: int, line: bytes) -> Event | None:
    """The event of a line as the job itself would read it; None for a tick."""
    try:
        event = parse(line, LATEST_MS, TIME_LIMITS)
    except Refused as refused:
        raise FormatError(
            f"{file}:{number}: {refused.reason}: {refused.detail}; correct the line or take it out"
        ) from refused
    if line.count(b"[") + line.count(b"{") > MAX_DEPTH and _deeper(event, MAX_DEPTH):
        raise FormatError(f"{file}:{number}: nested more than {MAX_DEPTH} deep; take the field out")
    return event


def _deeper(value: object, depth: int) -> bool:
    """Whether lists and objects are nested deeper than this. Level by level: a call for each could be too many."""
    level = [value]
    while depth and level:
        level = [each for inner in level if isinstance(inner, dict | list) for each in (inner.values() if isinstance(inner, dict) else inner)]
        depth -= 1
    return any(isinstance(inner, dict | list) for inner in level)
