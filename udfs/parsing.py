"""From a record's bytes to an event or a dead letter, for any bytes whatever.

Bad input is data, not an exception. What can be repaired is repaired: dropping a customer's line would drop its wait.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import Any, Final

import orjson

from udfs.events import Kind, Rank
from udfs.loose_values import dated, told, truth, word
from udfs.text import repair

MAX_RECORD_BYTES: Final = 256 * 1024
MAX_TEXT: Final = 20_000
MAX_ID: Final = 200
EARLIEST_MS: Final = 946_684_800_000  # 2000-01-01: before it lie seconds taken for milliseconds
SENDERS: Final = frozenset(rank.name.lower() for rank in Rank)
KINDS: Final = frozenset(kind.name.lower() for kind in Kind)
PUBLIC: Final = frozenset(("public", "external", "false", "0", "none", "null", ""))
INTERNAL: Final = frozenset(("internal", "private", "note", "true", "1"))
NO_LIMIT: Final = -1
OPTIONAL_IDS: Final = ("tenant", "source")
IDS: Final = ("message_id", "conversation_id", *OPTIONAL_IDS)

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s*([Zz]|UTC|GMT|[+-]\d\d(?::?\d\d)?)?", re.ASCII
)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_NUMBER = re.compile(r"\d{13}", re.ASCII)


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """How far `sent_at` may be from the record's own time, ms. `oldest_accepted_ms` NO_LIMIT: any age."""

    oldest_accepted_ms: int = 8 * 3_600_000
    future_ms: int = 5 * 60_000
    numeric_strings: bool = False  # accept epoch milliseconds written as a string of 13 digits
    recorded: bool = True  # there is a record, and its time is known; a line of a file has none


class Refused(Exception):
    """A record that is no event; `reason` is one of the dead letters' names."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


def parse(raw: bytes | None, record_ms: int, limits: TimeLimits) -> dict[str, Any] | None:
    """The fields of a canonical event, checked and repaired; None for a clock tick.

    `tenant source message_id conversation_id sent_at sender kind text` are always there and valid; other fields are as
    sent. An edit's `sent_at` is when it was edited, and a deletion's when it was deleted: many platforms send the first version's date
    along. `record_ms` is the Kafka record's time. Raises Refused, and nothing else, for anything bad.
    """
    event = _decode(raw)
    get = event.get
    kind = get("kind")
    if kind is None or kind == "":
        kind = event["kind"] = "message"
    if kind == "tick":
        return None
    if kind.__class__ is not str or kind not in KINDS:
        raise Refused("unknown_kind", f"kind must be one of {', '.join(sorted(KINDS))}")
    if kind == "message" and ("edited_at" in event or "deleted" in event):
        if _truth(event, "deleted"):
            kind = event["kind"] = "delete"
        elif dated(get("edited_at")):
            kind = event["kind"] = "edit"
    for name in IDS:
        value = get(name)
        if value.__class__ is not str or not 0 < len(value) <= MAX_ID or not value.isprintable():
            absent = value is None or value == ""
            event[name] = "default" if absent and name in OPTIONAL_IDS else _id(value, name)
    changed_at = None
    if kind == "delete":
        changed_at = _deleted_at(event, record_ms, limits)
    elif kind == "edit":
        changed_at = _readable(get("edited_at"), record_ms, limits)
    if kind == "edit" or "edited_at" in event:
        event["edited_at"] = changed_at
    sent_at = get("sent_at") if changed_at is None else changed_at
    oldest = limits.oldest_accepted_ms
    if (
        sent_at.__class__ is not int
        or not EARLIEST_MS <= sent_at <= record_ms + limits.future_ms
        or sent_at >= LATEST_MS
        or (oldest != NO_LIMIT and sent_at < record_ms - oldest)
    ):
        sent_at = _sent_at(sent_at, record_ms, limits)
    event["sent_at"] = sent_at
    sender = get("sender")
    if sender.__class__ is not str or sender not in SENDERS:
        if (sender is None or sender == "") and kind != "message":
            event["sender"] = "system"
        else:
            raise Refused("unknown_sender", f"sender must be one of {', '.join(sorted(SENDERS))}")
    if "automated" in event:  # on anybody else's line it says nothing
        event["automated"] = sender == "agent" and _truth(event, "automated")
    visibility = get("visibility")
    if visibility is not None and visibility != "public":
        event["visibility"] = _visibility(visibility)
    text = get("text")
    if text.__class__ is not str:
        text = "" if text is None else text if isinstance(text, str) else _as_text(text)
    if len(text) > MAX_TEXT:
        raise Refused("too_long", f"text has {len(text)} characters, the limit is {MAX_TEXT}")
    event["text"] = text if text.isprintable() else repair(text)
    return event


def parse_time(value: str) -> int:
    """Epoch ms of an ISO-8601 time with zone; fractions of up to nine digits are cut to ms. Raises Refused."""
    match = _ISO.fullmatch(value.strip())
    if match is None:
        if _DATE.fullmatch(value.strip()):
            raise Refused("time_without_zone", "sent_at is a date; add the time and the zone, for example T10:00:00Z")
        raise Refused("bad_time", "sent_at must be epoch milliseconds or ISO-8601 with a zone")
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    if zone is None:
        raise Refused("time_without_zone", "sent_at has no zone; add Z or an offset such as +08:00")
    offset = 0
    if zone[0] in "+-":
        hours, minutes = int(zone[1:3]), int(zone[3:].lstrip(":") or 0)  # PostgreSQL writes +08
        if hours > 14 or minutes > 59:
            raise Refused("bad_time", "sent_at has an offset that no place on earth uses")
        offset = (hours * 60 + minutes) * (1 if zone[0] == "+" else -1)
    try:
        moment = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second or 0), tzinfo=timezone.utc)
    except ValueError as error:
        raise Refused("bad_time", f"sent_at is no time: {error}") from error
    whole = (moment - _EPOCH) // timedelta(milliseconds=1)
    return whole - offset * 60_000 + int(((fraction or "") + "000")[:3])


LATEST_MS: Final = 4_102_444_800_000
"""2100-01-01: a time beyond it is microseconds taken for milliseconds, whatever the record's own time is."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)


def _decode(raw: bytes | None) -> dict[str, Any]:
    if not raw:
        raise Refused("empty_value", "the record has no value")
    if len(raw) > MAX_RECORD_BYTES:
        raise Refused("too_long", f"the record has {len(raw)} bytes, the limit is {MAX_RECORD_BYTES}")
    try:
        event = orjson.loads(raw)
    except orjson.JSONDecodeError:
        event = _decode_leniently(raw)
    if event.__class__ is not dict:
        raise Refused("not_json", "the record is JSON, but no object")
    return event


def _decode_leniently(raw: bytes) -> Any:
    """JSON that the strict parser refuses but that can be repaired: BOM, control characters, lone surrogates."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused("not_utf8", f"{error.reason} at byte {error.start}") from error
    text = text.strip("\x00\ufeff \t\r\n")
    if not text:
        raise Refused("empty_value", "the record holds only white space")
    try:
        return json.loads(text, strict=False, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Refused("not_json", f"the record is no JSON: {type(error).__name__}") from error


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _id(value: Any, name: str) -> str:
    if value.__class__ is str:
        if 0 < len(value) <= MAX_ID and (value.isprintable() or not _CONTROL.search(value)):
            return value
        raise Refused("bad_id", f"{name} must have 1 to {MAX_ID} characters, none of them a control character")
    if value.__class__ is int and -(2**63) <= value < 2**63:
        return str(value)
    raise Refused("bad_id", f"{name} must be a string or a 64-bit integer")


def _sent_at(value: Any, record_ms: int, limits: TimeLimits) -> int:
    if value.__class__ is int:
        sent_at: int = value
    elif value is None or value == "":
        raise Refused("no_time", "sent_at is missing")
    elif value.__class__ is str:
        text = value.strip()
        sent_at = int(text) if limits.numeric_strings and _NUMBER.fullmatch(text) else parse_time(text)
    else:
        raise Refused("bad_time", "sent_at must be an integer of epoch milliseconds or ISO-8601 with a zone")
    if not -LATEST_MS < sent_at < LATEST_MS:  # a number of thousands of digits can't even be printed
        raise Refused("time_in_future" if sent_at > 0 else "time_implausible", "sent_at is not between 2000 and 2100: is it in milliseconds?")
    if sent_at > record_ms + limits.future_ms:
        raise Refused("time_in_future", f"sent_at is {sent_at - record_ms} ms after the record's own time")
    oldest = limits.oldest_accepted_ms
    if sent_at < EARLIEST_MS or (oldest != NO_LIMIT and sent_at < record_ms - oldest):
        raise Refused("time_implausible", f"sent_at is {record_ms - sent_at} ms before the record's own time")
    return sent_at


def _readable(value: Any, record_ms: int, limits: TimeLimits) -> int | None:
    """When it was edited or deleted; None if that can't be read: a hit in an edit counts, whatever its clock says."""
    try:
        return _sent_at(value, record_ms, limits)
    except Refused:
        return None


def _deleted_at(event: dict[str, Any], record_ms: int, limits: TimeLimits) -> int | None:
    """When it was deleted. Where it doesn't say so, the record is no older than that, and its date may be the message's, by which it would be late."""
    for name in ("deleted_at", "edited_at"):
        if (told_at := _readable(event.get(name), record_ms, limits)) is not None:
            return told_at
    if not limits.recorded:
        return None
    return max(record_ms, _sent_at(event.get("sent_at"), record_ms, replace(limits, oldest_accepted_ms=NO_LIMIT)))


def _truth(event: dict[str, Any], name: str) -> bool:
    """What a field says that is either true or false. A word that nobody knows must not be taken for its opposite."""
    value = truth(event.get(name))
    if value is None:
        raise Refused(f"unknown_{name}", f"{name} must be true or false")
    return value


def _visibility(value: Any) -> str:
    """`public` or `internal`. A word for it that nobody knows must not make a customer's line a note that nothing looks at."""
    written = word(value)
    if written in PUBLIC or not told(value):
        return "public"
    if written in INTERNAL:
        return "internal"
    raise Refused("unknown_visibility", "visibility must be public or internal")


def _as_text(value: Any) -> str:
    """Text that came as another JSON value is kept readable: the customer did say something."""
    if isinstance(value, int | float):
        return str(value)
    try:
        return orjson.dumps(value).decode()
    except (TypeError, ValueError, RecursionError):
        return "\ufffd"
