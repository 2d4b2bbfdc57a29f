"""The services that the project starts by itself: they work, they end, and they leave nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil
import pytest
import redis
from confluent_kafka import Consumer, KafkaException, Producer
from confluent_kafka.admin import AdminClient, NewTopic
from rich.console import Console

from jobs.local import processes
from jobs.local import stack as local
from jobs.local.flink_rest import FlinkError
from jobs.local.jars import JarError, expected_jars, fetch_jars, read_jars
from jobs.local.java import find_java
from jobs.local.kafka import KafkaServer
from jobs.local.ports import free_ports, is_free
from jobs.local.processes import Child, ProcessError
from jobs.local.redis_server import RedisServer
from jobs.local.stack import LocalStack
from jobs.local.state import read_state

PROJECT = Path(__file__).resolve().parents[2]

THREAD_MODE_JOB = """
import sys
from pyflink.common import Configuration, Types
from pyflink.datastream import StreamExecutionEnvironment

class Upper:
    def __call__(self, text):
        return text.upper()

def main():
    configuration = Configuration()
    configuration.set_string("python.execution-mode", "thread")
    env = StreamExecutionEnvironment.get_execution_environment(configuration)
    words = env.from_collection(sys.argv[1:], type_info=Types.STRING())
    words.key_by(lambda word: word, key_type=Types.STRING()).map(Upper(), output_type=Types.STRING()).print()
    env.execute("words")
"""

ENDLESS_JOB = """
from pyflink.datastream import StreamExecutionEnvironment
from pyflink.table import DataTypes, StreamTableEnvironment
from pyflink.table.udf import udf

def main():
    tables = StreamTableEnvironment.create(StreamExecutionEnvironment.get_execution_environment())
    plus_one = udf(lambda column: column + 1, result_type=DataTypes.BIGINT(), func_type="pandas")
    tables.create_temporary_function("plus_one", plus_one)
    tables.execute_sql("CREATE TABLE numbers (n BIGINT) WITH ('connector'='datagen', 'rows-per-second'='100')")
    tables.execute_sql("CREATE TABLE nowhere (n BIGINT) WITH ('connector'='blackhole')")
    tables.execute_sql("INSERT INTO nowhere SELECT plus_one(n) FROM numbers")
"""


def shipped(tmp_path: Path, body: str) -> list[Path]:
    """A job as it is really shipped: functions in a package, and an entry module that only calls it."""
    package = tmp_path / "shipped"
    package.mkdir()
    (package / "tiny_job.py").write_text(body)
    (package / "tiny_entry.py").write_text("import tiny_job\n\nif __name__ == '__main__':\n    tiny_job.main()\n")
    return [package]


def eventually(true: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "not within the deadline"
        time.sleep(0.05)


def descendants(children: list[Child]) -> list[psutil.Process]:
    found = []
    for child in children:
        process = psutil.Process(child.pid)
        found += [process, *process.children(recursive=True)]
    return found


def is_gone(process: psutil.Process) -> bool:
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_what_is_written_to_a_topic_is_read_from_it(stack: LocalStack) -> None:
    admin = AdminClient({"bootstrap.servers": stack.bootstrap_servers})
    admin.create_topics([NewTopic("round-trip", num_partitions=2)])["round-trip"].result(20)
    producer = Producer({"bootstrap.servers": stack.bootstrap_servers, "compression.type": "zstd"})
    for number in range(100):
        producer.produce("round-trip", key=str(number % 7), value=str(number))
    assert producer.flush(20) == 0
    consumer = Consumer(
        {"bootstrap.servers": stack.bootstrap_servers, "group.id": "round-trip", "auto.offset.reset": "earliest"}
    )
    consumer.subscribe(["round-trip"])
    values: list[int] = []
    deadline = time.monotonic() + 30
    while len(values) < 100 and time.monotonic() < deadline:
        values += [int(message.value()) for message in consumer.consume(100, timeout=1) if message.error() is None]
    consumer.close()
    assert sorted(values) == list(range(100))


def test_a_misspelt_topic_is_an_error_and_not_a_new_topic(stack: LocalStack) -> None:
    errors: list[object] = []
    producer = Producer({"bootstrap.servers": stack.bootstrap_servers, "message.timeout.ms": 3000})
    producer.produce("no-such-topic", value=b"x", on_delivery=lambda error, message: errors.append(error))
    producer.flush(20)
    assert errors and errors[0] is not None
    assert (
        "no-such-topic"
        not in AdminClient({"bootstrap.servers": stack.bootstrap_servers}).list_topics(timeout=10).topics
    )


def test_services_other_than_metrics_listen_on_the_loopback_interface_only(stack: LocalStack) -> None:
    children = [*stack.flink.children, *stack.kafka.children, *stack.redis.children]
    listening = {
        (connection.laddr.ip, connection.laddr.port)
        for child in children
        for connection in psutil.Process(child.pid).net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    }
    public = {port for ip, port in listening if ip not in ("127.0.0.1", "::ffff:127.0.0.1")}
    assert {stack.kafka.port, stack.redis.port, stack.flink.port} <= {port for _, port in listening}
    assert public == set(stack.flink.metrics_ports.values())


def test_each_flink_process_serves_its_metrics(stack: LocalStack) -> None:
    for name, port in stack.flink.metrics_ports.items():
        text = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
        assert f"flink_{name.partition('-')[0]}_Status_JVM_Memory_Heap_Used" in text


def test_jobs_with_python_in_the_jvm_finish_twice_on_one_cluster(stack: LocalStack, tmp_path: Path) -> None:
    files = shipped(tmp_path, THREAD_MODE_JOB)
    for _ in range(2):
        job = stack.flink.submit("tiny_entry", arguments=["hello", "你好"], python_files=files)
        with stack.flink.rest() as rest:
            assert rest.wait_for_state(job, "FINISHED", timeout_s=90) == "FINISHED"
    written = (stack.flink.directory / "log" / "taskmanager-1.out").read_text()
    assert written.count("HELLO") == 2 and written.count("你好") == 2


def test_a_job_stops_with_a_savepoint_and_starts_from_it(stack: LocalStack, tmp_path: Path) -> None:
    files = shipped(tmp_path, ENDLESS_JOB)
    first = stack.flink.submit("tiny_entry", python_files=files)
    with stack.flink.rest() as rest:
        rest.wait_for_state(first, "RUNNING", timeout_s=60)
        eventually(lambda: rest.checkpoints(first)["counts"]["completed"] > 0, 60)
    savepoint = stack.flink.stop_with_savepoint(first)
    assert savepoint.startswith(f"file:{stack.flink.directory}/savepoints/")
    second = stack.flink.submit("tiny_entry", python_files=files, savepoint=savepoint)
    with stack.flink.rest() as rest:
        rest.wait_for_state(second, "RUNNING", timeout_s=60)
        assert rest.checkpoints(second)["latest"]["restored"]["external_path"] == savepoint
    stack.flink.cancel(second)
    assert stack.flink.job_state(second) == "CANCELED"
    assert stack.flink.exceptions(second) == []


def test_a_job_that_cannot_be_submitted_says_why(stack: LocalStack, tmp_path: Path) -> None:
    files = shipped(tmp_path, "def main():\n    raise ValueError('the rules file is missing')\n")
    with pytest.raises(FlinkError, match="the rules file is missing"):
        stack.flink.submit("tiny_entry", python_files=files)


def test_the_job_goes_on_when_a_task_manager_is_killed_and_its_python_dies_with_it(
    stack: LocalStack, tmp_path: Path
) -> None:
    job = stack.flink.submit("tiny_entry", python_files=shipped(tmp_path, ENDLESS_JOB))
    try:
        with stack.flink.rest() as rest:
            eventually(lambda: rest.checkpoints(job)["counts"]["completed"] > 0, 90)
            victim = stack.flink.running_task_managers()[0]
            family = descendants([victim])
            assert len(family) > 1, "the scoring process should be there"
            stack.flink.kill_task_manager(victim)
            assert all(is_gone(process) for process in family)
            stack.flink.add_task_manager()
            eventually(lambda: rest.exceptions(job) != [], 60)
            rest.wait_for_state(job, "RUNNING", timeout_s=90)
            eventually(lambda: rest.checkpoints(job)["counts"]["restored"] == 1, 90)
        stack.flink.wait_for_slots(1)
    finally:
        stack.flink.cancel(job)


def test_redis_finds_its_data_after_a_crash(tmp_path: Path) -> None:
    server = RedisServer(tmp_path)
    try:
        server.start()
        server.wait()
        with redis.Redis.from_url(server.url, decode_responses=True) as client:
            client.set("kept", "yes")
            client.execute_command("CONFIG", "SET", "appendfsync", "always")
            client.xadd("alerts", {"n": "1"})
        os.kill(server.children[0].pid, signal.SIGKILL)
        eventually(lambda: not server.children[0].is_alive())
        server.stop()
        server.start()
        server.wait()
        with redis.Redis.from_url(server.url, decode_responses=True) as client:
            assert client.get("kept") == "yes"
            assert client.xlen("alerts") == 1
    finally:
        server.stop()
    assert is_free(server.port)


def test_a_topic_outlives_a_crash_of_the_broker(tmp_path: Path) -> None:
    server = KafkaServer(tmp_path, find_java(), fetch_jars().kafka)
    try:
        server.start()
        server.wait()
        admin = AdminClient({"bootstrap.servers": server.bootstrap_servers})
        admin.create_topics([NewTopic("kept", num_partitions=3)])["kept"].result(20)
        os.kill(server.children[0].pid, signal.SIGKILL)
        eventually(lambda: not server.children[0].is_alive())
        server.stop()
        server.start()
        server.wait()
        topics = AdminClient({"bootstrap.servers": server.bootstrap_servers}).list_topics(timeout=10).topics
        assert len(topics["kept"].partitions) == 3
    finally:
        server.stop()


def test_a_service_that_dies_at_its_start_is_reported_with_the_end_of_its_log(tmp_path: Path) -> None:
    server = KafkaServer(tmp_path, find_java(), fetch_jars().kafka)
    server.jars = [jar for jar in server.jars if not jar.name.startswith("scala-library")]
    server.start()
    try:
        with pytest.raises(ProcessError, match=r"(?s)kafka ended before Kafka was ready.*NoClassDefFoundError"):
            server.wait()
    finally:
        server.stop()


def test_up_and_down_leave_data_but_no_process_and_no_port(tmp_path: Path) -> None:
    started = local.up(tmp_path)
    try:
        admin = AdminClient({"bootstrap.servers": started.bootstrap_servers})
        admin.create_topics([NewTopic("kept")])["kept"].result(20)
        rows = local.status(tmp_path)
        assert [row.name for row in rows] == ["jobmanager", "taskmanager-1", "kafka", "redis"]
        assert all(row.alive and row.memory_bytes > 1_000_000 for row in rows)
        assert [child.pid for child in local.up(tmp_path).flink.children] == [row.pid for row in rows[:2]]

        for wanted in ({"task_managers": 2}, {"metrics": True}):
            with pytest.raises(ProcessError, match=r"run already, with 1 TaskManagers and no metrics: `replywatch down`, then"):
                local.up(tmp_path, **wanted)

        attached = LocalStack.running(tmp_path)
        attached.restart_task_managers()
        assert [row.name for row in local.status(tmp_path)][:2] == ["jobmanager", "taskmanager-2"]
        state = read_state(tmp_path)
        assert state is not None
        processes = descendants(state.children())
    finally:
        stopped = local.down(tmp_path)
    assert set(stopped) == {"jobmanager", "taskmanager-2", "kafka", "redis"}
    assert all(is_gone(process) for process in processes)
    ports = [*state.kafka_ports, state.redis_port, *state.flink_ports, *state.metrics_ports.values()]
    assert all(is_free(port) for port in ports)
    assert local.status(tmp_path) == [] and local.down(tmp_path) == []
    assert [path.name for path in tmp_path.rglob(".state.json-*")] == []

    again = local.up(tmp_path)
    try:
        assert again.bootstrap_servers == started.bootstrap_servers
        admin = AdminClient({"bootstrap.servers": again.bootstrap_servers})
        assert "kept" in admin.list_topics(timeout=10).topics
    finally:
        local.down(tmp_path)


STARTER = """
import sys, time
from pathlib import Path
from jobs.local.stack import LocalStack
with LocalStack(Path(sys.argv[1])):
    print("ready", flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
@pytest.mark.parametrize("moment", ["starting", "ready"])
def test_nothing_survives_its_starter(tmp_path: Path, blow: signal.Signals, moment: str) -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, str(tmp_path)],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert starter.stdout is not None
        if moment == "ready":
            assert starter.stdout.readline() == "ready\n"
        else:
            eventually(lambda: len(json.loads(state_text(tmp_path))["processes"]) >= 2)
        processes = descendants([record.child() for record in read_state(tmp_path).processes])  # type: ignore[union-attr]
        starter.send_signal(blow)
        starter.wait(60)
    finally:
        starter.kill()
        starter.communicate()
    assert len(processes) >= 2
    eventually(lambda: all(is_gone(process) for process in processes), 60)
    here = str(tmp_path)
    eventually(lambda: not [process for process in psutil.process_iter() if here in command_line(process)], 60)


def state_text(directory: Path) -> str:
    path = directory / "state.json"
    return path.read_text() if path.exists() else '{"processes": []}'


def command_line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def test_a_damaged_jar_is_replaced_before_use(tmp_path: Path) -> None:
    jars = read_jars()
    whole = expected_jars()
    fetch_jars()
    for path in [*whole.kafka, *whole.flink]:
        (tmp_path / path.name).hardlink_to(path)
    wanted = next(jar for jar in jars["kafka"] if jar.artifact == "jspecify")
    damaged = tmp_path / wanted.file
    content = damaged.read_bytes()
    damaged.unlink()
    damaged.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    fetch_jars(tmp_path, console=Console(quiet=True))
    assert damaged.read_bytes() == content
    assert [path.name for path in tmp_path.glob(".partial-*")] == []


def test_a_jar_that_arrives_with_another_sum_is_never_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configuration = tmp_path / "conf"
    configuration.mkdir()
    monkeypatch.setenv("REPLYWATCH_CONF", str(configuration))
    entry = next(jar for jar in read_jars(PROJECT / "conf" / "jars.yaml")["kafka"] if jar.artifact == "jspecify")
    (configuration / "jars.yaml").write_text(
        f"kafka:\n- {{coordinate: '{entry.coordinate}', sha256: '{'0' * 64}', size: {entry.size}}}\nflink: []\n"
    )
    cache = tmp_path / "cache"
    with pytest.raises(JarError, match=r"org\.jspecify:jspecify:1\.0\.0 arrived with SHA-256 1fad6e6b.*expected 000"):
        fetch_jars(cache, console=Console(quiet=True))
    assert [path.name for path in cache.iterdir()] == [".lock"]


def test_a_repository_that_does_not_answer_is_one_clear_message(tmp_path: Path) -> None:
    with pytest.raises(JarError, match=r"did not answer for .*REPLYWATCH_MAVEN_REPOSITORY"):
        fetch_jars(tmp_path, repository="http://127.0.0.1:9", console=Console(quiet=True))
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]


def test_a_client_of_a_stopped_broker_hears_so(tmp_path: Path) -> None:
    server = KafkaServer(tmp_path, find_java(), [])
    with pytest.raises(KafkaException):
        AdminClient({"bootstrap.servers": server.bootstrap_servers, "log_level": 0}).list_topics(timeout=1)
    assert not server.is_ready()


def test_a_broker_starts_whatever_its_random_id_begins_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("uuid.uuid4", lambda: uuid.UUID(bytes=b"\xf8" + bytes(15)))  # "-AAAA…" in base64
    ports = free_ports(2)
    kafka = KafkaServer(tmp_path, find_java(), expected_jars().kafka, (ports[0], ports[1]))
    try:
        kafka.start()
        processes.wait_until(kafka.is_ready, what="Kafka", children=kafka.children, timeout_s=90)
    finally:
        kafka.stop()
