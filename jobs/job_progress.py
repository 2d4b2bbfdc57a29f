"""How a running job gets on, asked of Flink's REST interface at most once a second."""

from __future__ import annotations

import time

from jobs.local.flink_rest import TERMINAL_STATES, FlinkRest

EVERY_S = 1.0
# What is looked at, by the end of its name: Flink puts task and operator before it.
PENDING = "pendingRecords"
OPENED = "converse.conversations_opened"
CLOSED = "converse.conversations_closed"
RECORDS_OUT = "converse.numRecordsIn"
WANTED = (PENDING, OPENED, CLOSED, RECORDS_OUT)


class JobProgress:
    """One job's state and figures as of the last `refresh`. `lag` and `open_conversations` are None until known."""

    def __init__(self, rest: FlinkRest, job: str) -> None:
        self.state = "CREATED"
        self.lag: int | None = None
        self.open_conversations: int | None = None
        self.records_through = False
        self._rest = rest
        self._job = job
        self._next = 0.0
        self._names: dict[str, list[str]] = {}
        self._vertices: list[str] = []

    @property
    def has_ended(self) -> bool:
        """Whether the job has come to an end, good or bad."""
        return self.state in TERMINAL_STATES

    def is_running(self) -> bool:
        """Whether every task of the job runs."""
        job = self._rest.job(self._job)
        self.state = str(job["state"])
        self._vertices = [str(vertex["id"]) for vertex in job["vertices"]]
        return self.state == "RUNNING" and all(vertex["status"] == "RUNNING" for vertex in job["vertices"])

    def refresh(self) -> None:
        """Ask again, if the last answer is a second old. FlinkError if the cluster does not answer."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + EVERY_S
        self.is_running()
        values: dict[str, float] = {}
        for vertex in self._vertices:
            names = self._names.get(vertex) or self._find_names(vertex)
            for name, value in (self._rest.metrics(self._job, vertex, names) if names else {}).items():
                wanted = next(end for end in WANTED if name.endswith(end))
                values[wanted] = values.get(wanted, 0) + value
        if PENDING in values:
            self.lag = round(values[PENDING])
        if OPENED in values:
            self.open_conversations = round(values[OPENED] - values.get(CLOSED, 0))
        self.records_through = self.records_through or bool(values.get(RECORDS_OUT))

    def reason(self) -> str:
        """Why the job failed, in Flink's words, cut to what people can read."""
        reasons = self._rest.exceptions(self._job)
        return reasons[0][:3_000] if reasons else "no reason is recorded"

    def _find_names(self, vertex: str) -> list[str]:
        """The vertex's metrics that are looked at; none of them may be there yet, some may come later."""
        names = [name for name in self._rest.metrics(self._job, vertex) if name.endswith(WANTED)]
        if names and all(any(name.endswith(end) for name in names) for end in WANTED[1:]):
            self._names[vertex] = names
        return names
