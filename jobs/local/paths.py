"""Where things lie on this machine: the cache of downloads, the state of running services, the configuration files.

Each place can be moved by one environment variable, so that tests, containers and read-only homes need no code of their own.
"""

from __future__ import annotations

import os
from pathlib import Path

CACHE_VARIABLE = "REPLYWATCH_CACHE"
HOME_VARIABLE = "REPLYWATCH_HOME"
CONFIGURATION_VARIABLE = "REPLYWATCH_CONF"


def cache_directory() -> Path:
    """Downloads that may be deleted at any time: `REPLYWATCH_CACHE`, else `~/.cache/replywatch`."""
    return _directory(CACHE_VARIABLE, os.environ.get("XDG_CACHE_HOME", "~/.cache") + "/replywatch")


def state_directory() -> Path:
    """Data, logs and process ids of running services: `REPLYWATCH_HOME`, else `~/.local/state/replywatch`."""
    return _directory(HOME_VARIABLE, os.environ.get("XDG_STATE_HOME", "~/.local/state") + "/replywatch")


def configuration_file(name: str) -> Path:
    """A file of the project's `conf/` folder, or of the folder named by `REPLYWATCH_CONF`.

    Raises FileNotFoundError, naming the folder and the variable that moves it, if the file is not there.
    """
    folder = _directory(CONFIGURATION_VARIABLE, str(Path(__file__).resolve().parents[2] / "conf"))
    path = folder / name
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} is missing: set {CONFIGURATION_VARIABLE} to the folder that holds the project's conf/ files"
        )
    return path


def _directory(variable: str, default: str) -> Path:
    return Path(os.environ.get(variable) or default).expanduser().absolute()
