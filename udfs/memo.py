"""Answers that are kept: the same few names, addresses and short lines come again and again."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Memo(dict[Key, Value]):
    """`memo[key]` is what a function makes of the key; what is known already costs a look into a dict.

    Answers to at most `limit` keys are kept, and when there are more it begins anew: cheaper than to know which was asked for last, for
    what is asked for often is soon there again. kept: whether a key is worth it; a long one is memory, too.
    """

    __slots__ = ("_kept", "_limit", "_make")

    def __init__(self, make: Callable[[Key], Value], limit: int, kept: Callable[[Key], bool] = lambda key: True) -> None:
        self._make = make
        self._limit = limit
        self._kept = kept

    def __missing__(self, key: Key) -> Value:
        value = self._make(key)
        if self._kept(key):
            if len(self) >= self._limit:
                self.clear()
            self[key] = value
        return value
