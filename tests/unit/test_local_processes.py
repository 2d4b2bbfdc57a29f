"""Child processes: found by pid and birth, ended with all that they started, never anybody else's."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from jobs.local import processes
from jobs.local.interrupts import without_interruption
from jobs.local.processes import Child, ProcessError
from jobs.local.state import ProcessRecord

SLEEPER = "import time; time.sleep(60)"
PARENT = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); time.sleep(60)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
SHORT_LIVED_PARENT = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])"


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[[str], Child]]:
    started: list[Child] = []

    def start(code: str) -> Child:
        child = processes.start("child", [sys.executable, "-c", code], log=tmp_path / f"{len(started)}.log")
        started.append(child)
        return child

    yield start
    processes.stop(started, grace_s=0)


def eventually(true: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "not within the deadline"
        time.sleep(0.02)


def test_stopping_a_process_ends_its_children_too(run: Callable[[str], Child]) -> None:
    child = run(PARENT)
    eventually(lambda: len(psutil.Process(child.pid).children()) == 1)
    grandchild = psutil.Process(child.pid).children()[0]
    processes.stop([child])
    assert not child.is_alive()
    assert not grandchild.is_running() or grandchild.status() == psutil.STATUS_ZOMBIE


def test_what_a_dead_process_left_behind_is_ended_as_well(run: Callable[[str], Child]) -> None:
    child = run(SHORT_LIVED_PARENT)
    eventually(lambda: not child.is_alive())
    orphans = [process for process in psutil.process_iter() if os.getpgid(process.pid) == child.pid]
    orphans = [process for process in orphans if process.status() != psutil.STATUS_ZOMBIE]
    assert len(orphans) == 1
    processes.stop([child])
    eventually(lambda: not orphans[0].is_running() or orphans[0].status() == psutil.STATUS_ZOMBIE)


def test_a_process_that_ignores_the_request_is_killed_after_the_grace(run: Callable[[str], Child]) -> None:
    child = run(DEAF)
    eventually(lambda: "deaf" in child.log_tail())
    began = time.monotonic()
    processes.stop([child], grace_s=0.5)
    assert 0.5 <= time.monotonic() - began < 5
    assert not child.is_alive()


def test_in_a_hurry_there_is_no_grace(run: Callable[[str], Child]) -> None:
    child = run(DEAF)
    eventually(lambda: "deaf" in child.log_tail())
    began = time.monotonic()
    processes.stop([child], grace_s=60, hurry=lambda: True)
    assert time.monotonic() - began < 5


def test_a_process_that_merely_inherited_the_pid_is_never_touched(run: Callable[[str], Child]) -> None:
    stranger = run(SLEEPER)
    remembered = Child("old", stranger.pid, stranger.born - 3600, stranger.log)
    assert not remembered.is_alive()
    assert remembered.memory_bytes() == 0
    processes.stop([remembered])
    processes.kill(remembered)
    assert stranger.is_alive()


def test_stopping_twice_or_after_the_end_is_harmless(run: Callable[[str], Child]) -> None:
    child = run("pass")
    assert processes.wait_for_end(child, 10)
    processes.stop([child])
    processes.stop([child])


def test_a_process_that_dies_while_waited_for_shows_the_end_of_its_log(run: Callable[[str], Child]) -> None:
    child = run("raise SystemExit('the disk is full')")
    with pytest.raises(ProcessError, match=r"(?s)child ended before the service was ready.*the disk is full"):
        processes.wait_until(lambda: False, what="the service", children=[child], timeout_s=30)


def test_waiting_has_a_deadline(run: Callable[[str], Child]) -> None:
    child = run(SLEEPER)
    with pytest.raises(ProcessError, match="the service was not ready after 0 s"):
        processes.wait_until(lambda: False, what="the service", children=[child], timeout_s=0.2)


def test_a_missing_program_is_an_error_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(ProcessError, match="child: can't start /no/such/program"):
        processes.start("child", ["/no/such/program"], log=tmp_path / "log")


def test_only_the_end_of_a_long_log_is_quoted(run: Callable[[str], Child]) -> None:
    child = run("for number in range(100000): print('line', number)")
    assert processes.wait_for_end(child, 20)
    assert child.log_tail(2) == "line 99998\nline 99999"


def test_an_interrupt_waits_until_the_critical_step_is_done() -> None:
    done = []
    with pytest.raises(KeyboardInterrupt), without_interruption() as interrupts:
        os.kill(os.getpid(), signal.SIGINT)
        eventually(interrupts.pressed)
        assert not interrupts.pressed(2)
        os.kill(os.getpid(), signal.SIGINT)
        eventually(lambda: interrupts.pressed(2))
        done.append("the step")
    assert done == ["the step"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_nested_critical_steps_interrupt_once_at_the_outer_end() -> None:
    done = []
    with pytest.raises(KeyboardInterrupt), without_interruption() as outer:
        with without_interruption() as inner:
            os.kill(os.getpid(), signal.SIGINT)
            eventually(inner.pressed)
            done.append("inner")
        eventually(outer.pressed)
        done.append("outer")
    assert done == ["inner", "outer"]


def test_children_are_out_of_reach_of_the_terminals_interrupt(run: Callable[[str], Child]) -> None:
    child = run(SLEEPER)
    assert os.getpgid(child.pid) == child.pid != os.getpgid(0)
    assert os.getsid(child.pid) == child.pid


WATCHED = """
import sys, time
from pathlib import Path
from jobs.local import processes
from jobs.local.interrupts import without_interruption
from jobs.local.watcher import Watcher
watcher = Watcher()
child = processes.start("child", [sys.executable, "-c", "import time; time.sleep(60)"], log=Path(sys.argv[1]))
watcher.watch(child)
if sys.argv[2] == "release":
    watcher.release()
print(child.pid, child.born, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("order", ["hold", "release"])
def test_a_watched_child_ends_with_its_killed_starter_unless_released(tmp_path: Path, order: str) -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", WATCHED, str(tmp_path / "log"), order],
        cwd=Path(__file__).resolve().parents[2],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert starter.stdout is not None
    pid, born = starter.stdout.readline().split()
    child = Child("child", int(pid), float(born), tmp_path / "log")
    assert child.is_alive()
    starter.kill()
    starter.communicate()
    if order == "hold":
        eventually(lambda: not child.is_alive())
    else:
        assert not processes.wait_for_end(child, 1.0)
        processes.kill(child)


TOLD = """
import sys, time
from pathlib import Path
from jobs.local import processes
from jobs.local.interrupts import without_interruption
def tell(child):
    print(child.pid, child.born, flush=True)
    time.sleep(60)
processes.start("child", ["/bin/sh", "-c", "echo begun; exec sleep 60"], log=Path(sys.argv[1]), tell=tell)
"""


def test_a_starter_that_is_killed_before_anybody_knows_of_its_child_leaves_nothing_running(tmp_path: Path) -> None:
    log = tmp_path / "log"
    starter = subprocess.Popen(
        [sys.executable, "-c", TOLD, str(log)],
        cwd=Path(__file__).resolve().parents[2],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert starter.stdout is not None
    pid, born = starter.stdout.readline().split()
    child = Child("child", int(pid), float(born), log)
    assert child.is_alive()
    starter.kill()
    starter.communicate()
    eventually(lambda: not child.is_alive())
    assert log.read_text() == ""


def test_the_program_begins_after_it_is_told_of_in_the_process_that_was_told(tmp_path: Path) -> None:
    children = processes.Children()
    told: list[tuple[int, str]] = []

    def tell(child: Child) -> None:
        time.sleep(0.2)
        told.append((child.pid, child.log_tail()))

    children.tell = tell
    code = "import os, sys; print(os.getpid(), sys.argv[1:], repr(sys.stdin.read()))"
    child = children.start("child", [sys.executable, "-c", code, "two words", "$HOME"], log=tmp_path / "log")
    assert processes.wait_for_end(child, 20)
    assert told == [(child.pid, "")]
    assert children == [child]
    assert child.log_tail() == f"{child.pid} ['two words', '$HOME'] ''"


def test_a_program_that_nobody_could_be_told_of_does_not_begin(tmp_path: Path) -> None:
    children = processes.Children()

    def tell(child: Child) -> None:
        raise OSError("no space left")

    children.tell = tell
    with pytest.raises(OSError, match="no space left"):
        children.start("child", ["/bin/sh", "-c", "echo begun"], log=tmp_path / "log")
    assert processes.wait_for_end(children[0], 10)
    assert children[0].log_tail() == ""


def test_a_process_that_is_ended_while_it_is_told_of_stays_ended(tmp_path: Path) -> None:
    children = processes.Children()
    children.tell = processes.kill
    child = children.start("child", ["/bin/sh", "-c", "echo begun; exec sleep 60"], log=tmp_path / "log")
    assert not child.is_alive()
    assert child.log_tail() == ""


def test_a_process_is_known_by_its_birth_whatever_the_clock_says(
    run: Callable[[str], Child], monkeypatch: pytest.MonkeyPatch
) -> None:
    child = run(SLEEPER)
    record = ProcessRecord.of("redis", child)
    assert record.child() == child
    # psutil reckons from the time of boot, which moves when the clock is set.
    monkeypatch.setattr(psutil.Process, "create_time", lambda process: 0.0)
    assert child.is_alive() and record.child().is_alive()
    earlier = record.model_copy(update={"boot": "an earlier run of the machine"}).child()
    assert not earlier.is_alive()
    processes.stop([earlier])  # whoever has its pid now is somebody else, and so is whoever has its group
    assert child.is_alive()
    processes.stop([record.child()])
    assert not child.is_alive()
