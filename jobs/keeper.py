"""Keeps a job on a cluster that forgets its jobs: without high availability a JobManager that starts again has none."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

from jobs.local.flink_rest import FlinkError

LOOK_EVERY_S: Final = 60.0
LOG = logging.getLogger(__name__)


def newest_state(folder: Path) -> str | None:
    """The newest whole checkpoint or savepoint in a folder with `checkpoints/` and `savepoints/` as Flink writes them; None if there is
    none. What was being written when the cluster died has no `_metadata` yet."""
    marks = [*folder.glob("checkpoints/*/chk-*/_metadata"), *folder.glob("savepoints/savepoint-*/_metadata")]
    newest = max(marks, key=lambda path: path.stat().st_mtime, default=None)
    return None if newest is None else str(newest.parent)


def keep(folder: Path, living: Callable[[], str | None], start: Callable[[str | None], str], pause: Callable[[float], bool]) -> None:
    """Look again and again whether the job lives, and start it from the newest state where it doesn't.

    living: the id of the job that runs, None without one; start: submits it from a state and tells its id; pause: waits so many seconds,
    and says whether that is the end. A cluster that does not answer, or refuses, is asked again.
    """
    while True:
        try:
            if living() is None:
                state = newest_state(folder)
                LOG.warning("job %s started from %s", start(state), state or "nothing: there is no checkpoint yet")
        except FlinkError as error:
            LOG.warning("%s; looked at again in %g s", str(error).partition("\n")[0], LOOK_EVERY_S)
        if pause(LOOK_EVERY_S):
            return
