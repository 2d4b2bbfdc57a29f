"""The unsettled rows of a conversation, sorted; kept packed until somebody must look at one.

Most messages come in order: they need the place of the last row and are appended behind it. So the rows are one string,
to which what was appended is added when it is packed, and are read only when a message comes out of order or rows settle.
"""

from __future__ import annotations

from bisect import insort
from typing import Any, Final

import orjson

from udfs.events import Row

ORDER_COLUMNS: Final = 5  # the columns of a row that make its place in the order


class Tail:
    """Rows in order. `size` is their number, `last` the order columns of the last one, None if there is none."""

    __slots__ = ("_appended", "_packed", "_rows", "last", "size")

    def __init__(self, size: int = 0, last: list[Any] | None = None, packed: str = "") -> None:
        self.size = size
        self.last = last
        self._packed = packed  # rows as JSON with commas between, but for those appended since
        self._appended: list[Row] = []
        self._rows: list[Row] | None = None  # if not None, all rows, and newer than the others

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tail) and self.pack() == other.pack()

    __hash__ = None  # type: ignore[assignment]

    @property
    def rows(self) -> list[Row]:
        """The rows; to be changed by the methods only."""
        if self._rows is None:
            self._rows = orjson.loads(f"[{self.pack()}]")
        return self._rows

    def append(self, row: Row) -> None:
        """Add a row that sorts behind all others."""
        (self._appended if self._rows is None else self._rows).append(row)
        self.size += 1
        self.last = row[:ORDER_COLUMNS]

    def insert(self, row: Row) -> None:
        """Add a row where it belongs."""
        insort(self.rows, row)
        self._changed()

    def drop(self, count: int) -> None:
        """Remove the first `count` rows."""
        del self.rows[:count]
        self._changed()

    def pack(self) -> str:
        """The rows as JSON with commas between."""
        if self._rows is not None:
            self._packed, self._rows = orjson.dumps(self._rows).decode()[1:-1], None
        elif self._appended:
            appended = orjson.dumps(self._appended).decode()[1:-1]
            self._packed = f"{self._packed},{appended}" if self._packed else appended
            self._appended = []
        return self._packed

    def _changed(self) -> None:
        rows = self.rows
        self._appended = []
        self.size = len(rows)
        self.last = rows[-1][:ORDER_COLUMNS] if rows else None
