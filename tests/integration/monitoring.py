"""The monitor on a real cluster, for tests: one cluster for all of them, one namespace for each job.

A job is known by its namespace: its topics, its keys and channels in Redis. So tests share Kafka, Redis and Flink, and
still none sees another's records. Nothing here waits for a time to pass: everything polls for a fact, with a deadline.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import psutil
import pytest
import redis
from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, Producer, TopicPartition

from jobs.account import Account
from jobs.local.processes import Child
from jobs.local.stack import LocalStack
from jobs.package import application
from jobs.produce import EventProducer
from jobs.settings import Settings
from jobs.settings_file import load_settings
from jobs.topics import OUTPUTS, create_topics
from udfs.rules import RuleSet

DEADLINE_S = 150.0
"""Generous: on two busy cores a submission alone takes half a minute."""

POLL_S = 0.1
SECRET = "a secret of the integration tests"
PASSWORD = "swordfish 42"
ENDED = ("FAILED", "CANCELED", "FINISHED")
TASK_MANAGERS = 2


@dataclass
class Cluster:
    """The services, and the job's code as it is shipped."""

    stack: LocalStack
    application: Path

    @contextmanager
    def monitor(self, namespace: str, rules: RuleSet | None = None, **settings: Any) -> Iterator[Monitor]:
        """A monitor with topics of its own; its job, once submitted, is cancelled at the end."""
        monitor = Monitor(self, namespace, rules, settings)
        try:
            yield monitor
        finally:
            monitor.close()

    def make_whole(self) -> None:
        """Replace the TaskManagers that have ended, and wait until the JobManager counts all slots."""
        flink = self.stack.flink
        for child in [child for child in flink.children if not child.is_alive()]:
            flink.kill_task_manager(child)  # so that nobody waits for it
        while len(flink.running_task_managers()) < TASK_MANAGERS:
            flink.add_task_manager()
        flink.wait_for_slots(TASK_MANAGERS)


class Monitor:
    """One job with its namespace: what goes in, what came out."""

    def __init__(self, cluster: Cluster, namespace: str, rules: RuleSet | None, settings: dict[str, Any]) -> None:
        stack = cluster.stack
        self.cluster = cluster
        self.redis_url: str = settings.pop("redis__url", stack.redis_url)
        self.settings = load_settings(
            **{
                "namespace": namespace,
                "input": "replay",
                "kafka__bootstrap_servers": stack.bootstrap_servers,
                "redis__url": self.redis_url,
                "flink__rest_url": stack.flink_url,
                "flink__checkpoint_seconds": 2,
                "scoring__model": "null",
                **settings,
            }
        )
        self.rules = rules or self.settings.rules()
        self.job = ""
        create_topics(self.settings)
        self.producer = EventProducer(self.settings, self.settings.input_topic)
        self.account = Account(self.settings)
        self.redis = redis.Redis.from_url(self.redis_url, socket_timeout=5)

    def submit(self, savepoint: str | None = None) -> None:
        """Start the job, from a savepoint if given, and return when it runs. A cancelled one may have cost its TaskManager."""
        self.cluster.make_whole()
        arguments = ["--settings", _with_address(self.settings, self.redis_url), "--rules", self.rules.model_dump_json()]
        self.job = self.cluster.stack.flink.submit(
            "jobs.submit", arguments=arguments, python_files=[self.cluster.application], savepoint=savepoint
        )
        with self.cluster.stack.flink.rest() as rest:
            rest.wait_for_state(self.job, "RUNNING", timeout_s=DEADLINE_S)

    def stop(self) -> str:
        """Stop the job and return its savepoint."""
        savepoint = self.cluster.stack.flink.stop_with_savepoint(self.job)
        self.job = ""
        return savepoint

    def cancel(self) -> None:
        """End the job, if it runs, so that its slots are free for the next."""
        if self.job:
            self.cluster.stack.flink.cancel(self.job)
            self.job = ""

    def close(self) -> None:
        """Cancel the job, leave Kafka and Redis."""
        self.cancel()
        self.account.close()
        self.redis.close()

    def until(self, fact: Callable[[], object], what: str, seconds: float = DEADLINE_S) -> None:
        """Poll for a fact, taking what comes out of the job meanwhile; fails with the job's state and failure."""
        deadline = time.monotonic() + seconds
        while not fact():
            late = time.monotonic() > deadline
            if not self.account.update(POLL_S) or late:
                flink = self.cluster.stack.flink
                state = flink.job_state(self.job) if self.job else "not submitted"
                if late or state in ENDED:
                    failures = flink.exceptions(self.job)[:1] if self.job else []
                    pytest.fail(f"not {what}; the job is {state}; {self.figures()}; {failures}")

    def until_accounted(self, produced: int) -> None:
        """Wait until so many records were read back and each is in exactly one output."""
        self.until(lambda: self.account.produced == produced and self.account.accounted, "accounted for")
        assert self.account.produced == self.producer.produced == produced

    def figures(self) -> str:
        """The account in one line, without anybody's words."""
        seen = self.account
        return (
            f"{seen.produced} produced, {seen.in_sessions} in {len(seen.sessions)} sessions, {len(seen.duplicates)} repeats, "
            f"{len(seen.late)} late, {len(seen.dead_letters)} dead of {len(seen.refused)} refused, {len(seen.alerts)} alerts"
        )

    def published(self) -> list[dict[str, Any]]:
        """The alerts in Redis' stream, oldest first, every entry of it."""
        entries: list[tuple[bytes, dict[bytes, bytes]]] = self.redis.xrange(self.settings.redis_name("alerts"))
        return [orjson.loads(fields[b"alert"]) for _, fields in entries]

    def until_published(self) -> list[dict[str, Any]]:
        """Wait until Redis and Kafka hold the same alerts; every entry of Redis' stream at that moment."""
        entries: list[dict[str, Any]] = []

        def the_same() -> bool:
            entries[:] = self.published()
            return identities(entries) == set(self.account.alerts)

        self.until(the_same, "published alike in Redis and Kafka")
        return entries

    def tombstone(self, key: str, at_ms: int) -> None:
        """Write a record without a value to the input topic."""
        producer = Producer({"bootstrap.servers": self.settings.kafka.bootstrap_servers})
        producer.produce(self.settings.input_topic, value=None, key=key, timestamp=at_ms)
        assert producer.flush(30) == 0
        self.producer.produced += 1

    def records(self, *streams: str) -> list[Message]:
        """All records of the named output streams (default: all) as they lie in Kafka now."""
        names = [self.settings.topic(name) for name in streams or OUTPUTS]
        servers = self.settings.kafka.bootstrap_servers
        consumer = Consumer({"bootstrap.servers": servers, "group.id": "records", "enable.auto.commit": False})
        try:
            parts = [
                TopicPartition(name, number, OFFSET_BEGINNING)
                for name in names
                for number in consumer.list_topics(name, timeout=30).topics[name].partitions
            ]
            left = sum(high - low for low, high in (consumer.get_watermark_offsets(part, 30) for part in parts))
            consumer.assign(parts)
            found: list[Message] = []
            deadline = time.monotonic() + DEADLINE_S
            while left > len(found):
                assert time.monotonic() < deadline, f"read {len(found)} of {left} records"
                found += consumer.consume(1_000, timeout=1)
            return found
        finally:
            consumer.close()

    def sessions(self) -> dict[str, dict[str, Any]]:
        """The published sessions by id."""
        records = [orjson.loads(record.value()) for record in self.records("sessions")]
        return {record["session_id"]: record for record in records}

    def checkpoints(self) -> int:
        """How many checkpoints the job has completed."""
        with self.cluster.stack.flink.rest() as rest:
            return int(rest.checkpoints(self.job)["counts"]["completed"])

    def workers(self) -> list[tuple[Child, list[psutil.Process]]]:
        """The TaskManagers that run Python processes for a job, with those processes, parents first."""
        found = []
        for child in self.cluster.stack.flink.running_task_managers():
            family = psutil.Process(child.pid).children(recursive=True)
            python = [process for process in family if is_python_worker(process)]
            if python:
                found.append((child, python))
        return found


def identities(alerts: list[dict[str, Any]]) -> set[tuple[str, int]]:
    """What makes a published alert one and no other: its id and revision."""
    return {(alert["alert_id"], alert["revision"]) for alert in alerts}


def is_python_worker(process: psutil.Process) -> bool:
    """Whether this is the Python program (not the shell around it) that runs a job's vectorised UDF."""
    try:
        command = process.cmdline()
    except psutil.NoSuchProcess:
        return False
    return bool(command) and "python" in Path(command[0]).name and any("beam" in part for part in command)


@contextmanager
def running_cluster(directory: Path) -> Iterator[Cluster]:
    """Services with two TaskManagers in `directory`; the secret for personal ids is in everybody's environment."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("REPLYWATCH_HASH_KEY", SECRET)
        for name in [name for name in os.environ if name.startswith("REPLYWATCH_") and "__" in name]:
            environment.delenv(name)
        environment.setenv("REPLYWATCH_KAFKA__PASSWORD", PASSWORD)  # of brokers that ask for one
        with LocalStack(directory / "stack", task_managers=TASK_MANAGERS, metrics=True) as stack:
            yield Cluster(stack, application(directory / "application"))


def _with_address(settings: Settings, redis_url: str) -> str:
    """The settings as the job gets them, Redis' address in clear: these servers know no password."""
    values = settings.model_dump(mode="json")
    values["redis"]["url"] = redis_url
    values["kafka"]["password"] = ""
    return json.dumps(values)
