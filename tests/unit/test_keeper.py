"""A job that its cluster has lost is started again from the newest whole state of its own."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import orjson
import pytest

from jobs.keeper import LATER_S, SOON_S, Keeper
from jobs.local.flink_rest import FlinkError
from jobs.local.flink_state import newest_state
from jobs.paths import PlaceError
from jobs.topics import TopicError
from udfs.yaml_file import FileError


def state(folder: Path, name: str, at: int, whole: bool = True) -> str:
    """A checkpoint or savepoint, as Flink writes them."""
    place = folder / name
    place.mkdir(parents=True)
    mark = place / ("_metadata" if whole else "data")
    mark.write_bytes(b"")
    os.utime(mark, (at, at))
    return str(place)


def test_the_newest_whole_state_of_its_own_jobs_is_found(tmp_path: Path) -> None:
    jobs = ["aaaaaa11", "bbbbbb22"]
    assert newest_state(tmp_path, jobs) is None
    state(tmp_path, "checkpoints/aaaaaa11/chk-7", 100)
    newest = state(tmp_path, "savepoints/savepoint-aaaaaa-1", 200)
    state(tmp_path, "checkpoints/bbbbbb22/chk-1", 150)
    state(tmp_path, "checkpoints/bbbbbb22/chk-2", 300, whole=False)
    state(tmp_path, "checkpoints/cccccc33/chk-9", 400)  # another job of the cluster
    assert newest_state(tmp_path, jobs) == newest


class Cluster:
    """Answers that are asked for one after the other: a job's id, None, or a fault."""

    def __init__(self, folder: Path, *answers: str | Exception | None) -> None:
        self.folder = folder
        self.answers = list(answers)
        self.started: list[str | None] = []
        self.first = 1

    def living(self) -> str | None:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def start(self, found: str | None) -> str:
        self.started.append(found)
        number = self.first + len(self.started) - 1
        job = f"job{number}00-{number}"
        state(self.folder, f"checkpoints/{job}/chk-{number}", 100 * number)
        return job

    def keeper(self) -> Keeper:
        return Keeper(self.folder, "replywatch live", self.living, self.start)


def test_a_lost_job_is_started_from_there_and_one_that_lives_is_left_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    cluster = Cluster(tmp_path, FlinkError("the cluster does not answer\nat all"), None, "job100-1", TopicError("no Kafka"), None, "job200-2")
    state(tmp_path, "checkpoints/other/chk-9", 900)
    pauses: list[float] = []

    def pause(seconds: float) -> bool:
        pauses.append(seconds)
        return not cluster.answers

    cluster.keeper().keep(pause)
    assert cluster.started == [None, str(tmp_path / "checkpoints/job100-1/chk-1")]
    assert pauses == [SOON_S, LATER_S, LATER_S, SOON_S, LATER_S, LATER_S]
    assert "the cluster does not answer; looked at again in 5 s" in caplog.text and "at all" not in caplog.text
    assert orjson.loads((tmp_path / "replywatch-live.jobs.json").read_bytes()) == ["job100-1", "job200-2"]
    # Another keeper, after a restart of the host, knows them.
    again = Cluster(tmp_path, None)
    again.first = 3
    assert again.keeper().look()
    assert again.started == [str(tmp_path / "checkpoints/job200-2/chk-2")]


def test_a_job_whose_state_is_gone_is_not_begun_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    cluster = Cluster(tmp_path, "job900-9", None)
    keeper = cluster.keeper()
    assert keeper.look()
    assert not keeper.look()
    assert cluster.started == [] and "no state of the lost job" in caplog.text


@pytest.mark.parametrize("fault", [FileError("conf/settings.yaml:3: …"), KeyError("jobs")])
def test_what_asking_again_does_not_mend_ends_it(tmp_path: Path, fault: Exception) -> None:
    with pytest.raises(type(fault)):
        Cluster(tmp_path, fault).keeper().look()


def test_a_folder_of_checkpoints_is_refused(tmp_path: Path) -> None:
    state(tmp_path, "aaaaaa11/chk-7", 100)
    with pytest.raises(PlaceError, match="name the folder that has"):
        Cluster(tmp_path).keeper()
