"""What a demonstration can do while its services start: make the topics and warm up the client that submits the job.

Each of these takes seconds in which others wait, and they wait for different things.
"""

from __future__ import annotations

import threading
from pathlib import Path

from jobs.flink_client import begin
from jobs.local.client import Submission
from jobs.local.processes import POLL_S
from jobs.local.stack import LocalStack
from jobs.settings import Settings
from jobs.topics import create_topics
from udfs.rules import RuleSet


class Preparation:
    """Runs beside `stack.start()` in a thread of its own. As a context manager it ends the client in any case."""

    def __init__(self, stack: LocalStack, settings: Settings, rules: RuleSet, directory: Path) -> None:
        self._stack = stack
        self._settings = settings
        self._rules = rules
        self._directory = directory
        self._given_up = threading.Event()
        self._submission: Submission | None = None
        self._fault: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="preparation", daemon=True)

    def __enter__(self) -> Preparation:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._given_up.set()
        self._thread.join()
        if self._submission is not None:
            self._submission.close()

    def job(self) -> str:
        """The id of the job, once the cluster has taken it; raises what went wrong on the way."""
        self._thread.join()
        if self._fault is not None:
            raise self._fault
        assert self._submission is not None
        return self._submission.job()

    def _run(self) -> None:
        try:
            stack = self._stack
            # Started last, it asks for the processor when the services have had it.
            if self._wait_for(lambda: bool(stack.redis.children)):
                jars = stack.flink.installation.connector_jars
                self._submission = begin(self._settings, self._rules, jars, self._directory)
            if self._wait_for(stack.kafka.is_ready):
                create_topics(self._settings)
        except BaseException as fault:  # handed over: `job` raises it
            self._fault = fault

    def _wait_for(self, ready: object) -> bool:
        while not self._given_up.is_set():
            if ready():  # type: ignore[operator]
                return True
            self._given_up.wait(POLL_S)
        return False
