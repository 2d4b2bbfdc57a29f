"""Archives of loaded classes, which about halve the time in which a Java program starts.

Most of a start is reading, checking and laying out the same thousands of classes as last time. Java can write down the result
when a program ends and map it into memory the next time ("class data sharing"). The archives are a cache: Java checks that
one fits its version and the jars, and ignores it otherwise.
"""

from __future__ import annotations

import hashlib
import logging
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock

from jobs.local.java import Java

DUMP_TIMEOUT_S = 60.0
# Each is about 50 MB and fits one set of jars only.
ARCHIVES_KEPT = 2
# Java writes an archive's head last, so a file that begins with one of these (Java's own, a program's) is whole.
MARKS = tuple(mark.to_bytes(4, sys.byteorder) for mark in (0xF00BABA2, 0xF00BABA8))

log = logging.getLogger(__name__)


def class_data_options(folder: Path, java: Java, name: str, classpath: Sequence[Path]) -> list[str]:
    """Options with which the program `name` starts from its archive, or writes one at its end.

    `folder` keeps the archives. Without options, for example because it can't be written, Java starts as it always did.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock", timeout=DUMP_TIMEOUT_S):
            archive = folder / f"{name}-{_key(java, classpath)}.jsa"
            for written in folder.glob(f"{archive.name}.*"):
                if _is_whole(written):
                    written.replace(archive)
            _forget_old(folder, name)
            quiet = ["-Xshare:auto", "-Xlog:cds=off", "-Xlog:cds+dynamic=off", "-Xlog:class+path=off"]
            if _is_whole(archive):
                os.utime(archive)
                return [*quiet, f"-XX:SharedArchiveFile={archive}"]
            base = _base(folder, java)
            if base is None:
                return []
            return [
                *quiet,
                f"-XX:SharedArchiveFile={base}",
                f"-XX:ArchiveClassesAtExit={archive}.{os.urandom(4).hex()}",
            ]
    except (OSError, subprocess.TimeoutExpired) as error:
        log.warning("no class archives in %s, programs start slowly: %s", folder, error)
        return []


def _forget_old(folder: Path, name: str) -> None:
    """Delete what a killed program left unfinished, and all but the latest archives."""
    newest_first = sorted(folder.glob(f"{name}-*.jsa*"), key=lambda path: path.stat().st_mtime, reverse=True)
    whole = [path for path in newest_first if _is_whole(path)]
    unfinished = [path for path in newest_first if path not in whole]
    now = time.time()
    for path in [*whole[ARCHIVES_KEPT:], *(path for path in unfinished if now - path.stat().st_mtime > DUMP_TIMEOUT_S)]:
        # A program that still has it mapped keeps it until its end.
        path.unlink()


def _base(folder: Path, java: Java) -> Path | None:
    """The archive of Java's own classes, on which the programs' archives build."""
    base = folder / f"java-{_key(java, [])}.jsa"
    if not _is_whole(base):
        command = [str(java.executable), "-Xshare:dump", f"-XX:SharedArchiveFile={base}"]
        subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=DUMP_TIMEOUT_S, check=False)
    return base if _is_whole(base) else None


def _key(java: Java, classpath: Sequence[Path]) -> str:
    facts = [f"{java.home} {java.version}"]
    for jar in classpath:
        status = jar.stat()
        facts.append(f"{jar} {status.st_size} {status.st_mtime_ns}")
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]


def _is_whole(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(4) in MARKS
