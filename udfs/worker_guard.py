"""A small process that ends a TaskManager which does not notice that its Python process is dead.

Beam's side of PyFlink's process mode waits without end in two places for a process that has been killed: for the data of a
bundle whose answer has come by the other connection (`BeamFnDataInboundObserver.awaitCompletion`), and for a connection
that will never be ready again (`DirectStreamObserver.onNext`, by a lock that no cancellation breaks). The task then stands
still, RUNNING and without a failure. It is seldom: the process must die within a fraction of a millisecond of a batch's end.

The guard is a child of the Python process and reads its standard input until that process is gone. A TaskManager that
notices closes the endpoints of its process within a second, the one for provisioning last. One that still listens there
after `GRACE_S` is told to end: the job then goes on in another TaskManager, or when something has restarted this one.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

import psutil

GRACE_S: Final = 30.0
"""From the end of the Python process; a pause of the JVM's garbage collector must fit into it."""

EXIT_S: Final = 15.0
"""Flink halts the JVM itself when its goodbyes take more than 5 s."""

POLL_S: Final = 0.5
OPTION: Final = "--provision_endpoint="

_guards: list[subprocess.Popen[bytes]] = []


def guard_task_manager() -> None:
    """Start the guard of this Python process, once; nothing where no TaskManager of its own has started the process."""
    ports = [argument.rpartition(":")[2] for argument in sys.argv if argument.startswith(OPTION)]
    managers = [process for process in psutil.Process().parents() if process.name() == "java"]
    if ports and managers and not _guards:
        command = [sys.executable, "-m", __name__, str(managers[0].pid), ports[0]]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        # Beam waits for all that hold its process's output; our own end of the pipe closes with this process.
        null = subprocess.DEVNULL
        _guards.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=null, stderr=null, env=environment))


def watch(pid: int, port: int, grace_s: float = GRACE_S) -> bool:
    """Wait until process `pid` no longer listens on `port`; end it if it still does after `grace_s`. Whether it was ended."""
    deadline = time.monotonic() + grace_s
    with suppress(psutil.NoSuchProcess):
        manager = psutil.Process(pid)
        while _listens(manager, port):
            if time.monotonic() > deadline:
                _end(manager, grace_s)
                return True
            time.sleep(POLL_S)
    return False


def main(arguments: Sequence[str]) -> None:
    """Read standard input until it closes, then watch: the pid of the TaskManager, the port of its provisioning endpoint."""
    pid, port = map(int, arguments)
    sys.stdin.buffer.read()
    watch(pid, port)


def _listens(process: psutil.Process, port: int) -> bool:
    connections = process.net_connections(kind="tcp")
    return any(each.laddr.port == port for each in connections if each.status == psutil.CONN_LISTEN)


def _end(manager: psutil.Process, grace_s: float) -> None:
    reason = (
        f"replywatch: the Python process of this TaskManager has been dead for {grace_s:.0f} s, and the TaskManager has not "
        "noticed: it is ended, so that the job goes on in another one. Why the process died: the kernel's log (memory?).\n"
    )
    # To whoever keeps the TaskManager's errors, where the system shows us its standard error. Ending it must not wait for a reader.
    with suppress(OSError):
        errors = os.open(f"/proc/{manager.pid}/fd/2", os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK)
        try:
            os.write(errors, reason.encode())
        finally:
            os.close(errors)
    manager.terminate()
    try:
        manager.wait(EXIT_S)
    except psutil.TimeoutExpired:
        manager.kill()


if __name__ == "__main__":
    main(sys.argv[1:])
