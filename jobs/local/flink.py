"""A Flink cluster on this machine, from the distribution inside PyFlink's wheel.

Nothing is written into that wheel: the cluster has a folder of its own for configuration and logs, and a lib folder made of
links to the wheel's jars, the Python jar and the Kafka connector. JobManager and TaskManagers are our own children, started
as the wheel's shell scripts would, which however start three more JVMs for each and break on a blank in a path.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

import yaml

from jobs.local import processes
from jobs.local.flink_rest import FlinkError, FlinkRest
from jobs.local.java import Java
from jobs.local.paths import configuration_file
from jobs.local.ports import LOOPBACK, accepts_connections, free_ports

JOB_MANAGER = "jobmanager"
TASK_MANAGER = "taskmanager"
CLIENT = "client"
MAIN_CLASSES = {
    JOB_MANAGER: "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint",
    TASK_MANAGER: "org.apache.flink.runtime.taskexecutor.TaskManagerRunner",
    CLIENT: "org.apache.flink.client.cli.CliFrontend",
}
# Flink's own calculator of heap and other sizes, and the mark before each of its two lines of results.
SIZES_CLASS = "org.apache.flink.runtime.util.bash.BashJavaUtils"
SIZES_COMMANDS = {JOB_MANAGER: "GET_JM_RESOURCE_PARAMS", TASK_MANAGER: "GET_TM_RESOURCE_PARAMS"}
SIZES_MARK = "BASH_JAVA_UTILS_EXEC_RESULT:"
# For processes that are short or never busy: compile fast, not thoroughly.
LIGHT_JVM = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-XX:-UsePerfData")
READY_TIMEOUT_S = 90.0
SUBMIT_TIMEOUT_S = 180.0
# What a user's own Flink or Hadoop would slip into ours.
FOREIGN_VARIABLES = re.compile(r"^(FLINK_|_FLINK_|HADOOP_|HBASE_|YARN_|JVM_ARGS$|JAVA_TOOL_OPTIONS$|PYFLINK_)")
JOB_ID = re.compile(r"JobID ([0-9a-f]{32})")


class FlinkCluster:
    """One JobManager and `task_managers` TaskManagers with one slot each.

    `python` runs the job's Python code (default: this interpreter), `connector_jars` go into lib/, `options` override
    conf/flink.yaml, `environment` is added to what the processes and the submitting client see (secrets belong there).
    `ports` are those of REST and of the JobManager; free ones are taken if left out. With `metrics`, each process serves
    Prometheus metrics on a free port; Flink's reporter can't be bound to one interface, so that port is open on all.
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
    ) -> None:
        self.directory = directory
        self.java = java
        self.connector_jars = list(connector_jars)
        self.python = python or Path(sys.executable)
        self.task_managers = task_managers
        self.options = dict(options or {})
        self.environment = dict(environment or {})
        self.port, self.rpc_port = ports or free_ports(2)
        self.metrics = metrics
        self.metrics_ports: dict[str, int] = {}
        self.children: list[processes.Child] = []
        self._numbered = 0
        self._known_sizes: dict[str, tuple[list[str], list[str]]] = {}

    @property
    def url(self) -> str:
        """The address of REST and web interface."""
        return f"http://{LOOPBACK}:{self.port}"

    def rest(self) -> FlinkRest:
        """A new client for the cluster; close it after use."""
        return FlinkRest(self.url)

    def start(self) -> None:
        """Write the configuration and start all processes; returns before they are ready."""
        self._prepare()
        self._start(JOB_MANAGER, JOB_MANAGER, {})
        for _ in range(self.task_managers):
            self.add_task_manager()

    def is_ready(self) -> bool:
        """Whether as many slots as there are TaskManagers have reported to the JobManager."""
        return self._slots() >= sum(child.name.startswith(TASK_MANAGER) for child in self.children)

    def wait(self, timeout_s: float = READY_TIMEOUT_S) -> None:
        """Return when jobs can run; raises ProcessError with the logs' ends otherwise."""
        processes.wait_until(self.is_ready, what="Flink", children=self.children, timeout_s=timeout_s)

    def wait_for_slots(self, slots: int, timeout_s: float = READY_TIMEOUT_S) -> None:
        """Return when exactly `slots` slots are registered, e.g. after a TaskManager was killed and missed."""
        what = f"a Flink cluster of {slots} slots"
        processes.wait_until(lambda: self._slots() == slots, what=what, children=self.children, timeout_s=timeout_s)

    def add_task_manager(self) -> processes.Child:
        """Start one more TaskManager; `wait` returns when its slot is there."""
        taken = [int(child.name.rpartition("-")[2]) for child in self.children if child.name.startswith(TASK_MANAGER)]
        self._numbered = max([self._numbered, *taken]) + 1
        name = f"{TASK_MANAGER}-{self._numbered}"
        return self._start(TASK_MANAGER, name, {"taskmanager.resource-id": name})

    def running_task_managers(self) -> list[processes.Child]:
        """The TaskManagers whose processes live, oldest first."""
        return [child for child in self.children if child.name.startswith(TASK_MANAGER) and child.is_alive()]

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
        allow_dropped_state: bool = False,
        timeout_s: float = SUBMIT_TIMEOUT_S,
    ) -> str:
        """Run `python -m module arguments` as the job's client and return the id of the job that it submits.

        `python_files` (folders, zips, .py files) are shipped to the TaskManagers; packages lie at their root. The job starts
        from `savepoint`, a savepoint's or retained checkpoint's path, if given. Raises FlinkError with the client's output.
        """
        command = [*self._java_command(CLIENT, CLIENT, LIGHT_JVM), "run", "--detached"]
        command += ["--jobmanager", f"{LOOPBACK}:{self.port}"]
        if savepoint:
            command += ["--fromSavepoint", savepoint]
            command += ["--allowNonRestoredState"] if allow_dropped_state else []
        command += ["-pyclientexec", str(self.python), "-pyexec", str(self.python)]
        if python_files:
            command += ["-pyfs", ",".join(str(path) for path in python_files)]
        command += ["-pym", module, *arguments]
        try:
            done = subprocess.run(
                command,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=timeout_s,
            )
        except subprocess.TimeoutExpired as error:
            raise FlinkError(f"submitting {module} took longer than {timeout_s:.0f} s") from error
        found = JOB_ID.search(done.stdout)
        if done.returncode != 0 or not found:
            output = (done.stdout + done.stderr).strip()[-6000:]
            raise FlinkError(f"{module} was not submitted (exit status {done.returncode}):\n{output}")
        return found.group(1)

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

    def _start(self, kind: str, name: str, options: Mapping[str, object]) -> processes.Child:
        dynamic = dict(options)
        if self.metrics:
            self.metrics_ports[name] = free_ports(1)[0]
            dynamic["metrics.reporter.prom.port"] = self.metrics_ports[name]
        jvm_sizes, flink_sizes = self._sizes(kind)
        command = self._java_command(kind, name, jvm_sizes if kind == TASK_MANAGER else [*LIGHT_JVM, *jvm_sizes])
        command += ["--configDir", str(self.directory / "conf"), *flink_sizes]
        command += [part for key, value in dynamic.items() for part in ("-D", f"{key}={value}")]
        log = self.directory / "log" / f"{name}.out"
        with processes.without_interruption():
            child = processes.start(name, command, log=log, environment=self._environment())
            self.children.append(child)
        return child

    def _java_command(self, kind: str, name: str, options: Sequence[str]) -> list[str]:
        configuration = self.directory / "conf" / "log4j.properties"
        settings = self.settings()
        return [
            str(self.java.executable),
            "-XX:+IgnoreUnrecognizedVMOptions",
            *options,
            *str(settings.get("env.java.opts.all", "")).split(),
            *str(settings.get(f"env.java.opts.{kind}", "")).split(),
            f"-Djava.io.tmpdir={self.directory / 'tmp'}",
            f"-Dlog.file={self.directory / 'log' / name}.log",
            f"-Dlog4j.configurationFile={configuration.as_uri()}",
            "-classpath",
            # flink-dist last, as the scripts have it.
            ":".join(
                sorted(map(str, (self.directory / "lib").glob("*.jar")), key=lambda jar: ("flink-dist" in jar, jar))
            ),
            MAIN_CLASSES[kind],
        ]

    def _sizes(self, kind: str) -> tuple[list[str], list[str]]:
        """What Flink computes from the configured memory: options for the JVM, and settings for the process."""
        if kind not in self._known_sizes:
            home = _flink_home()
            jars = [home / "bin" / "bash-java-utils.jar", *(home / "lib").glob("flink-dist-*.jar")]
            command = [str(self.java.executable), *LIGHT_JVM, "-classpath", ":".join(map(str, jars)), SIZES_CLASS]
            command += [SIZES_COMMANDS[kind], "--configDir", str(self.directory / "conf")]
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=READY_TIMEOUT_S
            )
            results = [line[len(SIZES_MARK) :] for line in done.stdout.splitlines() if line.startswith(SIZES_MARK)]
            if done.returncode != 0 or len(results) != 2:
                raise FlinkError(
                    f"Flink refuses the memory settings of a {kind}:\n{(done.stdout + done.stderr)[-3000:]}"
                )
            self._known_sizes[kind] = (results[0].split(), results[1].split())
        return self._known_sizes[kind]

    def _environment(self) -> dict[str, str]:
        inherited = {key: value for key, value in os.environ.items() if not FOREIGN_VARIABLES.match(key)}
        # Without the interpreter's own folder first on the PATH, thread mode looks for pemja in another Python.
        path = f"{self.python.parent}{os.pathsep}{inherited.get('PATH', os.defpath)}"
        return {
            **inherited,
            **self.environment,
            "PATH": path,
            "JAVA_HOME": str(self.java.home),
            "FLINK_CONF_DIR": str(self.directory / "conf"),
            "FLINK_LIB_DIR": str(self.directory / "lib"),
            "FLINK_LOG_DIR": str(self.directory / "log"),
            "FLINK_OPT_DIR": str(_flink_home() / "opt"),
            "FLINK_PLUGINS_DIR": str(_flink_home() / "plugins"),
            "FLINK_BIN_DIR": str(_flink_home() / "bin"),
        }

    def _prepare(self) -> None:
        for name in ("conf", "lib", "log", "tmp", "checkpoints", "savepoints"):
            (self.directory / name).mkdir(parents=True, exist_ok=True)
        home = _flink_home()
        wanted = {jar.name: jar for jar in [*(home / "lib").glob("*.jar"), *(home / "opt").glob("flink-python-*.jar")]}
        wanted |= {jar.name: jar for jar in self.connector_jars}
        library = self.directory / "lib"
        for old in library.iterdir():
            old.unlink()
        for name, jar in wanted.items():
            (library / name).symlink_to(jar.absolute())
        configuration = self.directory / "conf"
        (configuration / "log4j.properties").write_bytes(configuration_file("flink-log4j.properties").read_bytes())
        (configuration / "config.yaml").write_text(yaml.safe_dump(self.settings()), encoding="utf-8")

    def settings(self) -> dict[str, object]:
        """conf/flink.yaml, this cluster's addresses and folders, and the overriding options."""
        common = yaml.safe_load(configuration_file("flink.yaml").read_text(encoding="utf-8"))
        if not self.metrics:
            common.pop("metrics.reporter.prom.factory.class", None)
        return {
            **common,
            "jobmanager.rpc.address": LOOPBACK,
            "jobmanager.rpc.port": self.rpc_port,
            "jobmanager.bind-host": LOOPBACK,
            "taskmanager.host": LOOPBACK,
            "taskmanager.bind-host": LOOPBACK,
            "rest.address": LOOPBACK,
            "rest.port": self.port,
            "rest.bind-address": LOOPBACK,
            "rest.bind-port": self.port,
            "io.tmp.dirs": str(self.directory / "tmp"),
            "web.tmpdir": str(self.directory / "tmp"),
            "execution.checkpointing.dir": (self.directory / "checkpoints").as_uri(),
            "execution.checkpointing.savepoint-dir": (self.directory / "savepoints").as_uri(),
            "python.executable": str(self.python),
            "python.client.executable": str(self.python),
            **self.options,
        }


def _flink_home() -> Path:
    spec = find_spec("pyflink")
    if spec is None or spec.origin is None:
        raise FlinkError(
            "PyFlink is not installed: install this project with its dependencies into a Python 3.10 to 3.12"
        )
    return Path(spec.origin).parent
