"""Text as written: repaired where no encoder would take it, and whether anybody sees anything of it."""

from __future__ import annotations

import re
from typing import Final

# Characters that nobody sees: formats (Cf), variation selectors, joiners, fillers.
_INVISIBLE_CHARACTERS: Final = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
INVISIBLE: Final = re.compile(f"[{_INVISIBLE_CHARACTERS}]")
_VISIBLE: Final = re.compile(rf"[^\s{_INVISIBLE_CHARACTERS}]").search
_BROKEN: Final = re.compile("[\ud800-\udfff\x00\ufeff]").search
_PAIR_OR_LONE: Final = re.compile("[\ud800-\udfff]+")


def repair(text: str) -> str:
    """Text that every UTF-8 encoder takes: surrogate pairs are joined, lone ones U+FFFD, NUL and BOM go."""
    if text.isprintable() or _BROKEN(text) is None:
        return text
    text = _PAIR_OR_LONE.sub(lambda m: m[0].encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace"), text)
    return text.replace("\x00", "").replace("\ufeff", "")


def visible(text: str) -> bool:
    """Whether the text shows anything: blanks and characters that nobody sees don't."""
    return _VISIBLE(text) is not None
