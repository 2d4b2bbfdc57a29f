"""Dead letters: what could not be read, why, and where the original can be read again; never unmasked."""

from __future__ import annotations

import hashlib

import orjson

from udfs.privacy import Masker
from udfs.privacy_excerpt import masked_excerpt

MAX_HEAD: int = 64 * 1024
SCHEMA_VERSION = 1


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
            "head": masked_excerpt(raw, masker, MAX_HEAD).text,
            "truncated": len(raw) > MAX_HEAD,
            "schema_version": SCHEMA_VERSION,
        }
    ).decode()

