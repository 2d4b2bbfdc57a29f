"""Where a job's state lies on disk, as Flink writes checkpoints and savepoints."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path


def newest_state(folder: Path, jobs: Collection[str]) -> str | None:
    """The newest whole checkpoint or savepoint of those jobs in a folder with `checkpoints/` and `savepoints/` as Flink writes them; None
    if there is none. Other jobs of the cluster write there, too. What was being written when the cluster died has no `_metadata` yet."""
    newest, at = None, -1
    for job in jobs:
        # Flink names a savepoint by the job's first six characters.
        marks = (*folder.glob(f"checkpoints/{job}/chk-*/_metadata"), *folder.glob(f"savepoints/savepoint-{job[:6]}-*/_metadata"))
        for mark in marks:
            try:
                written = mark.stat().st_mtime_ns
            except FileNotFoundError:
                continue  # a newer checkpoint has taken its place
            if written > at:
                newest, at = str(mark.parent), written
    return newest
