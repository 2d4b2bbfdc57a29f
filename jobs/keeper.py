"""Keeps a job on a cluster that forgets its jobs: without high availability a JobManager that starts again has none."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

import orjson

from jobs.faults import FAILED, explain
from jobs.local.flink_state import newest_state
from jobs.paths import PlaceError

SOON_S: Final = 5.0
LATER_S: Final = 60.0
"""Between two looks: while something is wrong, and while the job lives."""

LOG = logging.getLogger(__name__)


class Keeper:
    """Looks whether a job lives, and starts it from its newest state where it doesn't.

    living: the id of the job that runs, None without one; start: submits it from a state and tells its id. Which jobs were this one is
    written down in `folder`, in a file named by `name`. Raises PlaceError where the folder can't be the one above Flink's checkpoints.
    """

    def __init__(self, folder: Path, name: str, living: Callable[[], str | None], start: Callable[[str | None], str]) -> None:
        if any(folder.glob("*/chk-*")) or any(folder.glob("chk-*")):
            raise PlaceError(f"{folder} holds checkpoints itself: name the folder that has checkpoints/ and savepoints/ in it")
        self._folder = folder
        self._living = living
        self._start = start
        self._file = folder / f"{name.replace(' ', '-')}.jobs.json"
        self._jobs: list[str] = orjson.loads(self._file.read_bytes()) if self._file.is_file() else []

    def look(self) -> bool:
        """Look once; whether the job lives now. A cluster or a Kafka that does not answer is told of, and so is a state that is gone."""
        try:
            job = self._living() or self._revive()
        except Exception as error:
            told = explain(error)
            if told is None or told[1] != FAILED:
                raise  # a bug, or settings that can't be used: asking again mends neither
            LOG.warning("%s; looked at again in %g s", told[0].partition("\n")[0], SOON_S)
            return False
        if job and job not in self._jobs:
            self._jobs.append(job)
            self._file.write_bytes(orjson.dumps(self._jobs))
        return bool(job)

    def _revive(self) -> str:
        state = newest_state(self._folder, self._jobs)
        if state is None and self._jobs:
            LOG.error(
                "no state of the lost job is in %s: is it the cluster's folder? `replywatch submit` starts it from nothing", self._folder
            )
            return ""
        job = self._start(state)
        LOG.warning("job %s started from %s", job, state or "nothing: it has never run here")
        return job

    def keep(self, pause: Callable[[float], bool]) -> None:
        """Look again and again; pause: waits so many seconds, and says whether that is the end."""
        while not pause(LATER_S if self.look() else SOON_S):
            pass
