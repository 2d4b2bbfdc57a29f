"""Makes the virtual environment: checks what the long part needs first, then installs what the lock file names.

Run by `make` with the machine's own Python, so this file uses the standard library only and says what is wrong in words
that an old Python can still print.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile

OLDEST, NEWEST = (3, 10), (3, 12)
DISK_BYTES = 12 * 1024**3  # torch and its companions take 6 GB, unpacked beside their downloads
MEMORY_BYTES = 2 * 1024**3
PROBE = "typing-extensions"  # small, and needed anyway


def main(root):
    """Make or refresh `.venv` below `root`; the exit code."""
    venv = os.path.join(root, ".venv")
    lock = os.path.join(root, "requirements.lock")
    stamp = os.path.join(venv, ".installed")
    wanted = fingerprint(lock, os.path.join(root, "setup.py"))
    if read(stamp) == wanted:
        return 0
    fault = first_fault(root)
    if fault:
        return refuse(fault)
    python = os.path.join(venv, "bin", "python")
    if not os.path.exists(python) and subprocess.call([sys.executable, "-m", "venv", venv]):
        shutil.rmtree(venv, ignore_errors=True)
        version = "%d.%d" % sys.version_info[:2]
        return refuse("the virtual environment could not be made: install the venv module (Debian: python%s-venv)" % version)
    pip = [python, "-m", "pip", "--disable-pip-version-check"]
    with tempfile.TemporaryDirectory() as scratch:
        probe = [*pip, "download", "-q", "--no-deps", "--retries", "1", "--timeout", "20", "-d", scratch, PROBE]
        if subprocess.call(probe):
            return refuse(
                "the package registry does not answer: check the network, or name a mirror or proxy in pip's own "
                "configuration (pip config, PIP_INDEX_URL, HTTPS_PROXY)"
            )
    print("installing the packages of requirements.lock: about 6 GB, some minutes", flush=True)
    if subprocess.call([*pip, "install", "--require-hashes", "-r", lock]):
        return refuse("the packages could not be installed; the reason is above; run the same command again to go on")
    own = ["install", "-q", "--no-deps", "--no-build-isolation", "-e", root]
    if subprocess.call([*pip, *own]):
        return refuse("the project itself could not be installed; the reason is above")
    with open(stamp, "w") as file:
        file.write(wanted)
    return 0


def first_fault(root):
    """What would break the long part, in one sentence; None if nothing is known to."""
    version = sys.version_info[:2]
    if not OLDEST <= version <= NEWEST:
        return "Python %d.%d is not supported by PyFlink 2.2: use 3.10, 3.11 or 3.12 (make PYTHON=/path/to/python3.11)" % version
    free = shutil.disk_usage(root).free
    if free < DISK_BYTES:
        return "%.1f GB of disk are free, %.0f GB are needed (torch alone takes 5): free some, or move the checkout" % (
            free / 1024**3,
            DISK_BYTES / 1024**3,
        )
    memory = available_memory()
    if memory is not None and memory < MEMORY_BYTES:
        return "%.1f GB of memory are available, 2 GB are needed to install and 6 GB to run: close other programs" % (
            memory / 1024**3
        )
    return None


def available_memory():
    """Bytes that programs can have without swapping; None where the system does not say."""
    try:
        with open("/proc/meminfo") as file:
            for line in file:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        return None
    return None


def fingerprint(*paths):
    """A hash of what decides about the environment."""
    digest = hashlib.sha256(sys.version.encode())
    for path in paths:
        with open(path, "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()


def read(path):
    """A file's text; None if there is no such file."""
    if not os.path.exists(path):
        return None
    with open(path) as file:
        return file.read()


def refuse(reason):
    """Say what is wrong; the exit code of a refusal."""
    sys.stderr.write("error: %s\n" % reason)
    return 1


if __name__ == "__main__":
    sys.exit(main(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))))
