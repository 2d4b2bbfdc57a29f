"""What a Redis address says behind its `?`: options of the client, each of which must be one that this project can live with."""

from __future__ import annotations

import threading
from urllib.parse import parse_qs, urlencode, urlsplit

import redis

WHAT_COMES_BACK = frozenset(("decode_responses", "encoding", "encoding_errors", "protocol"))
"""Options by which answers look otherwise than they are read here."""

TIMES = frozenset(("socket_timeout", "socket_connect_timeout"))


def unusable_options(url: str) -> list[str]:
    """The names of the options that no client takes, or not with their value, in order."""
    parts = urlsplit(url)
    given = parse_qs(parts.query, keep_blank_values=True)
    return [name for name, values in given.items() if not _is_taken(parts.scheme, name, values[0])]


def _is_taken(scheme: str, name: str, value: str) -> bool:
    """Whether a client that has this option and no other can be made. Nothing is connected to."""
    if name in WHAT_COMES_BACK:
        return False
    place = "/nowhere" if scheme == "unix" else "nowhere"
    try:
        connection = redis.Redis.from_url(f"{scheme}://{place}?{urlencode({name: value})}").connection_pool.make_connection()
    except Exception:  # a TypeError for a name, a ValueError or a RedisError for a value, and whatever a later release raises
        return False
    seconds = getattr(connection, name, None) if name in TIMES else None
    return seconds is None or 0 < seconds < threading.TIMEOUT_MAX
