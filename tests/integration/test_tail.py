"""Somebody looks at the alerts while Redis is restarted: nothing is missed, and they are told."""

from __future__ import annotations

import shutil
import threading
from queue import Queue

import orjson
import pytest
import redis

from jobs.local.redis_server import RedisServer
from jobs.settings_file import load_settings
from jobs.tail import AlertStream

WITHIN_S = 30


@pytest.mark.parametrize("emptied", [False, True])
def test_alerts_are_followed_across_an_outage(server: RedisServer, emptied: bool) -> None:
    heard: Queue[object] = Queue()
    stop = threading.Event()
    stream = AlertStream(load_settings(redis__url=server.url), "0-0")

    def follow() -> None:
        for alert in stream.follow(stop.is_set, told=lambda fault: heard.put("back" if fault is None else "away")):
            heard.put(alert["alert_id"])

    reader = threading.Thread(target=follow)
    reader.start()
    try:
        add(server, "9999999999998-0", "first")
        assert heard.get(timeout=WITHIN_S) == "first"
        server.stop()
        assert heard.get(timeout=WITHIN_S) == "away"
        if emptied:
            shutil.rmtree(server.directory / "data")
        server.start()
        server.wait()
        assert heard.get(timeout=WITHIN_S) == "back"
        add(server, "5-0" if emptied else "9999999999999-0", "second")
        assert heard.get(timeout=WITHIN_S) == "second"
        assert heard.empty()
    finally:
        stop.set()
        reader.join()
        stream.close()


def add(server: RedisServer, entry_id: str, alert_id: str) -> None:
    """An alert in the stream."""
    with redis.Redis.from_url(server.url) as client:
        alert = {"alert_id": alert_id, "event_time": "2026-03-02T02:01:00Z", "status": "firing", "severity": "info", "summary": "…"}
        client.xadd("alerts", {"alert": orjson.dumps(alert)}, id=entry_id)
