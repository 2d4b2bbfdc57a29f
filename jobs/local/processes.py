"""Child processes that are known by pid and birth time, each at the head of its own process group.

A pid alone is no identity: after the process ends the number goes to somebody else. So every signal is sent only after the
birth time still fits, and it goes to the whole group: what a server has started goes with it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from jobs.local.birth import birth
from jobs.local.interrupts import without_interruption

GRACE_S = 20.0
KILL_WAIT_S = 10.0
POLL_S = 0.1
LOG_LINES = 25
LOG_TAIL_BYTES = 32_768
BIRTH_TOLERANCE_S = 0.001
NEVER_BORN, EARLIER_BOOT = -1.0, -2.0
# Becomes the program, under the same pid, when a line comes; ends when the pipe closes without one.
GATE = ["/bin/sh", "-c", 'read -r line && exec "$@" </dev/null', "gate"]

# Our own children, so that the dead ones are collected.
_own: dict[int, subprocess.Popen[bytes]] = {}


class ProcessError(RuntimeError):
    """A process died or was not ready in time; the message ends with the last lines of its log."""


@dataclass(frozen=True, slots=True)
class Child:
    """A process that was started here: its name, pid (= process group), birth (see `jobs.local.birth`) and log file."""

    name: str
    pid: int
    born: float
    log: Path

    def is_alive(self) -> bool:
        """Whether this very process still runs (a zombie, or another process with its pid, does not count)."""
        return _living(self.pid, self.born) is not None

    def memory_bytes(self) -> int:
        """Resident memory of the process and its descendants; 0 if it is gone."""
        process = _living(self.pid, self.born)
        if process is None:
            return 0
        total = 0
        for member in [process, *process.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                total += member.memory_info().rss
        return total

    def log_tail(self, lines: int = LOG_LINES) -> str:
        """The last lines of the log, empty if there is none."""
        if not self.log.is_file():
            return ""
        with self.log.open("rb") as file:
            file.seek(max(0, self.log.stat().st_size - LOG_TAIL_BYTES))
            return "\n".join(file.read().decode("utf-8", "replace").splitlines()[-lines:])


def start(
    name: str,
    command: Sequence[str | Path],
    *,
    log: Path,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
    tell: Callable[[Child], None] | None = None,
) -> Child:
    """Start `command` in a session of its own, standard output and error into `log` (overwritten), without input.

    `tell` hears of the process before the program begins in it, and the program begins only if `tell` returns: whoever must
    end it knows of it, even if we are killed in between. Raises ProcessError if the program can't be started; with `tell`,
    the log says so instead.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    program = [str(part) for part in command]
    with log.open("wb") as output:
        try:
            process = subprocess.Popen(
                program if tell is None else [*GATE, *program],
                stdin=subprocess.DEVNULL if tell is None else subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=None if environment is None else dict(environment),
                cwd=directory,
                start_new_session=True,
            )
        except OSError as error:
            raise ProcessError(f"{name}: can't start {command[0]}: {error}") from error
    _own[process.pid] = process
    try:
        born = birth(process.pid)
    except psutil.NoSuchProcess:  # it has ended, and was collected
        born = NEVER_BORN
    child = Child(name, process.pid, born, log)
    if tell is not None and process.stdin is not None:
        with process.stdin as gate:
            tell(child)
            # Who was ended while we told of it needs no line.
            with contextlib.suppress(BrokenPipeError):
                os.write(gate.fileno(), b"begin\n")
    return child


class Children(list[Child]):
    """The processes of one service. `tell` hears of each before its program begins, see `start`."""

    def __init__(self) -> None:
        super().__init__()
        self.tell: Callable[[Child], None] = lambda child: None

    def start(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        log: Path,
        environment: Mapping[str, str] | None = None,
        directory: Path | None = None,
    ) -> Child:
        """Start one more, as `processes.start` does; it is in the list before its program begins."""

        def tell(child: Child) -> None:
            self.append(child)
            self.tell(child)

        with without_interruption():
            return start(name, command, log=log, environment=environment, directory=directory, tell=tell)


def wait_until(ready: Callable[[], bool], *, what: str, children: Sequence[Child], timeout_s: float) -> None:
    """Poll `ready` until it is true.

    Raises ProcessError, with the end of the log, as soon as one of `children` has died, or after `timeout_s` seconds.
    """
    deadline = time.monotonic() + timeout_s
    while not ready():
        for child in children:
            if not child.is_alive():
                raise ProcessError(f"{child.name} ended before {what} was ready.\n{_quoted(child)}")
        if time.monotonic() > deadline:
            logs = "\n".join(_quoted(child) for child in children)
            raise ProcessError(f"{what} was not ready after {timeout_s:.0f} s.\n{logs}")
        time.sleep(POLL_S)


def wait_for_end(child: Child, timeout_s: float) -> bool:
    """Return true when the process has ended by itself, false after `timeout_s` seconds."""
    deadline = time.monotonic() + timeout_s
    while child.is_alive():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


def stop(children: Sequence[Child], *, grace_s: float = GRACE_S, hurry: Callable[[], bool] = lambda: False) -> None:
    """End the groups of `children` together: TERM, and KILL what is left after `grace_s` or as soon as `hurry()`.

    Safe to call twice and for processes that are long gone. Raises ProcessError if something survives even KILL.
    """
    for child in children:
        _signal_group(child, signal.SIGTERM)
    deadline = time.monotonic() + grace_s
    while any(_group_lives(child) for child in children) and time.monotonic() < deadline and not hurry():
        time.sleep(POLL_S)
    for child in children:
        _signal_group(child, signal.SIGKILL)
    deadline = time.monotonic() + KILL_WAIT_S
    while survivors := [child for child in children if _group_lives(child)]:
        if time.monotonic() > deadline:
            names = ", ".join(f"{child.name} (pid {child.pid})" for child in survivors)
            raise ProcessError(f"still running after KILL: {names}. They may hang in the kernel: end them by hand.")
        time.sleep(POLL_S)


def kill(child: Child) -> None:
    """End a process and its group at once, as a crash would. Returns when it is gone."""
    stop([child], grace_s=0)


def _living(pid: int, born: float) -> psutil.Process | None:
    try:
        process = psutil.Process(pid)
        if abs(birth(pid) - born) > BIRTH_TOLERANCE_S or process.status() == psutil.STATUS_ZOMBIE:
            return None
    except psutil.NoSuchProcess:
        return None
    return process


def _group_lives(child: Child) -> bool:
    own = _own.get(child.pid)
    if own is not None and own.poll() is not None:
        del _own[child.pid]
    return bool(_members(child))


def _members(child: Child) -> list[int]:
    """The living processes of the child's group; none if its pid now belongs to somebody else."""
    if child.born == EARLIER_BOOT:
        return []
    try:
        if abs(birth(child.pid) - child.born) > BIRTH_TOLERANCE_S:
            return []
    except psutil.NoSuchProcess:
        # The kernel gives no new process a pid that a living group still carries, so who is in it is ours.
        pass
    members = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError, PermissionError):
            if os.getpgid(process.pid) == child.pid and process.status() != psutil.STATUS_ZOMBIE:
                members.append(process.pid)
    return members


def _signal_group(child: Child, number: signal.Signals) -> None:
    if _members(child):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, number)


def _quoted(child: Child) -> str:
    return f"--- {child.name}, end of {child.log}:\n{child.log_tail() or '(empty)'}"
