"""The demonstration from the outside: one command in, one JSON object out, nothing left."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from jobs.local.state import read_state

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_S = 280.0
COUNTS = (
    "messages", "in_sessions", "duplicates", "dead_letters", "late", "events", "sessions", "alerts_kafka", "alerts_redis",
)  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "tmp").mkdir()
    return tmp_path / "home"


def start_demo(home: Path, *arguments: str) -> subprocess.Popen[str]:
    """`replywatch demo` with a state directory of its own; its processes are known by that variable."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("REPLYWATCH_")}
    if "REPLYWATCH_CACHE" in os.environ:
        kept["REPLYWATCH_CACHE"] = os.environ["REPLYWATCH_CACHE"]
    return subprocess.Popen(
        [sys.executable, "-m", "jobs.cli", "demo", "--model", "null", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**kept, "REPLYWATCH_HOME": str(home), "TMPDIR": str(home.with_name("tmp"))},
        start_new_session=True,
    )


def processes_of(home: Path) -> list[str]:
    """The command lines of living processes that belong to this state directory."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            if process.status() != psutil.STATUS_ZOMBIE and process.environ().get("REPLYWATCH_HOME") == str(home):
                found.append(" ".join(process.cmdline()))
    return found


def listening(home: Path) -> list[int]:
    """Ports of this state directory's runs on which somebody still listens."""
    ports = []
    for run in (home / "demo").iterdir():
        state = read_state(run)
        assert state is not None and state.processes == []
        for port in (*state.kafka_ports, state.redis_port, *state.flink_ports):
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", port)) == 0:
                    ports.append(port)
    return ports


def test_the_demo_accounts_for_every_record_and_leaves_nothing_behind(home: Path) -> None:
    demo = start_demo(home, "--seconds", "15", "--speed", "120", "--json")
    out, err = demo.communicate(timeout=DEADLINE_S)
    assert demo.returncode == 0, err
    result = json.loads(out)
    assert set(result) == {*COUNTS, "seconds", "accounted"}
    assert result["accounted"] is True
    apart = sum(result[name] for name in ("in_sessions", "duplicates", "dead_letters", "late", "events"))
    assert apart == result["messages"] > 1_000
    assert result["sessions"] > 0 and result["alerts_redis"] == result["alerts_kafka"] > 0
    assert result["dead_letters"] > 0
    assert processes_of(home) == []
    assert listening(home) == []
    assert list(home.with_name("tmp").iterdir()) == []


def test_an_interrupt_while_the_services_start_leaves_nothing_behind(home: Path) -> None:
    demo = start_demo(home)
    deadline = time.monotonic() + DEADLINE_S
    # The broker is the second of three services: one is up, one is starting, one is not there yet.
    while not list(home.glob("demo/*/kafka/log/kafka.out")):
        assert demo.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    os.killpg(demo.pid, signal.SIGINT)
    _, err = demo.communicate(timeout=DEADLINE_S)
    assert demo.returncode == 130
    assert "everything that was started is stopped" in err and "Traceback" not in err
    assert processes_of(home) == []
    assert list((home / "demo").iterdir()) == []
    assert list(home.with_name("tmp").iterdir()) == []
