"""What is measured in a process of its own: Bytewax, and the bare model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from tests.benchmarks.bars import task
from tests.benchmarks.plan import BUILD, ROOT

BYTEWAX = "bytewax==0.21.1"
PROCESS_TIMEOUT_S = 1_800.0


def own_process(module: str, arguments: list[str], bar: Progress, what: str) -> dict[str, float]:
    """Run a module that prints one JSON line at its end; that line."""
    advance = task(bar, what, 1)
    path = os.pathsep.join([str(ROOT), *([str(bytewax_directory())] if find_spec("bytewax") is None else [])])
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        env={**os.environ, "PYTHONPATH": path},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PROCESS_TIMEOUT_S,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{module} failed:\n{done.stderr[-3_000:]}")
    advance(1)
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def bytewax_directory() -> Path:
    """Where Bytewax lies if it is not installed: apart from the project's own environment."""
    return BUILD / "bench" / f"bytewax-py{sys.version_info[0]}{sys.version_info[1]}"


def provide_bytewax(console: Console) -> None:
    """Install Bytewax into a folder of its own, once, unless it is installed."""
    folder = bytewax_directory()
    if find_spec("bytewax") is not None or (folder / "bytewax").is_dir():
        return
    console.print(f"installing {BYTEWAX} into {folder}")
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder), BYTEWAX], check=True)
