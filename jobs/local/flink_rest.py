"""The few questions and orders that go to a Flink cluster's REST interface, local or not."""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any

import httpx

TIMEOUT_S = 10.0
POLL_S = 0.1
TERMINAL_STATES = frozenset({"FINISHED", "CANCELED", "FAILED"})


class FlinkError(RuntimeError):
    """The cluster refused, failed or did not answer in time; the message says at which order."""


class FlinkRest:
    """A client for one cluster, `url` as http://host:port. Close it, or use it as a context manager."""

    def __init__(self, url: str, *, timeout_s: float = TIMEOUT_S) -> None:
        self.url = url.rstrip("/")
        # A proxy of the environment is for the world outside, not for this cluster. Loading the certificates, which http
        # needs none of, takes longer than most answers.
        secure = self.url.startswith("https:")
        self._client = httpx.Client(base_url=self.url, timeout=timeout_s, trust_env=False, verify=secure)

    def __enter__(self) -> FlinkRest:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def overview(self) -> dict[str, Any]:
        """Numbers of the cluster: `taskmanagers`, `slots-total`, `slots-available`, `jobs-running`, `flink-version`."""
        return self._get("/overview")

    def jobs(self) -> dict[str, str]:
        """The state of every job that the cluster remembers, by job id."""
        return {str(job["id"]): str(job["status"]) for job in self._get("/jobs")["jobs"]}

    def living(self, name: str) -> str | None:
        """The id of a job of that name that has not come to an end; None if there is none."""
        jobs = self._get("/jobs/overview")["jobs"]
        return next((str(job["jid"]) for job in jobs if job["name"] == name and job["state"] not in TERMINAL_STATES), None)

    def job(self, job_id: str) -> dict[str, Any]:
        """All about one job: `name`, `state`, `start-time`, `vertices` and more."""
        return self._get(f"/jobs/{job_id}")

    def job_state(self, job_id: str) -> str:
        """RUNNING, RESTARTING, FINISHED, FAILED, CANCELED and the states between."""
        return str(self.job(job_id)["state"])

    def wait_for_state(self, job_id: str, *states: str, timeout_s: float = 60.0) -> str:
        """Return the job's state once it is one of `states`.

        Raises FlinkError after `timeout_s`, or when the job has ended in another state; with its last failure.
        """
        deadline = time.monotonic() + timeout_s
        while (state := self.job_state(job_id)) not in states:
            if state in TERMINAL_STATES or time.monotonic() > deadline:
                failures = self.exceptions(job_id)
                reason = failures[0] if failures else "no failure is recorded"
                raise FlinkError(
                    f"job {job_id} is {state}, expected {' or '.join(states)} within {timeout_s:.0f} s: {reason}"
                )
            time.sleep(POLL_S)
        return state

    def exceptions(self, job_id: str, limit: int = 10) -> list[str]:
        """The job's latest failures as Java stack traces, newest first."""
        history = self._get(f"/jobs/{job_id}/exceptions", maxExceptions=limit).get("exceptionHistory", {})
        return [str(entry["stacktrace"]) for entry in history.get("entries", [])]

    def checkpoints(self, job_id: str) -> dict[str, Any]:
        """Counts (`counts.completed`, `counts.failed`) and the latest checkpoints of a job."""
        return self._get(f"/jobs/{job_id}/checkpoints")

    def metric_names(self, job_id: str, vertex_id: str) -> list[str]:
        """The metrics that one of the job's vertices has by now."""
        return [str(entry["id"]) for entry in self._answer("GET", _metrics(job_id, vertex_id))]

    def metrics(self, job_id: str, vertex_id: str, names: Sequence[str], aggregate: str = "sum") -> dict[str, float]:
        """Metrics of one of the job's vertices over its subtasks: their `sum`, `min`, `max` or `avg`."""
        options = {"get": ",".join(names), "agg": aggregate}
        found = self._answer("GET", _metrics(job_id, vertex_id), params=options)
        return {str(entry["id"]): float(entry[aggregate]) for entry in found}

    def cancel(self, job_id: str, timeout_s: float = 60.0) -> None:
        """Cancel a job and return when it has ended; one that has ended already is left as it is."""
        if self.job_state(job_id) in TERMINAL_STATES:
            return
        self._order("PATCH", f"/jobs/{job_id}?mode=cancel")
        self.wait_for_state(job_id, *TERMINAL_STATES, timeout_s=timeout_s)

    def stop_with_savepoint(self, job_id: str, directory: str | None = None, timeout_s: float = 120.0) -> str:
        """Stop a job and return the path of its savepoint. Time goes on where it stood: no window is closed by the stop."""
        trigger = self._order("POST", f"/jobs/{job_id}/stop", {"targetDirectory": directory, "drain": False})[
            "request-id"
        ]
        deadline = time.monotonic() + timeout_s
        while (answer := self._get(f"/jobs/{job_id}/savepoints/{trigger}"))["status"]["id"] != "COMPLETED":
            if time.monotonic() > deadline:
                raise FlinkError(f"job {job_id}: no savepoint after {timeout_s:.0f} s; the job may still run")
            time.sleep(POLL_S)
        operation = answer["operation"]
        if "failure-cause" in operation:
            raise FlinkError(f"job {job_id}: no savepoint: {operation['failure-cause'].get('stack-trace', operation)}")
        self.wait_for_state(job_id, "FINISHED", timeout_s=timeout_s)
        return str(operation["location"])

    def _get(self, path: str, **parameters: Any) -> dict[str, Any]:
        return self._object("GET", path, params=parameters)

    def _order(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        return self._object(method, path, json=body)

    def _object(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        document = self._answer(method, path, **options)
        if not isinstance(document, dict):
            raise FlinkError(f"{method} {self.url}{path}: expected an object, got {str(document)[:200]}")
        return document

    def _answer(self, method: str, path: str, **options: Any) -> Any:
        try:
            response = self._client.request(method, path, **options)
        except httpx.HTTPError as error:
            raise FlinkError(f"{method} {self.url}{path}: no answer ({error!r}); is the cluster running?") from error
        if response.is_error:
            raise FlinkError(f"{method} {self.url}{path}: {response.status_code} {response.text[:2000]}")
        return response.json() if response.content else {}


def _metrics(job_id: str, vertex_id: str) -> str:
    return f"/jobs/{job_id}/vertices/{vertex_id}/subtasks/metrics"
