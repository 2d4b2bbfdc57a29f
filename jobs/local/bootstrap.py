"""Makes the virtual environment: checks what the long part needs first, then installs what the lock file names.

Run by `make` with the machine's own Python, so this file uses the standard library only and says what is wrong in words
that an older Python can still print.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

OLDEST, NEWEST = (3, 10), (3, 12)
GIGABYTE = 1024**3
DISK_BYTES = 12 * GIGABYTE  # the environment takes 7 GB, unpacked beside 4 GB of downloads
MEMORY_BYTES = 2 * GIGABYTE
PROBE = "typing-extensions"  # small, and needed anyway
NO_REGISTRY = (
    "the package registry does not answer: check the network, or name a mirror or proxy in pip's own configuration "
    "(pip config, PIP_INDEX_URL, HTTPS_PROXY)"
)


def main(root: Path) -> int:
    """Make or refresh `.venv` below `root`; the exit code."""
    venv, lock = root / ".venv", root / "requirements.lock"
    stamp = venv / ".installed"
    wanted = fingerprint(lock, root / "setup.py")
    if stamp.exists() and stamp.read_text() == wanted:
        return 0
    fault = first_fault(root)
    if fault:
        return refuse(fault)
    python = venv / "bin" / "python"
    if not python.exists() and subprocess.call([sys.executable, "-m", "venv", str(venv)]):
        shutil.rmtree(str(venv), ignore_errors=True)
        package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        return refuse(f"the virtual environment could not be made: install the venv module (Debian: {package})")
    pip = [str(python), "-m", "pip", "--disable-pip-version-check"]
    with tempfile.TemporaryDirectory() as scratch:
        probe = [*pip, "download", "-q", "--no-deps", "--retries", "1", "--timeout", "20", "-d", scratch, PROBE]
        if subprocess.call(probe, stdout=sys.stderr):
            return refuse(NO_REGISTRY)
    # All of it to standard error: standard output is the command's own, `make demo ARGS=--json | jq` the first time as well.
    sys.stderr.write("installing the packages of requirements.lock: about 7 GB, some minutes\n")
    sys.stderr.flush()
    quiet = ["-q"] if stamp.exists() else []  # a refresh is short: a list of all that is there already says nothing
    if subprocess.call([*pip, "install", *quiet, "--require-hashes", "-r", str(lock)], stdout=sys.stderr):
        return refuse("the packages could not be installed; the reason is above; run the same command again to go on")
    if subprocess.call([*pip, "install", "-q", "--no-deps", "--no-build-isolation", "-e", str(root)], stdout=sys.stderr):
        return refuse("the project itself could not be installed; the reason is above")
    stamp.write_text(wanted)
    return 0


def first_fault(root: Path) -> str | None:
    """What would break the long part, in one sentence; None if nothing is known to."""
    version = sys.version_info[:2]
    if not OLDEST <= version <= NEWEST:
        found = f"{version[0]}.{version[1]}"
        return f"PyFlink 2.2 does not run on Python {found}: use 3.10, 3.11 or 3.12 (make PYTHON=/path/to/python3.11)"
    free = shutil.disk_usage(str(root)).free
    # What is installed already isn't needed again: an environment that only wants a newer package needs little.
    if free + size_of(root / ".venv") < DISK_BYTES:
        return (
            f"{free / GIGABYTE:.1f} GB of disk are free, {DISK_BYTES / GIGABYTE:.0f} GB are needed (torch alone takes 5): "
            "free some, or move the checkout to another disk"
        )
    memory = available_memory()
    if memory is not None and memory < MEMORY_BYTES:
        return (
            f"{memory / GIGABYTE:.1f} GB of memory are available, 2 GB are needed to install and 6 GB to run: "
            "close other programs"
        )
    return None


def size_of(folder: Path) -> int:
    """Bytes of the files below `folder`; 0 where there is no such folder."""
    return sum(path.lstat().st_size for path in folder.rglob("*"))


def available_memory() -> int | None:
    """Bytes that programs can have without swapping; None where the system does not say."""
    report = Path("/proc/meminfo")
    if not report.exists():
        return None
    for line in report.read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None


def fingerprint(*paths: Path) -> str:
    """A hash of what decides about the environment."""
    digest = hashlib.sha256(sys.version.encode())
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def refuse(reason: str) -> int:
    """Say what is wrong; the exit code of a refusal."""
    sys.stderr.write(f"error: {reason}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(Path(__file__).resolve().parents[2]))
