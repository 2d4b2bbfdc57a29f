"""CPU seconds of a process with everything that it has started, dead or alive.

A job's work is spread over a JVM and the Python processes that it starts; only their sum says what a message costs. The
kernel adds a dead child's time to the parent that collects it, so this sum loses nothing and counts nothing twice:

    sum over the living of (user + system + user and system of collected children)
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from typing import Protocol

import psutil


class CpuTimes(Protocol):
    """What the kernel says of one process; all in seconds."""

    @property
    def user(self) -> float: ...

    @property
    def system(self) -> float: ...

    @property
    def children_user(self) -> float: ...

    @property
    def children_system(self) -> float: ...


def total_seconds(times: Iterable[CpuTimes]) -> float:
    """CPU seconds of a family, given the times of its living members."""
    return sum(each.user + each.system + each.children_user + each.children_system for each in times)


def family_seconds(pid: int) -> float:
    """CPU seconds that a process and its descendants have used since they began. Raises psutil.NoSuchProcess."""
    head = psutil.Process(pid)
    times = [head.cpu_times()]
    for member in head.children(recursive=True):
        # One that ends between the two looks is in its parent's sum at the next one.
        with contextlib.suppress(psutil.NoSuchProcess):
            times.append(member.cpu_times())
    return total_seconds(times)
