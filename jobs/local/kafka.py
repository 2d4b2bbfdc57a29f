"""A Kafka broker on this machine: one node, KRaft (its own controller), loopback only, data kept between starts."""

from __future__ import annotations

import base64
import json
import shlex
import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from jobs.local import processes
from jobs.local.class_data import class_data_options
from jobs.local.java import Java
from jobs.local.ports import LOOPBACK, accepts_connections, free_ports
from jobs.paths import configuration_file

NAME = "kafka"
HEAP_MB = 512
READY_TIMEOUT_S = 60.0
# One message may have 256 KB; a producer's batch is one record for the broker's limit, so this is Kafka's usual 1 MB.
MAXIMUM_MESSAGE_BYTES = 1_048_588


class KafkaServer:
    """One broker with its controller in one process.

    `ports` are the client's and the controller's port; free ones are taken if it is left out. `class_data` is a folder for
    archives of loaded classes, which shorten later starts.
    """

    def __init__(
        self,
        directory: Path,
        java: Java,
        jars: Sequence[Path],
        ports: tuple[int, int] | None = None,
        class_data: Path | None = None,
    ) -> None:
        self.directory = directory
        self.java = java
        self.jars = list(jars)
        self.class_data = class_data
        self.port, self.controller_port = ports or free_ports(2)
        self.children = processes.Children()

    @property
    def bootstrap_servers(self) -> str:
        """The address for clients, host:port."""
        return f"{LOOPBACK}:{self.port}"

    def start(self) -> None:
        """Format the data directory if it is new, and start the broker; returns before it is ready."""
        # Native libraries that a killed broker has left.
        shutil.rmtree(self.directory / "tmp", ignore_errors=True)
        for name in ("data", "log", "tmp"):
            (self.directory / name).mkdir(parents=True, exist_ok=True)
        settings = self.directory / "server.properties"
        # A file of Java's properties is read as ISO-8859-1, with the escapes that JSON has as well.
        lines = [f"{key}={json.dumps(str(value))[1:-1]}\n" for key, value in self.settings().items()]
        settings.write_text("".join(lines), encoding="ascii")
        archive = [] if self.class_data is None else class_data_options(self.class_data, self.java, NAME, self.jars)
        broker = shlex.join([*self._java(HEAP_MB, archive), "kafka.Kafka", str(settings)])
        script = f"exec {broker}"
        if not (self.directory / "data" / "meta.properties").exists():
            # One shell for both, so that the broker inherits the pid that we know.
            cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
            # It shares the broker's archive but writes none, which would hold few classes.
            light = [option for option in archive if not option.startswith("-XX:ArchiveClassesAtExit")]
            form = [*self._java(64, [*light, "-XX:TieredStopAtLevel=1"]), "kafka.tools.StorageTool", "format"]
            form += ["--config", str(settings), f"--cluster-id={cluster}"]  # one in 64 ids begins with a hyphen
            script = f"{shlex.join(form)} && {script}"
        self.children.start(NAME, ["/bin/sh", "-c", script], log=self.directory / "log" / "kafka.out")

    def is_ready(self) -> bool:
        """Whether the broker answers a client's question for the cluster's members."""
        if not accepts_connections(self.port):
            return False
        client = AdminClient({"bootstrap.servers": self.bootstrap_servers, "log_level": 0})
        try:
            return len(client.list_topics(timeout=2).brokers) > 0
        except KafkaException:
            return False

    def wait(self, timeout_s: float = READY_TIMEOUT_S) -> None:
        """Return when clients can work; raises ProcessError with the log's end otherwise."""
        processes.wait_until(self.is_ready, what="Kafka", children=self.children, timeout_s=timeout_s)

    def stop(self) -> None:
        """End the broker; the data stay."""
        processes.stop(self.children)
        self.children.clear()

    def settings(self) -> dict[str, object]:
        """The broker's configuration. Topics are created on purpose only, and a topic sets its own retention."""
        return {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@{LOOPBACK}:{self.controller_port}",
            "listeners": f"PLAINTEXT://{LOOPBACK}:{self.port},CONTROLLER://{LOOPBACK}:{self.controller_port}",
            "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{self.port}",
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
            "log.dirs": self.directory / "data",
            "auto.create.topics.enable": "false",
            "num.partitions": 1,
            "message.max.bytes": MAXIMUM_MESSAGE_BYTES,
            "log.segment.bytes": 128 * 1024 * 1024,
            # One node: no copies, and one partition of each internal topic, which also shortens the start.
            "offsets.topic.num.partitions": 1,
            "offsets.topic.replication.factor": 1,
            "transaction.state.log.num.partitions": 1,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "share.coordinator.state.topic.num.partitions": 1,
            "share.coordinator.state.topic.replication.factor": 1,
            "share.coordinator.state.topic.min.isr": 1,
            "group.initial.rebalance.delay.ms": 0,
            # How long the controller holds a killed broker for alive, and so refuses its successor.
            "broker.session.timeout.ms": 6_000,
            "broker.heartbeat.interval.ms": 1_000,
            "num.network.threads": 2,
            "num.io.threads": 4,
            "background.threads": 4,
            # The default, 128 MB, would be a quarter of the heap.
            "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,
        }

    def _java(self, heap_mb: int, options: Sequence[str]) -> list[str]:
        return [
            str(self.java.executable),
            *options,
            f"-Xmx{heap_mb}m",
            "-XX:+UseSerialGC",
            "-XX:-UsePerfData",
            "-Djava.awt.headless=true",
            f"-Djava.io.tmpdir={self.directory / 'tmp'}",
            f"-Dreplywatch.log={self.directory / 'log' / 'kafka.log'}",
            f"-Dlog4j2.configurationFile={configuration_file('kafka-log4j2.properties').as_uri()}",
            "-cp",
            ":".join(str(jar) for jar in self.jars),
        ]
