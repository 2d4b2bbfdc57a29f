"""The job's code as one folder to ship: the three packages with the shipped weights, and nothing else."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path

PACKAGES = ("jobs", "udfs", "models")


def application(directory: Path) -> Path:
    """Copy the packages below `directory`, which Flink ships as it is (inside a zip the weights could not be opened)."""
    for name in PACKAGES:
        spec = find_spec(name)
        if spec is None or spec.origin is None:
            raise ModuleNotFoundError(f"package {name} is not installed: install the project into {directory.anchor}")
        shutil.copytree(
            Path(spec.origin).parent,
            directory / name,
            ignore=shutil.ignore_patterns("__pycache__", "*.pyc"),
            dirs_exist_ok=True,
        )
    return directory
