"""Redis goes away in the middle of work: the job waits or starts again, and every alert is there once in the end."""

from __future__ import annotations

import psutil
import pytest

from jobs.local.redis_server import RedisServer
from jobs.replay import Replayer
from tests.chat import SECOND, T0, Chat
from tests.integration.monitoring import Cluster, Monitor, identities

pytestmark = pytest.mark.timeout(900)  # generous: the cores may be busy with other things


def test_every_alert_is_published_once_after_redis_was_down_and_after_it_was_mute(
    cluster: Cluster, server: RedisServer
) -> None:
    options = {"redis__url": server.url, "redis__retry_seconds": 4, "redis__timeout_seconds": 1}
    with cluster.monitor("outage", **options) as monitor:
        monitor.submit()
        replayer = Replayer(monitor.producer)
        insult(monitor, replayer, 0)
        monitor.until(lambda: alerts_in(monitor) == 1, "published")

        server.stop()
        insult(monitor, replayer, 1)
        flink = cluster.stack.flink
        monitor.until(lambda: any("RedisUnavailable" in failure for failure in flink.exceptions(monitor.job)), "failed")
        server.start()
        server.wait()
        monitor.until(lambda: alerts_in(monitor) == 2, "published after the outage")

        mute = psutil.Process(server.children[0].pid)
        mute.suspend()
        try:
            insult(monitor, replayer, 2)
            # The job has sent the alert and gone, without an answer: a server that wakes up finds it in the queue.
            monitor.until(lambda: given_up_on(server.port), "given up on")
        finally:
            mute.resume()
        monitor.until(lambda: alerts_in(monitor) == 3, "published after the silence")

        replayer.finish(monitor.settings)
        monitor.until_accounted(produced=6)
        entries = monitor.until_published()
        assert len(entries) == len(identities(entries)) == len(monitor.account.alerts) == 6
        assert [alert["conversation_id"] for alert in entries][:3] == ["c0", "c1", "c2"]


def insult(monitor: Monitor, replayer: Replayer, number: int) -> None:
    """A conversation with one alert."""
    chat = Chat(T0 + number * SECOND, f"c{number}").customer(0, "在吗").agent(0.5, "爱买不买", shop="lamps")
    replayer.run((event["sent_at"], event) for event in chat.events)
    monitor.producer.flush()


def alerts_in(monitor: Monitor) -> int:
    """The length of Redis' stream."""
    return int(monitor.redis.xlen(monitor.settings.redis_name("alerts")))


def given_up_on(port: int) -> bool:
    """Whether a client has closed a connection to this port that the server still holds."""
    return any(
        connection.status == psutil.CONN_CLOSE_WAIT
        for connection in psutil.net_connections("tcp4")
        if connection.laddr and connection.laddr.port == port
    )
