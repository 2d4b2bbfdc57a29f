"""Customer Support on Twitter (twcs.csv): real conversations of companies with their customers, with real times.

Columns: tweet_id, author_id, inbound, created_at, text, response_tweet_id, in_response_to_tweet_id; excerpts of the
set often carry the row's number in a nameless first column. A thread is a tree of replies, and its root names the
conversation. The file is not in the order of time, and a reply may stand before what it answers, so it is read whole.
"""

from __future__ import annotations

import csv
import html
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from udfs.formats.reading import MAX_RECORDS, Event, FormatError, Reading, Refusals, by_time, file_of, opened

FILE_NAME: Final = "twcs.csv"
COLUMNS: Final = frozenset(("tweet_id", "author_id", "inbound", "created_at", "text", "in_response_to_tweet_id"))
NEEDED: Final = COLUMNS - {"in_response_to_tweet_id"}
"""A tweet whose record breaks off behind its text is still a tweet; it starts a thread."""

MONTHS: Final = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1
    )
}
INBOUND: Final = {"True": True, "true": True, "1": True, "False": False, "false": False, "0": False}


def read_twcs(path: Path, limit: int = MAX_RECORDS) -> Reading:
    """The tweets as canonical events, sorted by time; `path` is the csv file or its folder.

    conversation_id: the thread's root (a parent that is missing from the file still counts as root, so that its
    replies stay together). sender: `customer` where inbound. agent_id and shop: the company's account; shop is the
    first company to speak in the thread, absent where none did. customer_id: the author, on the company's tweets the
    thread's first customer. Records that can't be used are in `refused`; a file without the columns raises FormatError.
    """
    file = file_of(path, FILE_NAME)
    refusals = Refusals()
    notes: list[str] = []
    events: list[Event] = []
    parents: dict[str, str] = {}
    for line, row in _rows(file, refusals):
        if len(events) >= limit:
            notes.append(f"reading stopped after {limit} records at line {line}")
            break
        event = _event(row)
        if isinstance(event, str):
            refusals.add(line, event)
        elif event["message_id"] in parents:
            refusals.add(line, "tweet_id stands twice in the file")
        else:
            parents[event["message_id"]] = event.get("reply_to", "")
            events.append(event)
    events.sort(key=by_time)
    _place_in_threads(events, parents)
    return Reading("twcs", file, events, len(events), refusals, notes)


def _rows(file: Path, refusals: Refusals) -> Iterator[tuple[int, dict[str, str]]]:
    with opened(file, newline="") as stream:
        reader = csv.DictReader(text.replace("\0", "") for text in stream)
        missing = COLUMNS - set(reader.fieldnames or ())
        if missing:
            raise FormatError(f"{file}:1: no column {', '.join(sorted(missing))}; the header of twcs.csv names them")
        while True:
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                refusals.add(reader.line_num, f"not csv: {error}")
                continue
            yield reader.line_num, row


def _event(row: dict[str, str]) -> Event | str:
    """The record as an event that doesn't know its thread yet, or the reason why it can't be used."""
    if any(row[name] is None for name in NEEDED):
        return "fewer columns than the header: the record is cut off"
    tweet_id = _whole(row["tweet_id"])
    author = row["author_id"]
    inbound = INBOUND.get(row["inbound"])
    if not tweet_id:
        return "tweet_id is not a number"
    if not author:
        return "no author_id"
    if inbound is None:
        return "inbound is neither True nor False"
    sent_at = _instant(row["created_at"])
    if sent_at is None:
        return "created_at is not a time like 'Tue Oct 31 22:10:47 +0000 2017'"
    event: Event = {
        "tenant": "default",
        "source": "twcs",
        "message_id": tweet_id,
        "conversation_id": tweet_id,
        "sent_at": sent_at,
        "sender": "customer" if inbound else "agent",
        "text": html.unescape(row["text"]),  # the set holds & as &amp;, as the service delivered it
        "kind": "message",
        "visibility": "public",
        "channel": "twitter",
    }
    event["customer_id" if inbound else "agent_id"] = author
    if parent := _whole(row["in_response_to_tweet_id"] or ""):
        event["reply_to"] = parent
    return event


def _whole(cell: str) -> str:
    """A tweet's number without the ".0" that a column with gaps gets from a table tool; "" if it is none."""
    number = cell.strip().removesuffix(".0")
    return number if number.isascii() and number.isdigit() else ""


def _instant(created_at: str) -> int | None:
    """Epoch milliseconds. Taken apart by hand: strptime needs 10 µs and follows the locale's names of months."""
    parts = created_at.split()
    if len(parts) != 6 or parts[1] not in MONTHS:
        return None
    _, month, day, clock, zone, year = parts
    if len(zone) != 5:
        return None
    try:
        when = datetime.fromisoformat(f"{year}-{MONTHS[month]:02d}-{day:0>2}T{clock}{zone[:3]}:{zone[3:]}")
    except ValueError:
        return None
    return int(when.timestamp()) * 1_000 if when.tzinfo is not None else None


def _place_in_threads(events: list[Event], parents: dict[str, str]) -> None:
    """Fill conversation_id, shop and customer_id; `events` are in the order of time."""
    roots: dict[str, str] = {}
    companies: dict[str, str] = {}
    customers: dict[str, str] = {}
    for event in events:
        root = _root(event["message_id"], parents, roots)
        event["conversation_id"] = root
        if event["sender"] == "agent":
            companies.setdefault(root, event["agent_id"])
        else:
            customers.setdefault(root, event["customer_id"])
    for event in events:
        root = event["conversation_id"]
        if root in companies:
            event["shop"] = companies[root]
        if event["sender"] == "agent" and root in customers:
            event["customer_id"] = customers[root]


def _root(tweet_id: str, parents: dict[str, str], roots: dict[str, str]) -> str:
    """The first tweet of the thread; a circle of replies, which only a broken file has, ends at its smallest id."""
    path: list[str] = []
    walked: set[str] = set()
    at = tweet_id
    while at not in roots and at not in walked and parents.get(at):
        path.append(at)
        walked.add(at)
        at = parents[at]
    if at in roots:
        root = roots[at]
    elif at in walked:
        root = min(path[path.index(at) :])
    else:
        root = at
    for step in path:
        roots[step] = root
    return root
