"""Dead letters: what could not be read, why, and where the original can be read again; never unmasked."""

from __future__ import annotations

import hashlib
from collections import deque
from pathlib import Path
from typing import Final

import orjson

from udfs.privacy import Masker
from udfs.privacy_excerpt import masked_excerpt

MAX_HEAD: int = 64 * 1024
SCHEMA_VERSION = 1
WINDOW = 10_000
READER_ERROR: Final = "reader_error"
"""The reason of a record at which the reading step itself failed: the fault is ReplyWatch's, and the job goes on."""


def dead_letter(
    raw: bytes | None,
    reason: str,
    detail: str,
    topic: str,
    partition: int,
    offset: int,
    record_ms: int,
    masker: Masker,
) -> str:
    """The dead letter of a record as JSON: reason, origin, size and SHA-256 of all of it, its first 64 KB masked; blank where they can't be."""
    raw = raw or b""
    return orjson.dumps(
        {
            "reason": reason,
            "detail": detail,
            "topic": topic,
            "partition": partition,
            "offset": offset,
            "timestamp": record_ms,
            "size": len(raw),
            "sha256": hashlib.sha256(raw).hexdigest(),
            "head": _head(raw, masker),
            "truncated": len(raw) > MAX_HEAD,
            "schema_version": SCHEMA_VERSION,
        }
    ).decode()


def fault_of(error: BaseException) -> str:
    """An exception's type, and where it was raised. Never its message, which may hold the very text that it was raised about."""
    raised = error.__traceback__
    while raised is not None and raised.tb_next is not None:
        raised = raised.tb_next
    place = "" if raised is None else f" at {Path(raised.tb_frame.f_code.co_filename).name}:{raised.tb_lineno}"
    return f"{type(error).__name__}{place}"


def _head(raw: bytes, masker: Masker) -> str:
    try:
        return masked_excerpt(raw, masker, MAX_HEAD).text
    except MemoryError:
        raise
    except Exception:  # whatever it is: the original can be read again, and must not leave unmasked
        return ""


class TooManyDeadLetters(RuntimeError):
    """More of the last records were refused than the setting allows: a producer is broken, and should be stopped."""


class DeadLetterWindow:
    """How many of a topic's last WINDOW records were refused. most: the share, 0…1, beyond which the job must not go on; 0 for no
    limit."""

    def __init__(self, most: float, topic: str) -> None:
        self._most = most
        self._topic = topic
        self._last: deque[bool] = deque(maxlen=WINDOW)
        self._refused = 0

    def count(self, refused: bool) -> None:
        """One record more. Raises TooManyDeadLetters."""
        if not self._most:
            return
        last = self._last
        if len(last) == WINDOW:
            self._refused -= last[0]
        last.append(refused)
        self._refused += refused
        share = self._refused / WINDOW
        if refused and len(last) == WINDOW and share > self._most:
            raise TooManyDeadLetters(
                f"dead_letter_limit: {share:.0%} of the last {WINDOW} records of {self._topic} were refused, the limit is {self._most:.0%}; "
                "read the reasons in the dead letters, and repair the producer. What lies in Kafka already is passed only with a higher "
                "limit: raise it for as long as that takes"
            )
