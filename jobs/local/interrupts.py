"""Ctrl-C and TERM held back while a step must not be left half done."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType


class Interrupts:
    """Counts what `without_interruption` holds back; `pressed` is true from the given press on."""

    def __init__(self) -> None:
        self.held: list[int] = []

    def pressed(self, times: int = 1) -> bool:
        """Whether at least `times` interrupts have arrived since the block began."""
        return len(self.held) >= times


@contextlib.contextmanager
def without_interruption() -> Iterator[Interrupts]:
    """Hold Ctrl-C and TERM back until the block ends, then let the first one through.

    Between a process's start and its entry in our list, or halfway through stopping, an interrupt would leave a process
    behind. Only the main thread is ever interrupted, so in others this does nothing.
    """
    interrupts = Interrupts()
    if threading.current_thread() is not threading.main_thread():
        yield interrupts
        return

    def hold(number: int, frame: FrameType | None) -> None:
        interrupts.held.append(number)

    previous = {number: signal.signal(number, hold) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interrupts
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        if interrupts.held:
            signal.raise_signal(interrupts.held[0])
