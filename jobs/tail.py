"""Alerts as they arrive, through Redis: what was said while nobody listened first, then live.

The stream is the record; pub/sub forgets. Reading the stream from its last id, the reader loses nothing when the
connection breaks, and says so where the stream was trimmed past it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import orjson
import redis

from jobs.settings import Settings


class AlertStream:
    """Reads the stream `alerts`. `position` is the id that was read last."""

    def __init__(self, settings: Settings, position: str = "$") -> None:
        self._client = redis.Redis.from_url(
            settings.redis.url.get_secret_value(),
            socket_timeout=settings.redis.timeout_seconds + 5,
            socket_connect_timeout=settings.redis.timeout_seconds,
        )
        self._name = settings.redis_name("alerts")
        self.position = position
        if position == "$":
            last = self._client.xrevrange(self._name, count=1)
            self.position = last[0][0].decode() if last else "0-0"

    def read(self, wait_ms: int | None = None, count: int = 1_000) -> list[dict[str, Any]]:
        """The alerts after `position`; with `wait_ms` waits for the first so long."""
        answer = self._client.xread({self._name: self.position}, count=count, block=wait_ms)
        found = []
        for _, entries in answer or []:
            for entry_id, fields in entries:
                self.position = entry_id.decode()
                found.append(orjson.loads(fields[b"alert"]))
        return found

    def follow(self, stop: Callable[[], bool] = lambda: False) -> Iterator[dict[str, Any]]:
        """Alerts without end, until `stop()`."""
        while not stop():
            yield from self.read(wait_ms=500)


def line(alert: dict[str, Any]) -> str:
    """An alert as a line for people."""
    clock = alert["event_time"][11:19]
    mark = {"critical": "!!", "error": "! ", "warning": "· ", "info": "  "}[alert["severity"]]
    sign = mark if alert["status"] == "firing" else "ok"
    return f"{clock}Z {sign} {alert['severity']:<8} {alert['rule']:<16} {alert['summary']}"
