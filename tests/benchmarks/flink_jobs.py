"""Jobs on the local cluster, measured: from the first record at the keyed step to the last, start-up left out."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import redis

from jobs.local.stack import LocalStack
from jobs.settings import Settings
from tests.benchmarks import flink_session
from tests.benchmarks.cpu import family_seconds
from tests.benchmarks.flink_metrics import MetricsPort, Progress
from tests.benchmarks.report import Run
from tests.benchmarks.topic import TopicFacts

DEADLINE_S = 1_200.0
START_POLL_S = 0.1
SHORTEST_POLL_S, LONGEST_POLL_S = 0.1, 2.0
MONITOR_OPERATOR = "converse"
CAUSE = re.compile(r"^(?:Caused by: .*|\w*(?:Error|Exception)\b.*)$", re.MULTILINE)


class Look(NamedTuple):
    """One look at a running job: the instant, how far it is, CPU seconds of the TaskManager's family and the JobManager."""

    at: float
    progress: Progress
    task_manager_cpu: float
    job_manager_cpu: float


class Bench:
    """The cluster, the job's code as it is shipped, and the one topic."""

    def __init__(self, stack: LocalStack, application: Path, settings: Settings, facts: TopicFacts) -> None:
        self.stack = stack
        self.settings = settings
        self.facts = facts
        self._application = application
        self._runs = 0

    @contextmanager
    def monitor(self, **changes: Any) -> Iterator[str]:
        """A monitor while the context lasts, with a consumer group of its own and an empty Redis; yields the job's id."""
        settings = self._with(changes)
        values = settings.model_dump(mode="json")
        values["redis"]["url"] = self.stack.redis_url
        arguments = ["--settings", json.dumps(values), "--rules", settings.rules().model_dump_json()]
        with redis.Redis.from_url(self.stack.redis_url) as client:
            client.flushdb()
        with self._job("jobs.submit", arguments, self._application) as job:
            yield job

    @contextmanager
    def sql_session(self) -> Iterator[str]:
        """Flink SQL's session window over the topic while the context lasts; yields the job's id."""
        settings = self._with({})
        arguments = ["--bootstrap-servers", settings.kafka.bootstrap_servers, "--topic", settings.input_topic]
        arguments += ["--group", settings.kafka.group_id, "--gap-seconds", f"{settings.time.session_gap_seconds:g}"]
        with self._job("flink_session", arguments, Path(flink_session.__file__)) as job:
            yield job

    def measure(self, job: str, operator: str, messages: int, advance: Callable[[int], None]) -> Run:
        """Follow a job until `messages` records have reached its keyed operator.

        If that is the whole topic, the end is when event time has passed the last tick behind it: every session is out.
        The stretch begins at the first look at which records had come through.
        """
        submitted = time.perf_counter()
        port = MetricsPort(self.stack.flink.metrics_ports[self._task_manager.name])
        try:
            first = self._until(port, job, operator, lambda seen: seen.records > 0, advance)
            whole = messages >= self.facts.messages

            def ended(seen: Progress) -> bool:
                at_end = not whole or seen.watermark_ms >= self.facts.last_tick_ms - 1
                return seen.records >= messages and at_end

            last = self._until(port, job, operator, ended, advance, messages, first)
        finally:
            port.close()
        counted = {
            name: last.progress.counters[name] - first.progress.counters.get(name, 0.0)
            for name in last.progress.counters
        }
        return Run(
            messages=last.progress.records - first.progress.records,
            seconds=last.at - first.at,
            cpu_seconds=last.task_manager_cpu - first.task_manager_cpu,
            notes={
                "started_after_seconds": first.at - submitted,
                "already_through": float(first.progress.records),
                "job_manager_cpu_seconds": last.job_manager_cpu - first.job_manager_cpu,
                **counted,
            },
        )

    def _with(self, changes: dict[str, Any]) -> Settings:
        """The settings with a group that has read nothing yet, and dotted changes (`scoring__model`)."""
        self._runs += 1
        values = self.settings.model_dump()
        values["redis"]["url"] = self.stack.redis_url
        values["kafka"]["group_id"] = f"bench-{self._runs}"
        for name, value in changes.items():
            section, _, field = name.rpartition("__")
            (values[section] if section else values)[field] = value
        return Settings.model_validate(values)

    @contextmanager
    def _job(self, module: str, arguments: list[str], code: Path) -> Iterator[str]:
        job = self.stack.flink.submit(module, arguments=arguments, python_files=[code])
        try:
            yield job
        except BaseException:
            self.stack.flink.cancel(job)
            raise
        # Not cancelled: a cancellation while a batch is in the Python process can end the whole TaskManager.
        self.stack.flink.stop_with_savepoint(job)

    @property
    def _task_manager(self) -> Any:
        running = self.stack.flink.running_task_managers()
        if not running:
            raise RuntimeError("the TaskManager has ended; the cluster's logs say why")
        return running[0]

    def _look(self, port: MetricsPort, job: str, operator: str) -> Look:
        progress = port.progress(job, operator)
        job_manager = next(child for child in self.stack.flink.children if child.name.startswith("jobmanager"))
        return Look(
            time.perf_counter(), progress, family_seconds(self._task_manager.pid), family_seconds(job_manager.pid)
        )

    def _until(
        self,
        port: MetricsPort,
        job: str,
        operator: str,
        reached: Callable[[Progress], bool],
        advance: Callable[[int], None],
        messages: int = 0,
        first: Look | None = None,
    ) -> Look:
        """Look until it is reached, the more often the nearer the end: a look is not free."""
        deadline = time.monotonic() + DEADLINE_S
        while True:
            look = self._look(port, job, operator)
            advance(look.progress.records)
            if reached(look.progress):
                return look
            failures = self.stack.flink.exceptions(job)
            if failures or time.monotonic() > deadline:
                raise RuntimeError(f"no end of the job at {look.progress}: {causes(failures)}")
            time.sleep(START_POLL_S if first is None else next_look(first, look, messages))


def next_look(first: Look, look: Look, messages: int) -> float:
    """Seconds to wait: half of what is left at the pace up to now, within bounds."""
    done = look.progress.records - first.progress.records
    if done <= 0:
        return SHORTEST_POLL_S * 5
    left = (messages - look.progress.records) * (look.at - first.at) / done
    return min(LONGEST_POLL_S, max(SHORTEST_POLL_S, left / 2))


def causes(failures: list[str]) -> str:
    """The last lines that say why, out of Java's and Python's stack traces."""
    lines = [line for failure in failures[:1] for line in CAUSE.findall(failure)]
    return " | ".join(line[:300] for line in dict.fromkeys(lines[-3:])) or "it was too slow"
