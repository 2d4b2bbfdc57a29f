"""Ctrl-C, TERM and HUP as a program with children must take them: in order where there is an order, at once elsewhere."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_early = threading.Event()


def note_early_interrupts() -> None:
    """From now on a Ctrl-C before `Interruption` is entered is not lost, whoever swallows its KeyboardInterrupt.

    While modules are imported, the exception may be raised in a destructor or a weak reference's callback; Python prints
    nothing or "Exception ignored", and the program would go on as if nobody had pressed a key.
    """
    signal.signal(signal.SIGINT, _note)


def _note(number: int, frame: FrameType | None) -> None:
    _early.set()
    raise KeyboardInterrupt


class Interruption:
    """While it is entered, a signal raises KeyboardInterrupt in the main thread, so that `finally` blocks do their work.

    Within `orderly()` the first signal only sets `stop`: what runs comes to its end by itself; the second one raises.
    """

    def __init__(self) -> None:
        self.stop = threading.Event()
        self._orderly = False
        self._asked = False
        self._former: dict[int, Any] = {}

    def __enter__(self) -> Interruption:
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:  # by nohup, say
                self._former[number] = signal.signal(number, self._handle)
        if _early.is_set():
            _early.clear()
            raise KeyboardInterrupt
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)

    @contextlib.contextmanager
    def orderly(self) -> Iterator[None]:
        """A part of the program that looks at `stop` and ends by itself."""
        self._orderly = True
        try:
            yield
        finally:
            self._orderly = False

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._orderly and not self._asked:
            self._asked = True
            self.stop.set()
            return
        raise KeyboardInterrupt
