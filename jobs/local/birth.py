"""When a process began, by a clock that nobody sets; with the pid it names a process for as long as the machine is up.

psutil's `create_time` is no such time on Linux: it adds the time of boot as it is now reckoned, which moves when the system's clock is
set. The kernel's own figure is field 22 of /proc/PID/stat (proc(5)): ticks since boot.
"""

from __future__ import annotations

import os
from pathlib import Path

import psutil

_STAT = Path("/proc/self/stat")
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_AFTER_THE_NAME = 19
"""Of field 22, among the fields behind the program's name: that may hold blanks and brackets, and stands second."""


def birth(pid: int) -> float:
    """Seconds from the machine's start to the process's, exact to a tick; elsewhere than on Linux, seconds since 1970.

    Raises psutil.NoSuchProcess.
    """
    if not _STAT.exists():
        return psutil.Process(pid).create_time()
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError) as error:
        raise psutil.NoSuchProcess(pid) from error
    return int(fields[_AFTER_THE_NAME]) / os.sysconf("SC_CLK_TCK")


def boot() -> str:
    """The name of this run of the machine; empty where the kernel gives none. What was born in another one lives no more."""
    return _BOOT.read_text(encoding="ascii").strip() if _BOOT.exists() else ""
