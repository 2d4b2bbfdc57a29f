"""Setting up on a fresh machine, with a real environment, a real pip and a project of one file."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from jobs.local import bootstrap

ROOT = Path(__file__).resolve().parents[2]
SETUP = "from setuptools import setup\nsetup(name='tiny', version='1', py_modules=[])\n"


def test_an_installation_leaves_standard_output_to_the_command(tmp_path: Path) -> None:
    entry = re.search(r"^setuptools==.*?(?=^\S)", (ROOT / "requirements.lock").read_text(), re.DOTALL | re.MULTILINE)
    assert entry is not None
    (tmp_path / "requirements.lock").write_text(entry.group())
    (tmp_path / "setup.py").write_text(SETUP)
    # This project is of one small package, so it asks for less disk than the real one.
    script = (
        "import sys; from pathlib import Path; from jobs.local import bootstrap; bootstrap.DISK_BYTES = 200_000_000; "
        f"sys.exit(bootstrap.main(Path({str(tmp_path)!r})))"
    )

    first = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, timeout=200)
    assert (first.returncode, first.stdout) == (0, ""), first.stderr
    assert "Successfully installed setuptools" in first.stderr

    again = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")


def test_what_is_installed_already_does_not_count_as_missing_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = shutil.disk_usage(tmp_path).free
    monkeypatch.setattr(bootstrap, "DISK_BYTES", free + 50_000_000)
    fault = bootstrap.first_fault(tmp_path)
    assert fault is not None
    assert re.match(r"\d+\.\d GB of disk are free, \d+ GB are needed", fault)

    installed = tmp_path / ".venv" / "lib" / "big"
    installed.parent.mkdir(parents=True)
    with installed.open("wb") as file:
        file.truncate(10**12)  # a hole: takes no disk itself
    assert bootstrap.first_fault(tmp_path) is None
