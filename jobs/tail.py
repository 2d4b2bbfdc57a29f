"""Alerts as they arrive, through Redis: what was said while nobody listened first, then live.

The stream is the record; pub/sub forgets. Reading the stream from its last id, the reader loses nothing when the
connection breaks for less time than the stream goes back (`redis.stream_max_length`).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timezone, tzinfo
from typing import Any

import orjson
import redis
from rich.text import Text

from jobs.redis_alerts import redis_url
from jobs.settings import Settings

LOG = logging.getLogger(__name__)
STYLES = {"critical": "bold red", "error": "red", "warning": "yellow", "info": "cyan", "resolved": "green"}
SHOWN = {"alert_id", "event_time", "status", "severity", "summary"}
BEFORE_ALL = "0-0"
WAIT_MS = 500
RETRY_S = 1.0


class AlertStream:
    """Reads the stream `alerts`. `position` is the id that was read last."""

    def __init__(self, settings: Settings, position: str = "$") -> None:
        self._client = redis.Redis.from_url(
            redis_url(settings),
            socket_timeout=settings.redis.timeout_seconds + 5,
            socket_connect_timeout=settings.redis.timeout_seconds,
        )
        self._name = settings.redis_name("alerts")
        self.position = self._last() if position == "$" else position

    def read(self, wait_ms: int | None = None, count: int = 1_000) -> list[dict[str, Any]]:
        """The alerts after `position`; with `wait_ms` waits for the first so long."""
        answer = self._client.xread({self._name: self.position}, count=count, block=wait_ms)
        found = []
        for _, entries in answer or []:
            for entry_id, fields in entries:
                self.position = entry_id.decode()
                alert = _alert(fields)
                if alert is not None:
                    found.append(alert)
        return found

    def close(self) -> None:
        """Leave Redis."""
        self._client.close()

    def follow(
        self, stop: Callable[[], bool] = lambda: False, told: Callable[[Exception | None], None] = lambda fault: None
    ) -> Iterator[dict[str, Any]]:
        """Alerts without end, until `stop()`; while Redis is away it is asked again and again.

        `told` hears the fault once when Redis goes away, and None when it is back.
        """
        away = False
        while not stop():
            try:
                if away:
                    self._begin_again_if_emptied()
                alerts = self.read(wait_ms=WAIT_MS)
            except (redis.ConnectionError, redis.TimeoutError) as fault:
                if not away:
                    told(fault)
                away = True
                time.sleep(RETRY_S)
                continue
            if away:
                told(None)
                away = False
            yield from alerts

    def _begin_again_if_emptied(self) -> None:
        """A Redis that came back without its data counts from the start: no id after the old position would ever come."""
        if _order(self._last()) < _order(self.position):
            self.position = BEFORE_ALL

    def _last(self) -> str:
        """The id of the newest entry."""
        entries = self._client.xrevrange(self._name, count=1)
        return str(entries[0][0].decode()) if entries else BEFORE_ALL


def _order(entry_id: str) -> tuple[int, int]:
    """A stream id, `milliseconds-number`, as what it sorts by."""
    milliseconds, number = entry_id.split("-")
    return int(milliseconds), int(number)


def when(alert: dict[str, Any]) -> datetime:
    """The time of the change that an alert tells of. Raises ValueError where it is none."""
    return datetime.fromisoformat(alert["event_time"].replace("Z", "+00:00"))


def _alert(fields: dict[bytes, bytes]) -> dict[str, Any] | None:
    """The alert of an entry of the stream; None for what somebody else has put there."""
    try:
        alert = orjson.loads(fields[b"alert"])
        if isinstance(alert, dict) and all(isinstance(alert[name], str) for name in SHOWN):
            when(alert)
            return alert
    except (KeyError, ValueError):  # JSON's errors are of the second kind
        pass
    LOG.warning("an entry of the stream that is no alert was left out")
    return None


def sentence(alert: dict[str, Any], zone: tzinfo = timezone.utc) -> Text:
    """An alert for people: the clock time there, how serious, and its sentence."""
    there = when(alert).astimezone(zone)
    firing = alert["status"] == "firing"
    mark = alert["severity"] if firing else "resolved"
    return Text.assemble(
        (f"{there:%H:%M:%S} ", "dim"), (f"{mark:<8} ", STYLES.get(mark, "")), (alert["summary"], "" if firing else "dim")
    )
