"""Answers that are kept: the same few names, addresses and short lines come again and again."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Memo(Generic[Key, Value]):
    """A function that keeps its answers to at most `limit` keys, and begins anew when there are more: cheaper than to know which was asked
    for last, for what is asked for often is soon there again. kept: whether a key is worth it; a long one is memory, too."""

    __slots__ = ("_kept", "_known", "_limit", "_make")

    def __init__(self, make: Callable[[Key], Value], limit: int, kept: Callable[[Key], bool] = lambda key: True) -> None:
        self._make = make
        self._limit = limit
        self._kept = kept
        self._known: dict[Key, Value] = {}

    def __call__(self, key: Key) -> Value:
        known = self._known.get(key)
        if known is None:
            known = self._make(key)
            if self._kept(key):
                if len(self._known) >= self._limit:
                    self._known.clear()
                self._known[key] = known
        return known
