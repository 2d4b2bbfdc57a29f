"""The guard ends a program that goes on listening, and no other."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from udfs.worker_guard import watch

LISTENING = (
    "import socket, sys, time; server = socket.create_server(('127.0.0.1', 0)); print(server.getsockname()[1], flush=True); "
    "sys.stdin.read(1); server.close(); print('closed', flush=True); time.sleep(600)"
)
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); "


@contextmanager
def listening(program: str = LISTENING) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A process and the port that it listens on, until it reads something."""
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", program], stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, int(process.stdout.readline())
        finally:
            process.kill()


def test_a_program_that_goes_on_listening_is_ended_with_the_reason_on_its_standard_error() -> None:
    with listening() as (process, port):
        assert watch(process.pid, port, grace_s=0.5)
        _, errors = process.communicate(timeout=10)
    assert "Python process of this TaskManager has been dead" in errors
    assert process.poll() is not None


def test_a_program_that_ignores_the_request_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("udfs.worker_guard.EXIT_S", 0.5)
    with listening(DEAF + LISTENING) as (process, port):
        assert watch(process.pid, port, grace_s=0.5)
        process.communicate(timeout=10)
    assert process.returncode == -9


def test_a_program_that_has_closed_its_endpoint_is_left_alone() -> None:
    with listening() as (process, port):
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("!")
        process.stdin.flush()
        assert process.stdout.readline() == "closed\n"
        assert not watch(process.pid, port, grace_s=0.5)
        assert process.poll() is None


def test_a_program_that_has_ended_is_no_reason_to_wait() -> None:
    with listening() as (process, port):
        process.kill()
        process.wait()
        assert not watch(process.pid, port)


def test_the_guard_does_nothing_as_long_as_its_parent_lives() -> None:
    with listening() as (process, port):
        command = [sys.executable, "-m", "udfs.worker_guard", str(process.pid), str(port)]
        with subprocess.Popen(command, stdin=subprocess.PIPE) as guard:
            with pytest.raises(subprocess.TimeoutExpired):
                guard.wait(2)
            assert process.poll() is None
            process.kill()
            process.wait()
            with pytest.raises(subprocess.TimeoutExpired):
                guard.wait(2)  # it still waits for its parent's end, and looks at nothing before
            assert guard.stdin is not None
            guard.stdin.close()
            assert guard.wait(20) == 0
