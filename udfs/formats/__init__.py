"""Files of messages that were recorded elsewhere, read as canonical events in the order of time.

`open_messages` finds out what a file is by looking into it: a name can lie, and people rename what they download.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from udfs.formats import canonical, jddc, twcs
from udfs.formats.canonical import read_canonical
from udfs.formats.jddc import read_jddc
from udfs.formats.reading import FormatError, Reading
from udfs.formats.twcs import read_twcs

__all__ = ["FormatError", "Reading", "open_messages", "read_canonical", "read_jddc", "read_twcs"]

DATA_FILES: Final = (twcs.FILE_NAME, jddc.FILE_NAME, canonical.FILE_NAME)
"""Looked for, in this order, where a folder is given."""

HEAD_BYTES: Final = 65_536


def open_messages(path: Path) -> Reading:
    """Read `path`, a file or the folder of a data set, in whichever of the known formats it is.

    Known: canonical JSON lines, twcs.csv, JDDC text. Raises FormatError where it is none of them or can't be found.
    """
    file = _file(path)
    with file.open("rb") as stream:
        head = stream.read(HEAD_BYTES).decode("utf-8-sig", errors="replace")
    lines = [line for line in head.splitlines() if line.strip()]
    first = lines[0] if lines else ""
    if first.lstrip().startswith("{"):
        return read_canonical(file)
    if {cell.strip('"') for cell in first.split(",")} >= twcs.COLUMNS:
        return read_twcs(file)
    if jddc.layout_of(first) is not None:
        return read_jddc(file)
    raise FormatError(
        f"{file}:1: not a known format; readable are JSON lines of message events, twcs.csv with its header, "
        "and JDDC text (session_id, user_id, waiter_send, …, content)"
    )


def _file(path: Path) -> Path:
    if not path.is_dir():
        if not path.is_file():
            raise FormatError(f"{path}: no such file or folder")
        return path
    for name in DATA_FILES:
        if (path / name).is_file():
            return path / name
    single = sorted(path.glob("*.jsonl"))
    if len(single) == 1:
        return single[0]
    raise FormatError(f"{path}: none of {', '.join(DATA_FILES)} in this folder; give the path of the file itself")
