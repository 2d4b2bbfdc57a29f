"""How a running job gets on, asked of Flink's REST interface at most once a second."""

from __future__ import annotations

import time

from jobs.local.flink_rest import POLL_S, TERMINAL_STATES, FlinkError, FlinkRest

EVERY_S = 1.0
# What is looked at, by the end of its name, and what its subtasks' values are made into. Flink puts the operator before it.
PENDING = "pendingRecords"
OPENED = "converse.conversations_opened"
CLOSED = "converse.conversations_closed"
RECORDS_IN = "converse.numRecordsIn"
WATERMARK = "converse.currentInputWatermark"
SUMS = (PENDING, OPENED, CLOSED, RECORDS_IN)
MINIMA = (WATERMARK,)


class JobProgress:
    """One job's state and figures as of the last `refresh`; None what is not known yet.

    `lag`: records in Kafka that the source has not fetched. `watermark_ms`: how far the conversations' time has got.
    """

    def __init__(self, rest: FlinkRest, job: str) -> None:
        self.state = "CREATED"
        self.lag: int | None = None
        self.watermark_ms: int | None = None
        self.open_conversations: int | None = None
        self.records_through = False
        self._rest = rest
        self._job = job
        self._next = 0.0
        self._vertices: list[str] = []

    @property
    def has_ended(self) -> bool:
        """Whether the job has come to an end, good or bad."""
        return self.state in TERMINAL_STATES

    def look(self) -> bool:
        """Ask for the job's state, which `state` has then, and say whether every task of it runs."""
        job = self._rest.job(self._job)
        self.state = str(job["state"])
        self._vertices = [str(vertex["id"]) for vertex in job["vertices"]]
        return self.state == "RUNNING" and all(vertex["status"] == "RUNNING" for vertex in job["vertices"])

    def wait_until_running(self, timeout_s: float) -> None:
        """Return when every task runs. FlinkError with Flink's reason when the job has ended, or after `timeout_s`."""
        deadline = time.monotonic() + timeout_s
        while not self.look():
            if self.has_ended or time.monotonic() > deadline:
                raise FlinkError(f"job {self._job} is {self.state}, and its tasks do not run: {self.reason()}")
            time.sleep(POLL_S)

    def refresh(self) -> None:
        """Ask again, if the last answer is a second old. FlinkError if the cluster does not answer."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + EVERY_S
        self.look()
        values: dict[str, float] = {}
        for vertex in self._vertices:
            names = self._rest.metric_names(self._job, vertex)
            for endings, aggregate in ((SUMS, "sum"), (MINIMA, "min")):
                asked = [name for name in names if name.endswith(endings)]
                for name, value in (self._rest.metrics(self._job, vertex, asked, aggregate) if asked else {}).items():
                    ending = next(ending for ending in endings if name.endswith(ending))
                    values[ending] = values.get(ending, 0) + value
        if PENDING in values:
            self.lag = round(values[PENDING])
        if values.get(WATERMARK, 0) > 0:  # before the first one Flink's is the smallest number there is
            self.watermark_ms = round(values[WATERMARK])
        if OPENED in values:
            self.open_conversations = round(values[OPENED] - values.get(CLOSED, 0))
        self.records_through = self.records_through or values.get(RECORDS_IN, 0) > 0

    def reason(self) -> str:
        """Why the job failed, in Flink's words, cut to what people can read."""
        reasons = self._rest.exceptions(self._job)
        return reasons[0][:3_000] if reasons else "no reason is recorded"
