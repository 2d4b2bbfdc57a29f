"""How a long text ends: what a customer comes to after many calm sentences is what he means.

A network weighs one angry sentence against thirty calm ones. So the last sentence of a long text is read by itself as well, and where it is
plainly negative, it counts.
"""

from __future__ import annotations

import re
from typing import Final

LONG: Final = 48
"""Tokens from which on a text is long; it may be one that had to be cut."""

MOST: Final = 300
"""Characters of a last sentence; a longer one is no sentence of a chat."""

PLAINLY: Final = 0.9
"""From this probability of negative on, an end counts."""

# Where lines were joined there is a blank, which Chinese has between sentences only.
_BEGINS: Final = re.compile(r"[。！？!?；;…]+\s*|[.]+\s+|(?<=[\u4e00-\u9fff])\s+(?=[\u4e00-\u9fff])")


def ending(text: str) -> str:
    """The last sentence of a cleaned text; empty where none begins among its last MOST characters, for a part of a sentence may say the
    opposite of the whole ("nobody could say that … your support is useless")."""
    tail = text[-MOST:]
    begins = 0
    for end in _BEGINS.finditer(tail):
        if any(sign.isalnum() for sign in tail[end.end() :]):
            begins = end.end()
    return tail[begins:] if begins or len(tail) == len(text) else ""
