"""Records as broken producers send them, between good ones: for the dead letters and for tests of how they are counted.

Nothing good is lost: a broken record comes in addition, made from the event before it, so the truth about the good
ones stays what it was.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any, Final

import orjson

Event = dict[str, Any]

FUTURE_MS: Final = 48 * 3_600_000
"""How far ahead of its time a record from the future is."""

EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)


def spoil(events: Iterable[Event], rate: float, seed: int) -> Iterator[bytes]:
    """The events as JSON bytes, with broken records among them: of any first n records, floor(n · rate) are broken.

    The defects take turns in an order that the seed shuffles. Raises ValueError unless 0 ≤ rate ≤ 0.5.
    """
    if not 0.0 <= rate <= 0.5:
        raise ValueError(f"rate is {rate}; give the share of broken records, from 0 to 0.5")
    return _spoiled(events, rate, random.Random(f"spoil {seed}"))


def _spoiled(events: Iterable[Event], rate: float, rng: random.Random) -> Iterator[bytes]:
    records = broken = 0
    bag: list[str] = []
    for event in events:
        records += 1
        yield orjson.dumps(event)
        # A rate such as 0.1 · 30 must not fall short of 3 by the rounding of binary fractions.
        while broken < int((records + 1) * rate + 1e-9):
            if not bag:
                bag = list(DEFECTS)
                rng.shuffle(bag)
            records += 1
            broken += 1
            yield DEFECTS[bag.pop()]({**event, "message_id": f"{event['message_id']}-spoiled"})


def _cut_off(event: Event) -> bytes:
    whole = orjson.dumps(event)
    return whole[: len(whole) // 2]


def _without(name: str) -> Callable[[Event], bytes]:
    return lambda event: orjson.dumps({key: value for key, value in event.items() if key != name})


def _without_zone(event: Event) -> bytes:
    when = EPOCH + timedelta(milliseconds=event["sent_at"])
    return orjson.dumps({**event, "sent_at": when.replace(tzinfo=None).isoformat()})


def _in_future(event: Event) -> bytes:
    return orjson.dumps({**event, "sent_at": event["sent_at"] + FUTURE_MS})


DEFECTS: Final[dict[str, Callable[[Event], bytes]]] = {
    "empty": lambda event: b"",
    "cut_off": _cut_off,
    "not_utf8": lambda event: orjson.dumps(event).replace(b'"text":"', b'"text":"\xff\xfe'),
    "no_message_id": _without("message_id"),
    "no_conversation_id": _without("conversation_id"),
    "no_time": _without("sent_at"),
    "time_without_zone": _without_zone,
    "in_future": _in_future,
    "unknown_sender": lambda event: orjson.dumps({**event, "sender": "parrot"}),
}
"""What can be wrong with a record, by name."""
