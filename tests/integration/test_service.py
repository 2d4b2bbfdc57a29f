"""`replywatch up`, `down` and what is asked beside them, as a user runs them: no state is lost, and no second job starts."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.test_local_services import eventually

pytestmark = pytest.mark.timeout(900)  # generous: the cores may be busy with other things
ELSEWHERE = "http://127.0.0.1:9"


class Home:
    """A user's state directory, and the program in it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def begin(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        own = {name: value for name, value in os.environ.items() if not name.startswith("REPLYWATCH_") or "CACHE" in name}
        own |= {"REPLYWATCH_HOME": str(self.directory), "REPLYWATCH_SCORING__MODEL": "null", **environment}
        command = [sys.executable, "-m", "jobs.cli", *arguments]
        return subprocess.Popen(command, env=own, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return ended(self.begin(*arguments, **environment))

    def service(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.directory / "service.json").read_text("utf-8"))
        return found

    def write(self, **changes: str) -> None:
        (self.directory / "service.json").write_text(json.dumps({**self.service(), **changes}), "utf-8")


def ended(process: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
    """What a command has said and come to."""
    try:
        said, told = process.communicate(timeout=300)
    finally:
        process.kill()
    return subprocess.CompletedProcess(process.args, process.returncode, said, told)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    found = Home(tmp_path)
    yield found
    found.run("down")


def test_up_and_down_lose_no_state_and_start_one_job(home: Home) -> None:
    up = home.run("up", REPLYWATCH_FLINK__REST_URL=ELSEWHERE)
    assert up.returncode == 0, up.stderr
    assert "flink.rest_url is set to services elsewhere" in up.stderr
    job = home.service()["job"]

    again = home.run("submit")
    assert (again.returncode, job in again.stderr) == (1, True)
    assert home.run("submit", "--once").returncode == 0
    assert home.run("topics").stdout.startswith("all topics are there")
    assert home.run("say", "c1", "customer", "在吗？").returncode == 0
    account = home.run("account")  # the conversation is open: no session holds the message yet
    assert account.returncode == 1
    assert json.loads(account.stdout)["messages"] == 1

    home.write(job="")  # an `up` that was broken off before it could write down what it had submitted
    assert home.run("up").returncode == 0
    assert home.service()["job"] == job

    down = home.begin("down")
    eventually(lambda: home.service()["savepoint"] != "", 120)
    down.send_signal(signal.SIGINT)  # while the services stop
    assert ended(down).returncode == 130
    savepoint = home.service()["savepoint"]
    assert "savepoint" in savepoint
    assert home.run("down").returncode == 0
    assert home.service()["savepoint"] == savepoint

    home.run("up", REPLYWATCH_SCORING__MODEL="./no_such_model")  # its job never comes to a checkpoint
    home.run("down")
    assert (home.service()["origin"], home.service()["savepoint"]) == (savepoint, "")
    ups = [ended(each) for each in [home.begin("up", "--metrics"), home.begin("up", "--metrics")]]
    assert [up.returncode for up in ups] == [0, 0], [up.stderr for up in ups]
    assert sum("waiting for its end" in up.stderr for up in ups) == 1
    (mended,) = (up for up in ups if "submitting the live job" in up.stderr)
    assert savepoint in mended.stderr.replace("\n", "")
    status = home.run("status")
    assert status.returncode == 0
    metrics = re.findall(r"(http://\S+/metrics) \((jobmanager|taskmanager-\d+)\)", status.stdout)
    assert [name for _, name in metrics] == ["jobmanager", "taskmanager-1"]
    assert all("flink_" in httpx.get(url).text for url, _ in metrics)
    assert home.run("down").returncode == 0
    assert home.service()["savepoint"] not in ("", savepoint)
