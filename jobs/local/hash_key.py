"""The secret for personal ids on this machine: made once, kept in a file that only its owner can read."""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path

from jobs.paths import state_directory

KEY_VARIABLE = "REPLYWATCH_HASH_KEY"
FILE_VARIABLE = "REPLYWATCH_HASH_KEY_FILE"
FILE = "hash.key"
BYTES = 32


def keep_hash_key() -> dict[str, str]:
    """The environment variable by which processes find the secret: the user's own, else that of a file made here.

    The file lies in the state directory with mode 600. Losing it loses the link between old and new pseudonyms only.
    """
    if os.environ.get(KEY_VARIABLE):
        return {KEY_VARIABLE: os.environ[KEY_VARIABLE]}
    if os.environ.get(FILE_VARIABLE):
        return {FILE_VARIABLE: str(Path(os.environ[FILE_VARIABLE]).absolute())}  # the processes work in other folders
    path = state_directory() / FILE
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        # Written apart and then named, so that nobody ever reads half a key; the first of two wins. mkstemp gives mode 600.
        handle, name = tempfile.mkstemp(prefix=f".{FILE}-", dir=path.parent)
        try:
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(secrets.token_hex(BYTES) + "\n")
            if not path.exists():
                os.link(name, path)
        except FileExistsError:
            pass
        finally:
            Path(name).unlink(missing_ok=True)
    return {FILE_VARIABLE: str(path)}
