"""What producers write for yes, for no and for nothing, in whatever case and with blanks around it."""

from __future__ import annotations

import re
from typing import Any, Final

YES: Final = frozenset(("true", "yes", "y", "t", "on", "1"))
NO: Final = frozenset(("false", "no", "n", "f", "off", "0"))
NOTHING: Final = frozenset(("", "null", "none"))
NO_TIMES: Final = ("0001-01-01", "1970-01-01")  # Go's time that is none, and the beginning of Unix's

_COUNTS: Final = re.compile(r"[1-9]").search


def word(value: Any) -> str | None:
    """A scalar as a word to be looked up; None for what is nested, which may be too deep to be printed."""
    return None if isinstance(value, list | dict) else str(value).strip().lower()


def told(value: Any) -> bool:
    """Whether a field says anything: no, and the empty things that producers send for nothing, don't."""
    written = word(value)
    return bool(value) if written is None else written not in NO and written not in NOTHING


def truth(value: Any) -> bool | None:
    """What a field that is either true or false says; nothing is false. None where it can't be told."""
    if not told(value) or (isinstance(value, float) and not value):
        return False
    return True if word(value) in YES or value == 1 else None


def dated(value: Any) -> bool:
    """Whether a field that tells a time tells one, be it one that can't be read: neither "never" nor -1 does, nor the zero of a calendar."""
    if not told(value):
        return False
    if isinstance(value, int | float):
        return value > 0
    if not isinstance(value, str):
        return True
    written = value.strip().lower()
    return written in YES or (_COUNTS(written) is not None and not written.startswith(("-", *NO_TIMES)))
