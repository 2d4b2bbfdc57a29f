"""Where things lie on this machine: configuration files, the cache of downloads, the state of running services.

Each place can be moved by one environment variable, so that tests, containers and read-only homes need no code of their own.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

CACHE_VARIABLE = "REPLYWATCH_CACHE"
HOME_VARIABLE = "REPLYWATCH_HOME"
CONFIGURATION_VARIABLE = "REPLYWATCH_CONF"


class PlaceError(FileNotFoundError):
    """A file of the project is not where it should be; the message names it and the variable that moves it."""


def conf_directory() -> Path:
    """The folder of settings, rules and Flink options: `REPLYWATCH_CONF`, else the checkout's, else the installed one."""
    if os.environ.get(CONFIGURATION_VARIABLE):
        return _directory(CONFIGURATION_VARIABLE, "")
    checkout = Path(__file__).resolve().parents[1] / "conf"
    installed = Path(sys.prefix) / "share" / "replywatch" / "conf"
    return installed if not checkout.is_dir() and installed.is_dir() else checkout


def configuration_file(name: str) -> Path:
    """A file of that folder. Raises PlaceError, naming the folder and the variable that moves it, if it is not there."""
    path = conf_directory() / name
    if not path.is_file():
        raise PlaceError(
            f"{path} is missing: set {CONFIGURATION_VARIABLE} to the folder that holds the project's conf/ files"
        )
    return path


def cache_directory() -> Path:
    """Downloads that may be deleted at any time: `REPLYWATCH_CACHE`, else `~/.cache/replywatch`."""
    return _directory(CACHE_VARIABLE, os.environ.get("XDG_CACHE_HOME", "~/.cache") + "/replywatch")


def state_directory() -> Path:
    """Data, logs and process ids of running services: `REPLYWATCH_HOME`, else `~/.local/state/replywatch`."""
    return _directory(HOME_VARIABLE, os.environ.get("XDG_STATE_HOME", "~/.local/state") + "/replywatch")


def _directory(variable: str, default: str) -> Path:
    return Path(os.environ.get(variable) or default).expanduser().absolute()
