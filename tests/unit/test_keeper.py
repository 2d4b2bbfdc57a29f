"""A job that its cluster has lost is started again from the newest whole state."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from jobs.keeper import LOOK_EVERY_S, keep, newest_state
from jobs.local.flink_rest import FlinkError


def state(folder: Path, name: str, at: int, whole: bool = True) -> str:
    """A checkpoint or savepoint, as Flink writes them."""
    place = folder / name
    place.mkdir(parents=True)
    mark = place / ("_metadata" if whole else "data")
    mark.write_bytes(b"")
    os.utime(mark, (at, at))
    return str(place)


def test_the_newest_whole_state_is_found(tmp_path: Path) -> None:
    assert newest_state(tmp_path) is None
    state(tmp_path, "checkpoints/aaa/chk-7", 100)
    newest = state(tmp_path, "savepoints/savepoint-aaa-1", 200)
    state(tmp_path, "checkpoints/bbb/chk-1", 150)
    state(tmp_path, "checkpoints/bbb/chk-2", 300, whole=False)
    assert newest_state(tmp_path) == newest


def test_a_lost_job_is_started_from_there_and_one_that_lives_is_left_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    answers: list[str | FlinkError | None] = [None, "job-1", FlinkError("the cluster does not answer\nat all"), None, "job-2"]
    started: list[str | None] = []

    def living() -> str | None:
        answer = answers.pop(0)
        if isinstance(answer, FlinkError):
            raise answer
        return answer

    def start(found: str | None) -> str:
        started.append(found)
        if len(started) == 1:
            state(tmp_path, "checkpoints/aaa/chk-3", 100)
        return f"job-{len(started)}"

    def pause(seconds: float) -> bool:
        assert seconds == LOOK_EVERY_S
        return not answers

    keep(tmp_path, living, start, pause)
    assert started == [None, str(tmp_path / "checkpoints/aaa/chk-3")]
    assert "the cluster does not answer; looked at again in 60 s" in caplog.text and "at all" not in caplog.text
