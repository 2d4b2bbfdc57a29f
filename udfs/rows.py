"""The records of a conversation's state as rows: what is kept of a record is the list of its fields' values, in their order.

A field may be added at the end, with a default for the states that have none; none may move or go without a new version.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from functools import cache
from operator import attrgetter
from typing import Any

import orjson


def dumps(value: Any) -> bytes:
    """A value as JSON, each dataclass in it as its row. orjson.JSONEncodeError for what is neither."""
    return orjson.dumps(value, default=_row, option=orjson.OPT_PASSTHROUGH_DATACLASS)


def _row(record: Any) -> Any:
    kind: Any = type(record)
    return _values(kind)(record)


@cache
def _values(kind: Any) -> Callable[[Any], Any]:
    return attrgetter(*(field.name for field in fields(kind)))
