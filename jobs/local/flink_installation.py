"""How Flink's programs are called: the distribution inside PyFlink's wheel, with a configuration folder of our own.

Nothing is written into the wheel. The programs are started as the wheel's shell scripts would start them; the scripts
themselves start three more JVMs before each, and break on a blank in a path.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import yaml

from jobs.local.class_data import class_data_options
from jobs.local.flink_rest import FlinkError
from jobs.local.java import Java
from jobs.local.ports import LOOPBACK
from jobs.paths import configuration_file

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
SIZES_TIMEOUT_S = 60.0
# For programs that are short or never busy: compile fast, not thoroughly.
LIGHT_JVM = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-XX:-UsePerfData")
REPORTER = "metrics.reporter.prom.factory.class"
# What a user's own Flink or Hadoop would slip into ours.
FOREIGN_VARIABLES = re.compile(r"^(FLINK_|_FLINK_|HADOOP_|HBASE_|YARN_|PYFLINK_|JVM_ARGS$|JAVA_TOOL_OPTIONS$)")


@dataclass
class FlinkInstallation:
    """One cluster's folder, programs and settings; the fields are those of FlinkCluster."""

    directory: Path
    java: Java
    python: Path
    connector_jars: list[Path]
    port: int
    rpc_port: int
    options: dict[str, object] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    metrics: bool = True
    class_data: Path | None = None
    _sizes: dict[str, tuple[list[str], list[str]]] = field(default_factory=dict)

    def prepare(self) -> None:
        """Make the folders and write the configuration; what killed processes left in `tmp` goes."""
        shutil.rmtree(self.directory / "tmp", ignore_errors=True)
        for name in ("conf", "log", "tmp", "checkpoints", "savepoints"):
            (self.directory / name).mkdir(parents=True, exist_ok=True)
        configuration = self.directory / "conf"
        (configuration / "log4j.properties").write_bytes(configuration_file("flink-log4j.properties").read_bytes())
        (configuration / "config.yaml").write_text(yaml.safe_dump(self.settings()), encoding="utf-8")
        self._sizes.clear()

    def settings(self) -> dict[str, object]:
        """conf/flink.yaml, this cluster's addresses and folders, and the overriding options."""
        settings: dict[str, object] = yaml.safe_load(configuration_file("flink.yaml").read_text(encoding="utf-8"))
        if not self.metrics:
            settings.pop(REPORTER, None)
        temporary = str(self.directory / "tmp")
        return {
            **settings,
            "jobmanager.rpc.address": LOOPBACK,
            "jobmanager.rpc.port": self.rpc_port,
            "jobmanager.bind-host": LOOPBACK,
            "taskmanager.host": LOOPBACK,
            "taskmanager.bind-host": LOOPBACK,
            "rest.address": LOOPBACK,
            "rest.port": self.port,
            "rest.bind-address": LOOPBACK,
            "rest.bind-port": self.port,
            "io.tmp.dirs": temporary,
            "web.tmpdir": temporary,
            "execution.checkpointing.dir": (self.directory / "checkpoints").as_uri(),
            "execution.checkpointing.savepoint-dir": (self.directory / "savepoints").as_uri(),
            "python.executable": str(self.python),
            "python.client.executable": str(self.python),
            **self.options,
        }

    def server_command(self, kind: str, name: str, settings: Mapping[str, object]) -> list[str]:
        """The command line of a JobManager or TaskManager; `settings` are for this process only."""
        for_jvm, for_flink = self._computed_sizes(kind)
        command = self._java_command(kind, name, for_jvm if kind == TASK_MANAGER else [*LIGHT_JVM, *for_jvm])
        command += ["--configDir", str(self.directory / "conf"), *for_flink]
        return command + [part for key, value in settings.items() for part in ("-D", f"{key}={value}")]

    def client_command(self) -> list[str]:
        """The command line of `flink`, to be followed by its arguments."""
        return self._java_command(CLIENT, CLIENT, LIGHT_JVM)

    def process_environment(self) -> dict[str, str]:
        """The environment of every program: the caller's, without variables that steer another Flink."""
        inherited = {key: value for key, value in os.environ.items() if not FOREIGN_VARIABLES.match(key)}
        home = flink_home()
        return {
            **inherited,
            **self.environment,
            # Without the interpreter's own folder first on the PATH, thread mode looks for pemja in another Python.
            "PATH": f"{self.python.parent}{os.pathsep}{inherited.get('PATH', os.defpath)}",
            "JAVA_HOME": str(self.java.home),
            "FLINK_CONF_DIR": str(self.directory / "conf"),
            "FLINK_LOG_DIR": str(self.directory / "log"),
            "FLINK_BIN_DIR": str(home / "bin"),
            "FLINK_LIB_DIR": str(home / "lib"),
            "FLINK_OPT_DIR": str(home / "opt"),
            "FLINK_PLUGINS_DIR": str(home / "plugins"),
        }

    def _java_command(self, kind: str, name: str, options: Sequence[str]) -> list[str]:
        settings = self.settings()
        jars = self._class_path()
        archive: list[str] = []
        if self.class_data is not None:
            archive = class_data_options(self.class_data, self.java, f"flink-{kind}", jars)
        return [
            str(self.java.executable),
            "-XX:+IgnoreUnrecognizedVMOptions",
            *archive,
            *options,
            *str(settings.get("env.java.opts.all", "")).split(),
            *str(settings.get(f"env.java.opts.{kind}", "")).split(),
            f"-Djava.io.tmpdir={self.directory / 'tmp'}",
            f"-Dlog.file={self.directory / 'log' / name}.log",
            f"-Dlog4j.configurationFile={(self.directory / 'conf' / 'log4j.properties').as_uri()}",
            "-classpath",
            ":".join(map(str, jars)),
            MAIN_CLASSES[kind],
        ]

    def _class_path(self) -> list[Path]:
        # The Python jar, which the distribution only offers, must be there for thread mode to work twice.
        home = flink_home()
        jars = sorted([*(home / "lib").glob("*.jar"), *(home / "opt").glob("flink-python-*.jar"), *self.connector_jars])
        # flink-dist last, as Flink's scripts have it.
        return sorted(jars, key=lambda jar: jar.name.startswith("flink-dist"))

    def _computed_sizes(self, kind: str) -> tuple[list[str], list[str]]:
        """What Flink computes from the configured memory: options for the JVM, and settings for the process."""
        if kind not in self._sizes:
            home = flink_home()
            jars = [home / "bin" / "bash-java-utils.jar", *(home / "lib").glob("flink-dist-*.jar")]
            command = [str(self.java.executable), *LIGHT_JVM, "-classpath", ":".join(map(str, jars)), SIZES_CLASS]
            command += [SIZES_COMMANDS[kind], "--configDir", str(self.directory / "conf")]
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SIZES_TIMEOUT_S
            )
            results = [line[len(SIZES_MARK) :] for line in done.stdout.splitlines() if line.startswith(SIZES_MARK)]
            if done.returncode != 0 or len(results) != 2:
                output = (done.stdout + done.stderr)[-3000:]
                raise FlinkError(f"Flink refuses the memory settings of a {kind} in conf/flink.yaml:\n{output}")
            self._sizes[kind] = (results[0].split(), results[1].split())
        return self._sizes[kind]


def flink_home() -> Path:
    """The distribution inside PyFlink's wheel, found without importing it. Raises FlinkError if it is not installed."""
    spec = find_spec("pyflink")
    if spec is None or spec.origin is None:
        raise FlinkError("PyFlink is missing: install this project with its dependencies into a Python 3.10 to 3.12")
    return Path(spec.origin).parent
