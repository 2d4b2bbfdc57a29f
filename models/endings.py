"""How a long text ends: what a customer comes to after many calm sentences is what he means.

A network that reads head and tail of a long text weighs one angry sentence against thirty calm ones. So the end of a text that had to
be cut is read by itself as well, and where it is plainly negative, it counts.
"""

from __future__ import annotations

import re
from typing import Final

MOST: Final = 60
"""Characters of an end: a sentence of a chat."""

PLAINLY: Final = 0.85
"""From this probability of negative on, an end counts."""

_SENTENCE_ENDS: Final = re.compile(r"[。！？!?；;\n]+\s*|[.…]+\s+")


def ending(text: str) -> str:
    """The last sentence of a text, or what of it are its last MOST characters."""
    tail = text[-MOST:]
    begins = 0
    for end in _SENTENCE_ENDS.finditer(tail):
        if any(sign.isalnum() for sign in tail[end.end() :]):
            begins = end.end()
    return tail[begins:]
