"""Alerts into Redis: one atomic script that publishes an alert's revision if it was not published before.

The script has three outcomes: new, known, and no answer. No answer (a dead server, a time-out, a read-only replica) is
never taken for known: it is tried again for `retry_seconds`, then the job fails and goes on from its checkpoint.
"""

from __future__ import annotations

import hashlib
import logging
import os
from typing import Final

import orjson
import redis
from tenacity import (
    Retrying,
    before_sleep_log,
    retry_if_exception_type,
    stop_after_delay,
    wait_exponential,
    wait_random,
)

from jobs.settings import Settings

LOG = logging.getLogger(__name__)

URL_VARIABLE: Final = "REPLYWATCH_REDIS__URL"

RETRIED: Final = (redis.ConnectionError, redis.TimeoutError, redis.ResponseError)

# KEYS: marker, stream. ARGV: alert, marker's life in s, stream's length, channels…
# Redis takes back nothing of a script that fails half-way (a key of another type, a right that is missing). So the marker is set
# last, and the stream's entry is taken out again: an alert that did not reach everybody is published anew, and is there once.
PUBLISH_IF_NEW: Final = """
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
local entry = redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[3], '*', 'alert', ARGV[1])
local failed = nil
local function try(...)
  local told = redis.pcall(...)
  if type(told) == 'table' and told.err then failed = failed or told end
end
for i = 4, #ARGV do try('PUBLISH', ARGV[i], ARGV[1]) end
if not failed then try('SET', KEYS[1], '1', 'EX', ARGV[2]) end
if failed then
  redis.call('XDEL', KEYS[2], entry)
  return failed
end
return 1
"""


class RedisUnavailable(RuntimeError):
    """Redis has not taken an alert for as long as the settings allow, or has no address."""


def redis_url(settings: Settings) -> str:
    """Redis' address. One with a password is not in the job's settings but in this process's environment.

    Raises RedisUnavailable if it is in neither.
    """
    url = settings.redis.url.get_secret_value() or os.environ.get(URL_VARIABLE, "")
    if not url:
        raise RedisUnavailable(
            f"redis: no address. One with a password does not travel with the job: set {URL_VARIABLE} in the environment "
            "of Flink's TaskManagers"
        )
    return url


class RedisPublisher:
    """Publishes alerts on the stream `alerts` and on the channels `alerts`, `alerts:<severity>`, `alerts:shop:<shop>`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        options = settings.redis
        self._client = redis.Redis.from_url(
            redis_url(settings),
            socket_timeout=options.timeout_seconds,
            socket_connect_timeout=options.timeout_seconds,
            single_connection_client=True,  # one thread publishes: going through a pool costs as much as the call
        )
        self._sha = hashlib.sha1(PUBLISH_IF_NEW.encode(), usedforsecurity=False).hexdigest()  # Redis names scripts so
        self._retrying = Retrying(
            retry=retry_if_exception_type(RETRIED),
            wait=wait_exponential(multiplier=0.1, max=5) + wait_random(0, 1),
            stop=stop_after_delay(options.retry_seconds),
            before_sleep=before_sleep_log(LOG, logging.WARNING),
            reraise=True,
        )

    def publish(self, alert: str) -> bool:
        """Publish the alert's JSON; False if this revision is known. RedisUnavailable after `retry_seconds`."""
        arguments = self._arguments(alert)
        try:
            return self._run(arguments)
        except RETRIED as error:
            LOG.warning("redis: %s: %s; trying again", type(error).__name__, error)
        try:
            return bool(self._retrying(self._run, arguments))
        except redis.RedisError as error:
            raise RedisUnavailable(
                f"redis: not published for {self._settings.redis.retry_seconds:g} s ({type(error).__name__}: {error}); "
                "the job restarts from its checkpoint and publishes the alert again; check redis.url, the server and the rights there"
            ) from error

    def _arguments(self, alert: str) -> tuple[str | int, ...]:
        """The script's keys and arguments."""
        record = orjson.loads(alert)
        name = self._settings.redis_name
        options = self._settings.redis
        marker = name(f"alert:{record['alert_id']}:{record['revision']}")
        stream = channel = name("alerts")
        arguments = (marker, stream, alert, options.alert_memory_seconds, options.stream_max_length)
        channels: tuple[str, ...] = (channel, name(f"alerts:{record['severity']}"))
        if record["shop"]:
            channels += (name(f"alerts:shop:{record['shop']}"),)
        return arguments + channels

    def _run(self, arguments: tuple[str | int, ...]) -> bool:
        try:
            return bool(self._client.execute_command("EVALSHA", self._sha, 2, *arguments))
        except redis.exceptions.NoScriptError:  # a server that has not met the script, or has started anew
            return bool(self._client.execute_command("EVAL", PUBLISH_IF_NEW, 2, *arguments))
