"""A copy of a text for matching: a zero-width character or a full-width letter is enough to get a word past a filter."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from udfs.text import INVISIBLE

_SEPARATORS: Final = re.compile(r"[\s._\-·•‧∙・‐-―−~*/\\|,，。、]")
_COMMON_WIDE: Final = ("，", ","), ("？", "?"), ("！", "!"), ("：", ":"), ("’", "'"), ("‘", "'")
_BLANK_RUN: Final = re.compile(r"\s\s+|[^\S ]")


def fold(text: str, ignore_separators: bool = False) -> str:
    """The text in NFKC, case folded, without invisible characters, with straight apostrophes and single blanks; without
    separators, too, where a rule says so.

    `ignore_separators` is for words that are pulled apart, as in `微 信` or `w.e.i`. It also joins honest neighbours,
    so it is each rule's own choice.
    """
    if text.isascii():
        copy = text.lower()
    else:
        copy = INVISIBLE.sub("", _common(text))
        if not unicodedata.is_normalized("NFKC", copy):
            copy = unicodedata.normalize("NFKC", copy)
        copy = copy.casefold()
    copy = _BLANK_RUN.sub(" ", copy)
    return _SEPARATORS.sub("", copy) if ignore_separators else copy


def places_without_separators(folded: str) -> list[int]:
    """Where in a folded text the characters stand that are left of it without separators."""
    return [at for at, sign in enumerate(folded) if _SEPARATORS.match(sign) is None]


def _common(text: str) -> str:
    """The text with the usual wide signs narrow and apostrophes straight: the normaliser's slow path isn't worth a comma."""
    for wide, narrow in _COMMON_WIDE:
        text = text.replace(wide, narrow)
    return text
