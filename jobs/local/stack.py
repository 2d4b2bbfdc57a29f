"""Kafka, Redis and Flink together: started side by side, stopped whatever happens.

`LocalStack` is for a program that needs them while it runs (a demonstration, a test): they end with it, even if it is killed.
`up`, `down` and `status` are for a person: the services stay until they are taken down, their data longer.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from filelock import FileLock
from rich.console import Console

from jobs.local import processes
from jobs.local.flink import FlinkCluster
from jobs.local.interrupts import without_interruption
from jobs.local.jars import expected_jars, fetch_jars
from jobs.local.java import find_java
from jobs.local.kafka import KafkaServer
from jobs.local.ports import free_ports, is_free
from jobs.local.processes import ProcessError
from jobs.local.redis_server import RedisServer
from jobs.local.state import ProcessRecord, State, read_state, write_state
from jobs.local.watcher import Watcher
from jobs.paths import cache_directory, state_directory

READY_TIMEOUT_S = 120.0
LOCK_TIMEOUT_S = 180.0
# Writers before what they write to.
STOP_ORDER = ("flink", "redis", "kafka")


class ServiceStatus(NamedTuple):
    """One process of the stack, for people: service, process name, pid, whether it lives, resident bytes, address, log."""

    service: str
    name: str
    pid: int
    alive: bool
    memory_bytes: int
    address: str
    log: Path


class LocalStack:
    """The three services in one directory. As a context manager it starts and stops them.

    The arguments after `directory` are those of FlinkCluster; `jars` is the folder of the jar cache, `console` where the
    download's progress goes. A directory can be used again: data and, where they are still free, ports stay the same.
    """

    def __init__(
        self,
        directory: Path,
        *,
        jars: Path | None = None,
        python: Path | None = None,
        task_managers: int = 1,
        flink_options: Mapping[str, object] | None = None,
        environment: Mapping[str, str] | None = None,
        metrics: bool = False,
        console: Console | None = None,
    ) -> None:
        self.directory = directory.absolute()
        self._jars = jars
        self._console = console
        self._watcher: Watcher | None = None
        java = find_java()
        files = expected_jars(jars)
        class_data = cache_directory() / "classes"
        state = _ports(read_state(self.directory))
        self.kafka = KafkaServer(self.directory / "kafka", java, files.kafka, state.kafka_ports, class_data)
        self.redis = RedisServer(self.directory / "redis", state.redis_port)
        self.flink = FlinkCluster(
            self.directory / "flink",
            java,
            files.flink,
            python=python,
            task_managers=task_managers,
            options=flink_options,
            environment=environment,
            ports=state.flink_ports,
            metrics=metrics,
            class_data=class_data,
        )
        for service in (self.flink, self.kafka, self.redis):
            service.children.tell = self._record

    @classmethod
    def running(
        cls, directory: Path | None = None, *, python: Path | None = None, environment: Mapping[str, str] | None = None
    ) -> LocalStack:
        """The stack that `up` started in this directory, for submitting, scaling and stopping from another process.

        Raises ProcessError if not all of it runs.
        """
        directory = directory or state_directory()
        state = read_state(directory)
        if state is None or not _all_alive(state):
            raise ProcessError(f"the services of {directory} do not run: start them with `replywatch up`")
        stack = cls(directory, python=python, environment=environment)
        stack._adopt(state)
        return stack

    @property
    def bootstrap_servers(self) -> str:
        """Kafka's address, host:port."""
        return self.kafka.bootstrap_servers

    @property
    def redis_url(self) -> str:
        """Redis' address."""
        return self.redis.url

    @property
    def flink_url(self) -> str:
        """The address of Flink's REST and web interface."""
        return self.flink.url

    def __enter__(self) -> LocalStack:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Fetch what is missing, start all three side by side and return when all are ready.

        If anything fails, or at Ctrl-C, what was started is stopped before the exception goes on.
        """
        fetch_jars(self._jars, console=self._console)
        try:
            with without_interruption():
                self._watcher = Watcher()
            # The slowest first. None of these calls waits for its service.
            for service in (self.flink, self.kafka, self.redis):
                service.start()
            everything = [*self.flink.children, *self.kafka.children, *self.redis.children]
            waiting = {"Flink": self.flink.is_ready, "Kafka": self.kafka.is_ready, "Redis": self.redis.is_ready}

            def all_ready() -> bool:
                for name in [name for name, is_ready in waiting.items() if is_ready()]:
                    del waiting[name]
                return not waiting

            processes.wait_until(all_ready, what="the local stack", children=everything, timeout_s=READY_TIMEOUT_S)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop everything, Flink first. May be called at any time, also twice. A further Ctrl-C skips the goodbyes."""
        failures: list[ProcessError] = []
        with without_interruption() as interrupts:
            for service in (self.flink, self.redis, self.kafka):
                try:
                    processes.stop(service.children, hurry=interrupts.pressed)
                    service.stop()
                except ProcessError as error:
                    failures.append(error)
            if self._watcher is not None:
                self._watcher.close()
                self._watcher = None
            write_state(self.directory, self.state())
        if failures:
            raise ProcessError("\n".join(str(failure) for failure in failures))

    def release(self) -> None:
        """Let the services go on when this program ends."""
        if self._watcher is not None:
            self._watcher.release()
            self._watcher = None

    def restart_task_managers(self) -> None:
        """Replace every TaskManager and return when the slots are back.

        Python modules live as long as a TaskManager: without this, a new release's job would run the old code.
        """
        for old in self.flink.running_task_managers():
            with without_interruption():
                self.flink.stop_task_manager(old)
                self.flink.add_task_manager()
        self.flink.wait()

    def state(self) -> State:
        """What runs now, as it is kept in the state file."""
        services = {"flink": self.flink.children, "kafka": self.kafka.children, "redis": self.redis.children}
        return State(
            kafka_ports=(self.kafka.port, self.kafka.controller_port),
            redis_port=self.redis.port,
            flink_ports=(self.flink.installation.port, self.flink.installation.rpc_port),
            metrics_ports=dict(self.flink.metrics_ports),
            processes=[ProcessRecord.of(name, child) for name, children in services.items() for child in children],
        )

    def _record(self, started: processes.Child) -> None:
        if self._watcher is not None:
            self._watcher.watch(started)
        write_state(self.directory, self.state())

    def _adopt(self, state: State) -> None:
        self.flink.adopt(state.children("flink"), state.flink_ports, state.metrics_ports)
        self.kafka.children[:] = state.children("kafka")
        self.redis.children[:] = state.children("redis")
        self.kafka.port, self.kafka.controller_port = state.kafka_ports
        self.redis.port = state.redis_port


def up(
    directory: Path | None = None, *, task_managers: int = 1, metrics: bool = False, console: Console | None = None
) -> LocalStack:
    """Start the services so that they stay when this program ends, or find them running.

    `directory` (default: the state directory) keeps data, logs and the state file. A stack of which a part has died is
    stopped and started again on its data, with as many TaskManagers and with the metrics that it had. Raises ProcessError,
    JarError, JavaError and RedisServerError with a remedy; ProcessError, too, where one runs with fewer TaskManagers, or
    without the metrics, that are asked for.
    """
    directory = directory or state_directory()
    with _exclusive(directory):
        state = read_state(directory)
        if state is not None and _all_alive(state):
            running = LocalStack.running(directory)
            if running.flink.task_managers < task_managers or (metrics and not state.metrics_ports):
                raise ProcessError(
                    f"the services run already, with {running.flink.task_managers} TaskManagers and "
                    f"{'' if state.metrics_ports else 'no '}metrics: `replywatch down`, then `up` as you want them; data stay, and the "
                    "job goes on where it was"
                )
            return running
        if state is not None:
            # As they were, where nothing more is asked for: the job that goes on needs its slots, and who reads the metrics them.
            task_managers = max(task_managers, len(state.children("flink")) - 1)
            metrics = metrics or bool(state.metrics_ports)
            processes.stop(state.children())
        stack = LocalStack(directory, task_managers=task_managers, metrics=metrics, console=console)
        stack.start()
        stack.release()
        return stack


def down(directory: Path | None = None) -> list[str]:
    """Stop what `up` started; data stay. Returns the names of the processes that were still running."""
    directory = directory or state_directory()
    if read_state(directory) is None:
        return []
    with _exclusive(directory):
        state = read_state(directory)
        if state is None:
            return []
        alive = [child.name for child in state.children() if child.is_alive()]
        with without_interruption() as interrupts:
            for service in STOP_ORDER:
                processes.stop(state.children(service), hurry=interrupts.pressed)
            write_state(directory, state.model_copy(update={"processes": [], "metrics_ports": {}}))
        return alive


def status(directory: Path | None = None) -> list[ServiceStatus]:
    """Every process that `up` started and nobody took down, alive or not; empty if there is none."""
    state = read_state(directory or state_directory())
    if state is None:
        return []
    addresses = state.addresses
    rows = []
    for record in state.processes:
        child = record.child()
        address = addresses[record.service]
        rows.append(
            ServiceStatus(
                record.service, child.name, child.pid, child.is_alive(), child.memory_bytes(), address, child.log
            )
        )
    return rows


def _all_alive(state: State) -> bool:
    return bool(state.processes) and all(child.is_alive() for child in state.children())


def _exclusive(directory: Path) -> FileLock:
    directory.mkdir(parents=True, exist_ok=True)
    return FileLock(directory / ".lock", timeout=LOCK_TIMEOUT_S)


def _ports(state: State | None) -> State:
    """The ports of the last run where all are still free, else new ones."""
    if state is not None:
        wanted = [*state.kafka_ports, state.redis_port, *state.flink_ports]
        if all(is_free(port) for port in wanted) or _all_alive(state):
            return state
    first, second, third, fourth, fifth = free_ports(5)
    return State(kafka_ports=(first, second), redis_port=third, flink_ports=(fourth, fifth))
