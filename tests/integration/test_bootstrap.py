"""Setting up on a fresh machine, with a real environment, a real pip and a project of one file."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SETUP = "from setuptools import setup\nsetup(name='tiny', version='1', py_modules=[])\n"


def test_an_installation_leaves_standard_output_to_the_command(tmp_path: Path) -> None:
    entry = re.search(r"^setuptools==.*?(?=^\S)", (ROOT / "requirements.lock").read_text(), re.DOTALL | re.MULTILINE)
    assert entry is not None
    (tmp_path / "requirements.lock").write_text(entry.group())
    (tmp_path / "setup.py").write_text(SETUP)
    script = f"import sys; from pathlib import Path; from jobs.local import bootstrap; sys.exit(bootstrap.main(Path({str(tmp_path)!r})))"

    first = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, timeout=200)
    assert (first.returncode, first.stdout) == (0, ""), first.stderr
    assert "Successfully installed setuptools" in first.stderr

    again = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
