"""A small process that ends the services when the program that started them dies without a word.

It reads its standard input, a pipe from the starter: one line of JSON for each process to watch. When the pipe closes, for
whatever reason, SIGKILL included, it ends what still runs. The line "release" means: leave them running and go.
The kernel's own parent-death signal would not do: it fires when the starting *thread* ends, and spares grandchildren.
"""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from jobs.local import processes

GRACE_S = 5.0
EXIT_TIMEOUT_S = 30.0
MAXIMUM_LINE = 10_000
RELEASE = "release"


class Watcher:
    """The starter's side: start it before the first service, close it after the last has ended."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "jobs.local.watcher"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=Path(__file__).resolve().parents[2],
            # Ctrl-C in the terminal is for the starter.
            start_new_session=True,
            text=True,
        )

    def watch(self, child: processes.Child) -> None:
        """End this process too when the starter dies."""
        self._tell(json.dumps({"name": child.name, "pid": child.pid, "born": child.born, "log": str(child.log)}))

    def release(self) -> None:
        """Leave the services running when the starter ends."""
        self._tell(RELEASE)
        self.close()

    def close(self) -> None:
        """Close the pipe and return when the watcher has ended what still runs."""
        if self._process.stdin is not None:
            with suppress(BrokenPipeError):
                self._process.stdin.close()
        self._process.wait(EXIT_TIMEOUT_S)

    def _tell(self, line: str) -> None:
        if self._process.stdin is not None:
            # Without a watcher the services still work and are still ended by an orderly stop.
            with suppress(BrokenPipeError):
                self._process.stdin.write(line + "\n")
                self._process.stdin.flush()


def main() -> None:
    """Read processes from standard input until it closes, then end them."""
    children = []
    while line := sys.stdin.readline(MAXIMUM_LINE):
        if line.strip() == RELEASE:
            return
        entry = json.loads(line)
        children.append(processes.Child(entry["name"], entry["pid"], entry["born"], Path(entry["log"])))
    processes.stop(children, grace_s=GRACE_S)


if __name__ == "__main__":
    main()
