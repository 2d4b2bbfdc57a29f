"""A Flink cluster on this machine: a JobManager and TaskManagers as our own children, and jobs submitted to them."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from jobs.local import processes
from jobs.local.client import SUBMIT_TIMEOUT_S, Submission
from jobs.local.flink_installation import JOB_MANAGER, TASK_MANAGER, FlinkInstallation
from jobs.local.flink_rest import FlinkError, FlinkRest
from jobs.local.java import Java
from jobs.local.ports import LOOPBACK, accepts_connections, free_ports

READY_TIMEOUT_S = 90.0


class FlinkCluster:
    """One JobManager and `task_managers` TaskManagers with one slot each.

    `python` runs the job's Python code (default: this interpreter), `connector_jars` go onto the class path, `options`
    override conf/flink.yaml, `environment` is added to what the processes and the submitting client see (secrets belong
    there), `class_data` is a folder for archives of loaded classes, which shorten later starts. `ports` are those of REST and
    of the JobManager; free ones are taken if left out. With `metrics`, each process serves Prometheus metrics on a free port;
    Flink's reporter can't be bound to one interface, so that port is open on all.
    """

    def __init__(
        self,
        directory: Path,
        java: Java,
        connector_jars: Sequence[Path],
        *,
        python: Path | None = None,
        task_managers: int = 1,
        options: Mapping[str, object] | None = None,
        environment: Mapping[str, str] | None = None,
        ports: tuple[int, int] | None = None,
        metrics: bool = True,
        class_data: Path | None = None,
    ) -> None:
        port, rpc_port = ports or free_ports(2)
        self.installation = FlinkInstallation(
            directory=directory,
            java=java,
            python=python or Path(sys.executable),
            connector_jars=list(connector_jars),
            port=port,
            rpc_port=rpc_port,
            options=dict(options or {}),
            environment=dict(environment or {}),
            metrics=metrics,
            class_data=class_data,
        )
        self.directory = directory
        self.task_managers = task_managers
        self.metrics_ports: dict[str, int] = {}
        self.children = processes.Children()
        self._numbered = 0

    @property
    def port(self) -> int:
        """The port of REST and web interface."""
        return self.installation.port

    @property
    def url(self) -> str:
        """The address of REST and web interface."""
        return f"http://{LOOPBACK}:{self.port}"

    def rest(self) -> FlinkRest:
        """A new client for the cluster; close it after use."""
        return FlinkRest(self.url)

    def start(self) -> None:
        """Write the configuration and start all processes; returns before they are ready."""
        self.installation.prepare()
        self._start(JOB_MANAGER, JOB_MANAGER, {})
        for _ in range(self.task_managers):
            self.add_task_manager()

    def is_ready(self) -> bool:
        """Whether at least as many slots as there are TaskManagers have reported to the JobManager."""
        return self._slots() >= len(self._all_task_managers())

    def wait(self, timeout_s: float = READY_TIMEOUT_S) -> None:
        """Return when jobs can run; raises ProcessError with the logs' ends otherwise."""
        processes.wait_until(self.is_ready, what="Flink", children=self.children, timeout_s=timeout_s)

    def wait_for_slots(self, slots: int, timeout_s: float = READY_TIMEOUT_S) -> None:
        """Return when exactly `slots` slots are registered, e.g. after a TaskManager was killed and missed."""
        what = f"a Flink cluster of {slots} slots"
        processes.wait_until(lambda: self._slots() == slots, what=what, children=self.children, timeout_s=timeout_s)

    def add_task_manager(self) -> processes.Child:
        """Start one more TaskManager; `wait` returns when its slot is there."""
        # Never a name twice: the JobManager may still remember its last bearer.
        self._numbered += 1
        name = f"{TASK_MANAGER}-{self._numbered}"
        return self._start(TASK_MANAGER, name, {"taskmanager.resource-id": name})

    def running_task_managers(self) -> list[processes.Child]:
        """The TaskManagers whose processes live, oldest first."""
        return [child for child in self._all_task_managers() if child.is_alive()]

    def stop_task_manager(self, child: processes.Child) -> None:
        """End a TaskManager in order: it takes leave of the JobManager, whose jobs on it restart elsewhere at once."""
        self._end(child, processes.GRACE_S)

    def kill_task_manager(self, child: processes.Child) -> None:
        """End a TaskManager as a crash would: no goodbye, its Python processes too."""
        self._end(child, 0)

    def stop(self) -> None:
        """End all processes; checkpoints, savepoints and logs stay."""
        processes.stop(self.children)
        self.children.clear()
        self.metrics_ports.clear()

    def submit(
        self,
        module: str,
        *,
        arguments: Sequence[str] = (),
        python_files: Sequence[Path] = (),
        savepoint: str | None = None,
            timeout_s: float = SUBMIT_TIMEOUT_S,
    ) -> str:
        """Run `python -m module arguments` as the job's client and return the id of the job that it submits.

        `python_files` (folders, zips, .py files) are shipped to the TaskManagers; packages lie at their root. The job starts
        from `savepoint`, a savepoint's or retained checkpoint's path, if given. Raises FlinkError with the client's output.
        """
        submission = Submission(
            self.installation,
            f"{LOOPBACK}:{self.port}",
            module,
            arguments=arguments,
            python_files=python_files,
            savepoint=savepoint,
        )
        with submission:
            return submission.job(timeout_s)

    def cancel(self, job_id: str) -> None:
        """Cancel a job and return when it has ended."""
        with self.rest() as rest:
            rest.cancel(job_id)

    def stop_with_savepoint(self, job_id: str) -> str:
        """Stop a job and return the path of its savepoint."""
        with self.rest() as rest:
            return rest.stop_with_savepoint(job_id)

    def job_state(self, job_id: str) -> str:
        """The job's state, e.g. RUNNING."""
        with self.rest() as rest:
            return rest.job_state(job_id)

    def exceptions(self, job_id: str) -> list[str]:
        """The job's latest failures, newest first."""
        with self.rest() as rest:
            return rest.exceptions(job_id)

    def adopt(
        self, children: Sequence[processes.Child], ports: tuple[int, int], metrics_ports: Mapping[str, int]
    ) -> None:
        """Take over a cluster that another process has started."""
        self.children[:] = children
        self.installation.port, self.installation.rpc_port = ports
        self.metrics_ports = dict(metrics_ports)
        self.task_managers = len(self.running_task_managers())
        self._numbered = max([0, *(int(child.name.rpartition("-")[2]) for child in self._all_task_managers())])

    def _all_task_managers(self) -> list[processes.Child]:
        return [child for child in self.children if child.name.startswith(TASK_MANAGER)]

    def _start(self, kind: str, name: str, settings: Mapping[str, object]) -> processes.Child:
        own = dict(settings)
        if self.installation.metrics:
            self.metrics_ports[name] = free_ports(1)[0]
            own["metrics.reporter.prom.port"] = self.metrics_ports[name]
        command = self.installation.server_command(kind, name, own)
        environment = self.installation.process_environment()
        log = self.directory / "log" / f"{name}.out"
        # Away from any checkout: Python puts the working folder before the code that the job brings along.
        return self.children.start(name, command, log=log, environment=environment, directory=self.directory)

    def _end(self, child: processes.Child, grace_s: float) -> None:
        processes.stop([child], grace_s=grace_s)
        self.children.remove(child)
        self.metrics_ports.pop(child.name, None)

    def _slots(self) -> int:
        if not accepts_connections(self.port):
            return -1
        with self.rest() as rest:
            try:
                return int(rest.overview()["slots-total"])
            except FlinkError:
                # The port opens before the cluster behind it has a leader.
                return -1
