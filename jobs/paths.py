"""Where the project's files are."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def conf_directory() -> Path:
    """The folder of settings, rules and Flink options: REPLYWATCH_CONF, the checkout's, or the installed one."""
    named = os.environ.get("REPLYWATCH_CONF")
    candidates = [Path(named)] if named else []
    candidates += [Path(__file__).resolve().parents[1] / "conf", Path(sys.prefix) / "share" / "replywatch" / "conf"]
    for candidate in candidates:
        if (candidate / "settings.yaml").is_file():
            return candidate
    raise FileNotFoundError(
        "conf/settings.yaml was not found in " + ", ".join(str(c) for c in candidates) + "; set REPLYWATCH_CONF"
    )
