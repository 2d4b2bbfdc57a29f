"""The garbage collector leaves what stays alone."""

from __future__ import annotations

import subprocess
import sys


def test_what_is_there_is_not_looked_at_again() -> None:
    program = (
        "import gc; from udfs.collector import THRESHOLDS, collect_seldom; kept = [[] for _ in range(10_000)]; collect_seldom(); "
        "assert gc.get_threshold() == THRESHOLDS; assert gc.get_freeze_count() > 10_000; "
        "assert not any(each is kept for each in gc.get_objects())"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
