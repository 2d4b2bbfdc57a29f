"""Dead letters: what could not be read, why, and where the original can be read again; never unmasked."""

from __future__ import annotations

import hashlib
import re

import orjson

from udfs.privacy import Masker
from udfs.text import repair

MAX_HEAD: int = 64 * 1024
SCHEMA_VERSION = 1
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
_CUT_END = re.compile(r"[\w@.+:-]{1,64}\Z", re.ASCII)


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
    """The dead letter of a record as JSON: reason, origin, size and SHA-256 of all of it, its first 64 KB masked."""
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
            "head": masked_head(raw, masker),
            "truncated": len(raw) > MAX_HEAD,
            "schema_version": SCHEMA_VERSION,
        }
    ).decode()


def masked_head(raw: bytes, masker: Masker) -> str:
    r"""The first 64 KB as text: bad bytes replaced, \uXXXX escapes read (a mask must see the digits), masked."""
    text = raw[:MAX_HEAD].decode("utf-8", errors="replace")
    text = repair(_ESCAPE.sub(lambda match: chr(int(match[1], 16)), text))
    if len(raw) > MAX_HEAD:
        text = _CUT_END.sub("", text)  # half a number at the cut would not be known for what it is
    return masker.mask(text).text
