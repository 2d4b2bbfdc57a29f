"""Ctrl-C at any moment: in order, at once, or before anything has begun."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator

import pytest

from jobs.interruption import SIGNALS, Interruption, note_early_interrupts


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """The handlers of the test run, put back afterwards; none of a run under nohup, which silences one."""
    former = {number: signal.getsignal(number) for number in SIGNALS}
    for number, handler in former.items():
        if handler is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    yield
    for number, handler in former.items():
        signal.signal(number, handler)


def test_an_interrupt_that_something_swallowed_while_modules_were_imported_is_not_lost() -> None:
    note_early_interrupts()
    with contextlib.suppress(KeyboardInterrupt):  # as a destructor or a weak reference's callback does
        signal.raise_signal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), Interruption():
        pytest.fail("it went on as if nobody had pressed a key")
    with Interruption():
        pass  # it is raised once


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_raises_at_once_where_there_is_no_order(number: signal.Signals) -> None:
    with pytest.raises(KeyboardInterrupt), Interruption():
        signal.raise_signal(number)


def test_the_first_signal_asks_an_orderly_part_to_stop_and_the_second_raises() -> None:
    with Interruption() as interruption, interruption.orderly():
        signal.raise_signal(signal.SIGINT)
        assert interruption.stop.is_set()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_a_signal_that_nohup_has_silenced_stays_silent() -> None:
    former = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interruption():
            os.kill(os.getpid(), signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, former)
