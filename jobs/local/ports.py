"""Free TCP ports on the loopback interface.

A port is only free until somebody takes it, so two things keep the gap harmless: ports come from below the range from which
the kernel serves outgoing connections, and none is handed out twice by one process.
"""

from __future__ import annotations

import random
import socket

LOOPBACK = "127.0.0.1"
# Linux gives outgoing connections 32768-60999, the IANA's dynamic range starts at 49152: a client can't steal what lies below.
FIRST_PORT = 20_000
LAST_PORT = 32_000
MAXIMUM_TRIES = 2_000

_handed_out: set[int] = set()


def free_ports(count: int) -> list[int]:
    """`count` different ports on which nothing listens; all are held open until the last is found.

    Raises OSError if the range is exhausted.
    """
    holders: list[socket.socket] = []
    ports: list[int] = []
    try:
        for _ in range(MAXIMUM_TRIES):
            if len(ports) == count:
                break
            port = random.randint(FIRST_PORT, LAST_PORT)
            if port in _handed_out:
                continue
            holder = _hold(port)
            if holder is None:
                continue
            holders.append(holder)
            ports.append(port)
            _handed_out.add(port)
    finally:
        for holder in holders:
            holder.close()
    if len(ports) < count:
        raise OSError(
            f"found only {len(ports)} of {count} free ports between {FIRST_PORT} and {LAST_PORT}: stop what listens there"
        )
    return ports


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of any interface now."""
    holder = _hold(port)
    if holder is None:
        return False
    holder.close()
    return True


def accepts_connections(port: int, timeout_s: float = 0.5) -> bool:
    """Whether something listens on this loopback port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as client:
        client.settimeout(timeout_s)
        return client.connect_ex((LOOPBACK, port)) == 0


def _hold(port: int) -> socket.socket | None:
    holder = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        # All interfaces: a server that listens on one other address would still refuse one that binds to every address.
        # Re-use, as servers do: connections of a stopped server that linger in TIME_WAIT do not count.
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("", port))
    except OSError:
        holder.close()
        return None
    return holder
