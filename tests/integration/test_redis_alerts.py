"""An alert in a real Redis: in the stream once, on its channels, and never taken for published when it was not."""

from __future__ import annotations

import orjson
import pytest
import redis

from jobs.local.redis_server import RedisServer
from jobs.redis_alerts import RedisPublisher, RedisUnavailable
from jobs.settings_file import load_settings

ALERT = orjson.dumps({"alert_id": "a1", "revision": 0, "severity": "high", "shop": "s1"}).decode()


def publisher(url: str) -> RedisPublisher:
    """One that gives up soon."""
    return RedisPublisher(load_settings(redis__url=url, redis__retry_seconds=0.5))


def heard(client: redis.Redis, channels: tuple[str, ...], publish: RedisPublisher) -> tuple[bool, list[str]]:
    """What publishing says, and the channels that the alert came over."""
    with client.pubsub(ignore_subscribe_messages=True) as listener:
        listener.subscribe(*channels)
        for _ in channels:
            listener.get_message(timeout=5)
        said = publish.publish(ALERT)
        found = []
        while message := listener.get_message(timeout=0.2 if found or not said else 5):
            found.append(message["channel"].decode())
        return said, sorted(found)


def test_an_alert_is_published_once_on_its_stream_and_channels(server: RedisServer) -> None:
    channels = ("alerts", "alerts:high", "alerts:shop:s1", "alerts:low")
    with redis.Redis.from_url(server.url) as client:
        assert heard(client, channels, publisher(server.url)) == (True, ["alerts", "alerts:high", "alerts:shop:s1"])
        assert heard(client, channels, publisher(server.url)) == (False, [])
        assert [entry[b"alert"].decode() for _, entry in client.xrange("alerts")] == [ALERT]
        assert 0 < client.ttl("alert:a1:0") <= load_settings().redis.alert_memory_seconds


def test_a_stream_of_another_type_is_a_fault_until_it_is_gone_and_then_nothing_is_lost(server: RedisServer) -> None:
    with redis.Redis.from_url(server.url) as client:
        client.rpush("alerts", "of another program")
        with pytest.raises(RedisUnavailable, match="WRONGTYPE"):
            publisher(server.url).publish(ALERT)
        client.delete("alerts")
        assert publisher(server.url).publish(ALERT)
        assert client.xlen("alerts") == 1


def test_a_user_who_may_not_publish_is_a_fault_and_leaves_nothing_behind(server: RedisServer) -> None:
    with redis.Redis.from_url(server.url) as client:
        client.execute_command("ACL", "SETUSER", "shop", "on", ">sesame", "+@all", "~*", "resetchannels", "&alerts")
        with pytest.raises(RedisUnavailable, match="publish to the channel"):
            publisher(server.url.replace("redis://", "redis://shop:sesame@")).publish(ALERT)
        assert (client.xlen("alerts"), client.exists("alert:a1:0")) == (0, 0)
        client.execute_command("ACL", "SETUSER", "shop", "allchannels", "-set")
        with pytest.raises(RedisUnavailable, match=r"(?i)permission|can't run"):
            publisher(server.url.replace("redis://", "redis://shop:sesame@")).publish(ALERT)
        assert (client.xlen("alerts"), client.exists("alert:a1:0")) == (0, 0)
        client.execute_command("ACL", "SETUSER", "shop", "+set")
        assert publisher(server.url.replace("redis://", "redis://shop:sesame@")).publish(ALERT)
        assert client.xlen("alerts") == 1
