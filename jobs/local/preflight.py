"""What must be right before the long part: each answer is one line, each failure says what to do."""

from __future__ import annotations

import platform
import shutil
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import psutil

from jobs.local.flink_installation import flink_home
from jobs.local.flink_rest import FlinkError
from jobs.local.java import JavaError, find_java
from jobs.local.ports import free_ports
from jobs.local.redis_server import RedisServerError, find_redis
from jobs.paths import CACHE_VARIABLE, HOME_VARIABLE, cache_directory, configuration_file, state_directory

OLDEST_PYTHON = (3, 10)
NEWEST_PYTHON = (3, 12)
MACHINES = ("x86_64", "amd64", "arm64", "aarch64")
# Jars 50 MB, class archives 170 MB; the rest is for messages, state, checkpoints and logs.
DISK_BYTES = 3 * 1024**3
# Kafka 0.4, JobManager 0.4, one TaskManager up to 2.5, the scoring process 0.5: in GB, with some air.
MEMORY_BYTES = 4 * 1024**3


class Check(NamedTuple):
    """One thing that was looked at: its name, whether it is right, what was found, and what to do if not."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""


def preflight(directory: Path | None = None) -> list[Check]:
    """Every check for running the services in `directory` (default: the state directory); none of them raises."""
    directory = directory or state_directory()
    return [
        check_python(sys.version_info[:2]),
        check_machine(platform.system(), platform.machine()),
        check_java(),
        check_redis(),
        check_flink(),
        check_configuration(),
        check_writable("state directory", directory, HOME_VARIABLE),
        check_writable("cache directory", cache_directory(), CACHE_VARIABLE),
        check_disk(directory, DISK_BYTES),
        check_memory(psutil.virtual_memory().available, MEMORY_BYTES),
        check_ports(),
    ]


def check_python(version: tuple[int, ...]) -> Check:
    """PyFlink 2.2 installs on Python 3.10 to 3.12."""
    found = ".".join(map(str, version))
    ok = OLDEST_PYTHON <= tuple(version) <= NEWEST_PYTHON
    return Check(
        "python", ok, f"Python {found}", "" if ok else "use Python 3.10, 3.11 or 3.12: PyFlink 2.2 has no other"
    )


def check_machine(system: str, machine: str) -> Check:
    """The services are native programs: Linux (tried) or macOS, 64 bit."""
    ok = system in ("Linux", "Darwin") and machine.lower() in MACHINES
    return Check(
        "machine", ok, f"{system} {machine}", "" if ok else "use 64-bit Linux (on Windows: inside WSL 2) or macOS"
    )


def check_java() -> Check:
    """A Java 17 to 21, the user's or the wheel's."""
    try:
        java = find_java()
    except JavaError as error:
        return Check("java", False, "none found", str(error))
    return Check("java", True, f"Java {java.version} from {java.origin}")


def check_redis() -> Check:
    """A redis-server, the system's or the wheel's."""
    try:
        return Check("redis", True, str(find_redis()))
    except RedisServerError as error:
        return Check("redis", False, "none found", str(error))


def check_flink() -> Check:
    """The Flink distribution inside PyFlink's wheel."""
    try:
        return Check("flink", True, str(flink_home()))
    except FlinkError as error:
        return Check("flink", False, "none found", str(error))


def check_configuration() -> Check:
    """The project's configuration files."""
    try:
        return Check("configuration", True, str(configuration_file("flink.yaml").parent))
    except FileNotFoundError as error:
        return Check("configuration", False, "not found", str(error))


def check_writable(name: str, directory: Path, variable: str) -> Check:
    """Whether files can be made in a directory, or the directory itself; leaves nothing behind."""
    existing = _existing(directory)
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        remedy = f"make {existing} writable, or set {variable} to another directory"
        return Check(name, False, f"{existing}: {error.strerror}", remedy)
    for sign, named in ((":", "a colon"), (",", "a comma")):
        # It becomes part of a Java class path, and of a list of Kafka's.
        if sign in str(directory):
            return Check(name, False, f"{directory} holds {named}", f"set {variable} to a directory without one")
    return Check(name, True, str(directory))


def check_disk(directory: Path, needed: int) -> Check:
    """Free space where the data will lie, in bytes."""
    free = shutil.disk_usage(_existing(directory)).free
    remedy = "" if free >= needed else f"free {_gigabytes(needed - free)} there, or set {HOME_VARIABLE} to another disk"
    return Check("disk", free >= needed, f"{_gigabytes(free)} free at {directory}, {_gigabytes(needed)} needed", remedy)


def check_memory(available: int, needed: int) -> Check:
    """Memory that programs can have without swapping, in bytes."""
    remedy = "" if available >= needed else "close other programs, or use Kafka, Redis and Flink of another machine"
    found = f"{_gigabytes(available)} available, {_gigabytes(needed)} needed"
    return Check("memory", available >= needed, found, remedy)


def check_ports() -> Check:
    """Whether loopback ports can be had at all."""
    try:
        free_ports(5)
    except OSError as error:
        return Check("ports", False, str(error), "end programs that listen there, or ask why this user may not listen")
    return Check("ports", True, "free loopback ports found")


def _existing(directory: Path) -> Path:
    """The directory, or the nearest one above it that exists."""
    while not directory.exists() and directory != directory.parent:
        directory = directory.parent
    return directory


def _gigabytes(size: int) -> str:
    return f"{size / 1024**3:.1f} GB"
