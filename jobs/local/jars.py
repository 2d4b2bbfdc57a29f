"""The Java archives that no wheel brings: fetched once, checked against their SHA-256 before every use.

Which files, and their sums, is data (`conf/jars.yaml`). How a repository is spoken to is the library `jgo`'s business, which
knows the central repository by itself; `REPLYWATCH_MAVEN_REPOSITORY` names another. A file appears in the cache only when it
is whole and right: it is loaded into a folder of its own, checked there and then renamed.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import yaml
from filelock import FileLock, Timeout
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from jobs.paths import CACHE_VARIABLE, cache_directory, configuration_file
from models.progress import console_for

REPOSITORY_VARIABLE = "REPLYWATCH_MAVEN_REPOSITORY"
PARALLEL_DOWNLOADS = 4
ATTEMPTS = 3
RESPONSE_TIMEOUT_S = 15
LOCK_TIMEOUT_S = 600
MAXIMUM_JAR_BYTES = 256 * 1024 * 1024

log = logging.getLogger(__name__)


class JarError(RuntimeError):
    """A jar can't be had; the message names it and says what to do."""


class Jar(NamedTuple):
    """One archive of `conf/jars.yaml`: Maven coordinate, SHA-256 in hex, size in bytes."""

    group: str
    artifact: str
    version: str
    sha256: str
    size: int

    @property
    def coordinate(self) -> str:
        """As Maven writes it: group:artifact:version."""
        return f"{self.group}:{self.artifact}:{self.version}"

    @property
    def file(self) -> str:
        """The file's name in a cache, a classpath, a lib folder."""
        return f"{self.artifact}-{self.version}.jar"


class Jars(NamedTuple):
    """Checked files: the Kafka broker's classpath, and what goes into Flink's lib folder."""

    kafka: list[Path]
    flink: list[Path]


def read_jars(path: Path | None = None) -> dict[str, list[Jar]]:
    """The jars of each group ("kafka", "flink") of a jars file; default `conf/jars.yaml`.

    Raises JarError naming file, group and entry if an entry is incomplete.
    """
    path = path or configuration_file("jars.yaml")
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(document, dict):
        raise JarError(f"{path}: expected the groups kafka and flink")
    return {str(group): [_jar(path, str(group), entry) for entry in entries] for group, entries in document.items()}


def expected_jars(cache: Path | None = None) -> Jars:
    """Where `fetch_jars` will put the files of `conf/jars.yaml`; nothing is looked at."""
    groups = read_jars()
    folder = cache or cache_directory() / "jars"
    return Jars(*([folder / jar.file for jar in groups[name]] for name in Jars._fields))


def fetch_jars(cache: Path | None = None, *, repository: str | None = None, console: Console | None = None) -> Jars:
    """Make every jar of `conf/jars.yaml` available and checked; only what is missing or damaged is downloaded.

    `cache` is the folder for the files (default `jars/` in the cache directory), `repository` the address of a Maven
    repository (default: the variable REPLYWATCH_MAVEN_REPOSITORY, else the central one), `console` where progress goes
    (default standard error). Raises JarError.
    """
    groups = read_jars()
    folder = cache or cache_directory() / "jars"
    repository = repository or os.environ.get(REPOSITORY_VARIABLE) or None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock", timeout=LOCK_TIMEOUT_S):
            # Under the lock nobody else downloads, so such folders are left over from a process that was killed.
            for leftover in folder.glob(".partial-*"):
                shutil.rmtree(leftover, ignore_errors=True)
            every = [jar for jars in groups.values() for jar in jars]
            missing = [jar for jar in every if not _is_intact(folder / jar.file, jar)]
            if missing:
                _download(missing, folder, repository, console or console_for())
    except Timeout as error:
        raise JarError(f"another process has been loading jars into {folder} for {LOCK_TIMEOUT_S} s: end it") from error
    except OSError as error:
        raise JarError(f"can't write jars to {folder} ({error}): free space there, or set {CACHE_VARIABLE}") from error
    return expected_jars(folder)


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _jar(path: Path, group: str, entry: object) -> Jar:
    try:
        if not isinstance(entry, dict):
            raise ValueError("not a mapping")
        names = str(entry["coordinate"]).split(":")
        if len(names) != 3 or not re.fullmatch(r"[0-9a-f]{64}", str(entry["sha256"])):
            raise ValueError("coordinate must be group:artifact:version and sha256 64 hex digits")
        return Jar(names[0], names[1], names[2], str(entry["sha256"]), int(entry["size"]))
    except (KeyError, ValueError, TypeError) as error:
        raise JarError(
            f"{path}: {group}: {entry!r} is no jar ({error}); it needs coordinate, sha256 and size"
        ) from error


def _is_intact(path: Path, jar: Jar) -> bool:
    if not path.exists():
        return False
    if path.stat().st_size == jar.size and sha256_of(path) == jar.sha256:
        return True
    path.unlink()
    log.warning("%s in the cache was damaged: deleted, will be downloaded again", path)
    return False


def _download(missing: Sequence[Jar], folder: Path, repository: str | None, console: Console) -> None:
    progress = Progress(
        TextColumn("fetching {task.fields[count]} Java archives"), BarColumn(), DownloadColumn(), TransferSpeedColumn(),
        TimeRemainingColumn(), console=console,
    )  # fmt: skip
    partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=folder))
    stopped = threading.Event()
    pool = ThreadPoolExecutor(PARALLEL_DOWNLOADS, thread_name_prefix="jar")
    try:
        with progress:
            bar = progress.add_task("", total=sum(jar.size for jar in missing), count=len(missing))

            def advance(size: int) -> None:
                if stopped.is_set():
                    raise JarError("download stopped")
                progress.advance(bar, size)

            futures = [pool.submit(_fetch, jar, folder, partial, repository, advance) for jar in missing]
            # A short pause, again and again, so that Ctrl-C is heard at once.
            while not all(future.done() for future in futures):
                done, _ = wait(futures, timeout=0.2, return_when=FIRST_EXCEPTION)
                for future in done:
                    future.result()
            for future in futures:
                future.result()
    finally:
        stopped.set()
        pool.shutdown(wait=True, cancel_futures=True)
        shutil.rmtree(partial, ignore_errors=True)


def _fetch(jar: Jar, folder: Path, partial: Path, repository: str | None, advance: Callable[[int], None]) -> None:
    # Imported here: these two cost a third of a second, and only a first start needs them.
    import requests
    from jgo.maven import MavenContext, PythonResolver

    @contextmanager
    def report(name: str, size: int) -> Iterator[Callable[[int], None]]:
        if size > MAXIMUM_JAR_BYTES:
            raise JarError(f"{name} is said to have {size} bytes, more than any jar of ours")
        yield advance

    context = MavenContext(
        resolver=PythonResolver(progress_callback=report),
        repo_cache=partial / jar.file,
        remote_repos={"configured": repository.rstrip("/")} if repository else None,
        timeout=RESPONSE_TIMEOUT_S,
    )
    artifact = context.project(jar.group, jar.artifact).at_version(jar.version).artifact()
    for attempt in range(1, ATTEMPTS + 1):
        try:
            loaded = artifact.resolve()
            break
        except requests.RequestException as error:
            shutil.rmtree(partial / jar.file, ignore_errors=True)
            if attempt == ATTEMPTS:
                raise JarError(
                    f"the Maven repository did not answer for {jar.coordinate} ({type(error).__name__}, tried {ATTEMPTS} "
                    f"times). Check the network and the proxy settings, name a mirror in {REPOSITORY_VARIABLE}, or copy "
                    f"the files of another machine's cache into {folder}"
                ) from error
            time.sleep(attempt)
        except RuntimeError as error:
            if isinstance(error, JarError):
                raise
            raise JarError(
                f"the Maven repository does not have {jar.coordinate}. Check the coordinate in conf/jars.yaml, or name a "
                f"repository that has it in {REPOSITORY_VARIABLE}"
            ) from error
    found = sha256_of(loaded)
    if found != jar.sha256:
        raise JarError(
            f"{jar.coordinate} arrived with SHA-256 {found}, expected {jar.sha256}: deleted. Try again; if it stays so, the "
            f"repository or a proxy on the way serves another file, and it must not be used"
        )
    loaded.replace(folder / jar.file)
