"""Flink's own client as a child process: it submits a job to a cluster, here or elsewhere, and never outlives its caller."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from jobs.local import processes
from jobs.local.flink_installation import CLIENT, FlinkInstallation
from jobs.local.flink_rest import FlinkError
from jobs.local.interrupts import without_interruption

SUBMIT_TIMEOUT_S = 180.0
OUTPUT_LINES = 200
JOB_ID = re.compile(r"JobID ([0-9a-f]{32})")


class Submission:
    """A client that runs `python -m module arguments` as a job's program; `job` waits for what became of it.

    `installation` is prepared, `address` is the cluster's host:port. `python_files` (folders, zips, .py files) are shipped to
    the TaskManagers; packages lie at their root. The job starts from `savepoint`, a savepoint's or retained checkpoint's
    path, if given. `cluster_python` is the interpreter on the cluster's machines, where it is not the client's. As a context
    manager it ends the client in any case.
    """

    def __init__(
        self,
        installation: FlinkInstallation,
        address: str,
        module: str,
        *,
        arguments: Sequence[str] = (),
        python_files: Sequence[Path] = (),
        savepoint: str | None = None,
            cluster_python: str = "",
    ) -> None:
        self._module = module
        self._client: processes.Child | None = None
        command = [*installation.client_command(), "run", "--detached", "--jobmanager", address]
        if savepoint:
            command += ["--fromSavepoint", savepoint]
        python = str(installation.python)
        command += ["-pyclientexec", python, "-pyexec", cluster_python or python]
        if python_files:
            command += ["-pyfs", ",".join(str(path) for path in python_files)]
        command += ["-pym", module, *arguments]
        log = installation.directory / "log" / "submit.out"
        try:
            with without_interruption():
                self._client = processes.start(CLIENT, command, log=log, environment=installation.process_environment())
        except BaseException:  # an interrupt that was held back: nobody else knows of the client yet
            self.close()
            raise

    def __enter__(self) -> Submission:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def child(self) -> processes.Child:
        """The client's process."""
        if self._client is None:
            raise FlinkError(f"the client for {self._module} was not started")
        return self._client

    def job(self, timeout_s: float = SUBMIT_TIMEOUT_S) -> str:
        """The id of the job, once the cluster has taken it. Raises FlinkError with the client's output if it did not."""
        client = self.child
        ended = processes.wait_for_end(client, timeout_s)
        output = client.log_tail(OUTPUT_LINES)
        found = JOB_ID.search(output)
        if not found:
            what = "refused" if ended else f"not accepted within {timeout_s:.0f} s"
            raise FlinkError(f"the job {self._module} was {what}; the client's output, from {client.log}:\n{output}")
        return found.group(1)

    def close(self) -> None:
        """End the client and what it has started, if it still runs."""
        if self._client is not None:
            processes.kill(self._client)
