"""JDDC (JD's dialogue set): real Chinese e-commerce service chats, without any times.

Columns: session_id, user_id, waiter_send (0 customer, 1 agent), is_transfer, is_repeat, sku (in some releases),
content; separated by tabs or commas, with or without a header line. The set says who wrote what in which order but
not when, so the times here are made up, the same ones for the same seed, and the reading says that they are.
is_transfer and is_repeat describe the whole session, not an instant, so no event is made of them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from udfs.formats.reading import MAX_RECORDS, Event, FormatError, Reading, Refusals, by_time, file_of, opened

FILE_NAME: Final = "chat_0.1per.txt"
WITH_SKU: Final = ("session_id", "user_id", "waiter_send", "is_transfer", "is_repeat", "sku", "content")
WITHOUT_SKU: Final = tuple(name for name in WITH_SKU if name != "sku")
FLAGS: Final = ("0", "1")
NO_SKU: Final = ("", "nan", "0")

DEFAULT_START_MS: Final = 1_772_416_800_000
"""2026-03-02T02:00:00Z, a Monday, 10:00 in Shanghai: the instant of the first session where none is given."""

SESSIONS_PER_HOUR: Final = 240.0
TYPING_MEDIAN_S: Final = 12.0  # between two lines of one side
REPLY_MEDIAN_S: Final = 25.0  # from a line to the other side's
SPREAD: Final = 0.6  # sigma of the logarithm of both
LONGEST_GAP_MS: Final = 20 * 60_000  # under the session gap, so that a session of the file stays one session


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    session_id: str
    customer_id: str
    from_agent: bool
    sku: str
    content: str


def read_jddc(path: Path, start_ms: int = DEFAULT_START_MS, seed: int = 1, limit: int = MAX_RECORDS) -> Reading:
    """The lines as canonical events, sorted by made-up times; `path` is the text file or its folder.

    Sessions begin at `start_ms` (epoch ms UTC), SESSIONS_PER_HOUR of them on average; gaps inside a session are
    log-normal. conversation_id: session_id. message_id: the line's number in the file. customer_id: user_id.
    product_id: sku. Lines that can't be used are in `refused`; a file that isn't JDDC raises FormatError.
    """
    file = file_of(path, FILE_NAME)
    refusals = Refusals()
    notes = ["timing is synthetic: the file has no times, so latencies and sessions per hour are made up"]
    sessions: dict[str, list[_Line]] = {}
    for count, line in enumerate(_lines(file, refusals)):
        if count >= limit:
            notes.append(f"reading stopped after {limit} records at line {line.number}")
            break
        sessions.setdefault(line.session_id, []).append(line)
    arrivals = random.Random(f"jddc arrivals {seed}")
    opened_ms = float(start_ms)
    events: list[Event] = []
    for session_id, lines in sessions.items():
        events += _timed(lines, int(opened_ms), random.Random(f"jddc session {seed} {session_id}"))
        opened_ms += arrivals.expovariate(SESSIONS_PER_HOUR) * 3_600_000
    events.sort(key=by_time)
    return Reading("jddc", file, events, len(events), refusals, notes, synthetic_timing=True)


def layout_of(line: str) -> tuple[str, tuple[str, ...]] | None:
    """(separator, columns) if the first line of a file looks like JDDC, with or without a header; else None."""
    for separator in ("\t", ","):
        for columns in (WITH_SKU, WITHOUT_SKU):
            cells = line.rstrip("\r\n").split(separator, len(columns) - 1)
            if tuple(cells) == columns:
                return separator, columns
    for separator in ("\t", ","):
        for columns in (WITH_SKU, WITHOUT_SKU):
            cells = line.rstrip("\r\n").split(separator, len(columns) - 1)
            flags_fit = len(cells) == len(columns) and all(cell in FLAGS for cell in cells[2:5])
            # Without a sku its place is taken by the content, which starts like a sku only by accident.
            if flags_fit and (columns is WITHOUT_SKU or _is_sku(cells[5])):
                return separator, columns
    return None


def _is_sku(cell: str) -> bool:
    return cell in NO_SKU or cell.removesuffix(".0").isdigit()


def _lines(file: Path, refusals: Refusals) -> Iterator[_Line]:
    with opened(file, newline="\n") as stream:
        first = stream.readline()
        layout = layout_of(first)
        if layout is None:
            raise FormatError(f"{file}:1: not a line of JDDC; expected the columns {', '.join(WITH_SKU)}")
        separator, columns = layout
        stream.seek(0)
        for number, text in enumerate(stream, 1):
            cells = text.rstrip("\r\n").split(separator, len(columns) - 1)
            if number == 1 and tuple(cells) == columns:
                continue
            if len(cells) < len(columns):
                refusals.add(number, f"{len(cells)} columns instead of {len(columns)}")
                continue
            row = dict(zip(columns, cells, strict=True))
            if not row["session_id"]:
                refusals.add(number, "no session_id")
            elif row["waiter_send"] not in FLAGS:
                refusals.add(number, "waiter_send is neither 0 nor 1")
            else:
                sku = row.get("sku", "").removesuffix(".0")
                from_agent = row["waiter_send"] == "1"
                yield _Line(number, row["session_id"], row["user_id"], from_agent, sku, row["content"])


def _timed(lines: list[_Line], opened_ms: int, rng: random.Random) -> Iterator[Event]:
    sent_at = opened_ms
    for index, line in enumerate(lines):
        if index:
            same_side = line.from_agent == lines[index - 1].from_agent
            median = TYPING_MEDIAN_S if same_side else REPLY_MEDIAN_S
            gap_ms = int(median * rng.lognormvariate(0.0, SPREAD) * 1_000)
            sent_at += min(max(gap_ms, 1), LONGEST_GAP_MS)
        event: Event = {
            "tenant": "default",
            "source": "jddc",
            "message_id": str(line.number),
            "conversation_id": line.session_id,
            "sent_at": sent_at,
            "sender": "agent" if line.from_agent else "customer",
            "text": line.content,
            "kind": "message",
            "visibility": "public",
            "lang": "zh",
        }
        if line.customer_id:
            event["customer_id"] = line.customer_id
        if line.sku not in NO_SKU:
            event["product_id"] = line.sku
        yield event
