"""SIGKILL in the middle of work: the job comes back by itself, nothing is lost and nobody is told twice."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import pytest

from jobs.replay import Replayer
from tests.chat import SECOND, T0, Chat
from tests.integration.monitoring import Cluster, Monitor, identities

pytestmark = pytest.mark.timeout(900)  # generous: the cores may be busy with other things

RATE = 10
"""Conversations a second of real time; one begins each second of replayed time."""

TEXTS = ("什么时候发货？", "爱买不买", "你们太差了", "对不起，马上查")


@pytest.mark.kill
def test_nothing_is_lost_or_said_twice_when_processes_are_killed(cluster: Cluster, record_property: Any) -> None:
    try:
        with cluster.monitor("killed") as monitor:
            monitor.submit()
            with writing(monitor) as produced:
                monitor.until(lambda: monitor.account.alerts and monitor.checkpoints() > 0, "at work")

                task_manager, python = monitor.workers()[0]
                after_worker = seconds_to_the_next_alert(monitor, python[-1].kill)
                monitor.until(lambda: cluster.stack.flink.job_state(monitor.job) == "RUNNING", "running again")
                done = monitor.checkpoints()
                monitor.until(lambda: monitor.checkpoints() > done, "checkpointed again")

                (task_manager, _), *_ = monitor.workers()
                after_manager = seconds_to_the_next_alert(
                    monitor, lambda: cluster.stack.flink.kill_task_manager(task_manager)
                )
                cluster.stack.flink.add_task_manager()
            for name, seconds in (("Python process", after_worker), ("TaskManager", after_manager)):
                record_property(f"seconds from the kill of a {name} to the next alert", seconds)
                print(f"{name} killed: the next alert came after {seconds} s")

            monitor.until_accounted(produced=produced())
            entries = monitor.until_published()
            abused = {alert["conversation_id"] for alert in entries if alert["rule"] == "agent_abuse"}
            # The writer may have been stopped within a conversation: it counts if the insult, its second line, was written.
            assert len(abused) == (produced() + 2) // len(TEXTS)
            assert len(entries) == len(identities(entries)) == len(monitor.account.alerts)
    finally:
        cluster.make_whole()


@pytest.mark.kill
def test_a_task_manager_that_does_not_notice_a_dead_python_process_is_ended(cluster: Cluster) -> None:
    """Beam can wait for a dead process without end. Here the TaskManager is stopped, so that it notices for certain nothing."""
    try:
        with cluster.monitor("unnoticed") as monitor:
            monitor.submit()
            with writing(monitor) as produced:
                monitor.until(lambda: monitor.account.alerts and monitor.checkpoints() > 0, "at work")
                (task_manager, python), *_ = monitor.workers()
                os.kill(task_manager.pid, signal.SIGSTOP)
                python[-1].kill()
                monitor.until(lambda: not task_manager.is_alive(), "ended by the guard")
                seconds_to_the_next_alert(monitor, lambda: None)
            monitor.until_accounted(produced=produced())
    finally:
        cluster.make_whole()


@contextmanager
def writing(monitor: Monitor) -> Iterator[Callable[[], int]]:
    """Write conversations, each with an insult, steadily until the block ends, then the last ticks; how many records."""
    stop = threading.Event()
    failures: list[BaseException] = []

    def write() -> None:
        replayer = Replayer(monitor.producer, speed=RATE)
        try:
            replayer.run(rude_conversations(), stop.is_set)
            replayer.finish(monitor.settings)
        except BaseException as failure:
            failures.append(failure)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield lambda: monitor.producer.produced
    finally:
        stop.set()
        writer.join()
    assert failures == []


def rude_conversations() -> Iterator[tuple[int, dict[str, Any]]]:
    """Conversations without end, one a second, each over before the next begins."""
    number = 0
    while True:
        chat = Chat(T0 + number * SECOND, f"rude-{number}")
        chat.customer(0, TEXTS[0]).agent(0.2, TEXTS[1]).customer(0.4, TEXTS[2]).agent(0.6, TEXTS[3])
        yield from ((event["sent_at"], event) for event in chat.events)
        number += 1


def seconds_to_the_next_alert(monitor: Monitor, kill: Callable[[], object]) -> float:
    """Kill, and return after how many seconds there is an alert about a conversation that was written after it."""
    kill()
    killed, written = time.monotonic(), monitor.producer.produced // len(TEXTS) + 1
    monitor.until(lambda: latest(monitor) > written, "alerting again")
    return round(time.monotonic() - killed, 1)


def latest(monitor: Monitor) -> int:
    """The highest number of a conversation among the last alerts in Redis' stream."""
    entries = monitor.redis.xrevrange(monitor.settings.redis_name("alerts"), count=20)
    alerts = [orjson.loads(fields[b"alert"]) for _, fields in entries]
    return max(int(alert["conversation_id"].rpartition("-")[2]) for alert in alerts)
