"""Where a demonstration keeps its data and logs: a fresh folder a run, the last few kept, each kept small."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from jobs.paths import PlaceError, state_directory

KEPT = 3
LOCK = ".running"
BULKY = ("flink/checkpoints", "flink/savepoints", "flink/tmp", "kafka/tmp", "client")


class RunDirectory:
    """One run's folder. `worthless` before the end: nothing happened in it, so nothing stays of it."""

    def __init__(self, path: Path, ours: bool) -> None:
        self.path = path
        self.worthless = False
        self.ours = ours
        """Whether we made up its name: then it may be deleted."""


@contextlib.contextmanager
def run_directory(named: Path | None) -> Iterator[RunDirectory]:
    """A folder for one run: `named`, or a new one below the state directory, whose oldest neighbours are removed.

    At the end what nobody reads goes: checkpoints, temporary files. A folder in use by another run is never touched.
    """
    try:
        directory = RunDirectory(named.expanduser().absolute() if named else _fresh(), named is None)
        directory.path.mkdir(parents=True, exist_ok=True)
        lock = FileLock(directory.path / LOCK, timeout=0)
        lock.acquire()
    except (OSError, RuntimeError) as error:
        if isinstance(error, Timeout):
            raise
        raise PlaceError(f"{named or state_directory()}: {error}; name another folder by --directory") from error
    try:
        yield directory
        for name in BULKY:
            shutil.rmtree(directory.path / name, ignore_errors=True)
        (directory.path / LOCK).unlink(missing_ok=True)
    finally:
        lock.release()
        if directory.worthless and directory.ours:
            shutil.rmtree(directory.path, ignore_errors=True)


def _fresh() -> Path:
    folder = state_directory() / "demo"
    folder.mkdir(parents=True, exist_ok=True)
    for old in sorted((path for path in folder.iterdir() if path.is_dir()), reverse=True)[KEPT - 1 :]:
        # Under its lock, so that a run that goes on elsewhere keeps its folder.
        with contextlib.suppress(Timeout), FileLock(old / LOCK, timeout=0):
            shutil.rmtree(old, ignore_errors=True)
    return folder / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
