"""A stop in the middle of conversations, and a start from its savepoint: as if it had never been."""

from __future__ import annotations

from itertools import islice
from typing import Any

import pytest

from jobs.replay import Replayer
from tests.integration.monitoring import Cluster, Monitor, identities
from udfs.simulate import SimulationSettings, simulate

pytestmark = pytest.mark.timeout(900)  # generous: the cores may be busy with other things

EVENTS = 1_200
MARKS = 40  # the last messages before the stop, sent again: their repeats tell how far the job has read


def test_a_job_restored_in_mid_session_ends_like_one_that_was_never_stopped(cluster: Cluster) -> None:
    simulation = simulate(SimulationSettings(seed=5, conversations_per_hour=3_000, reply_median_s=40))
    events = list(islice(simulation, EVENTS))
    before = [*events[: EVENTS // 2], *events[EVENTS // 2 - MARKS : EVENTS // 2]]
    after = events[EVENTS // 2 :]

    with cluster.monitor("stopped") as stopped, cluster.monitor("steady") as steady:
        stopped.submit()
        steady.submit()
        first = replay(stopped, before)
        expected = len(before) - len({(event["conversation_id"], event["message_id"], event["kind"]) for event in before})
        stopped.until(lambda: len(stopped.account.duplicates) == expected, "read up to the stop")
        savepoint = stopped.stop()
        assert stopped.account.in_sessions < len(events) // 2, "no session was open at the stop"
        second = replay(steady, before)

        stopped.submit(savepoint=savepoint)
        for monitor, replayer in ((stopped, first), (steady, second)):
            replay(monitor, after, replayer)
            replayer.finish(monitor.settings)
            monitor.until_accounted(produced=len(before) + len(after))
            entries = monitor.until_published()
            assert len(entries) == len(identities(entries)) == len(monitor.account.alerts)

        assert stopped.sessions() == steady.sessions()
        assert told(stopped) == told(steady)
        assert {status for _, _, status in told(stopped)} == {"firing", "resolved"}


def replay(monitor: Monitor, events: list[dict[str, Any]], replayer: Replayer | None = None) -> Replayer:
    """Write the events, as fast as possible, with ticks in their time."""
    replayer = replayer or Replayer(monitor.producer)
    replayer.run((max(event["sent_at"], replayer.now_ms), event) for event in events)
    monitor.producer.flush()
    return replayer


def told(monitor: Monitor) -> set[tuple[str, int, str]]:
    """What was said of which alert."""
    return {(alert["alert_id"], alert["revision"], alert["status"]) for alert in monitor.account.alerts.values()}
