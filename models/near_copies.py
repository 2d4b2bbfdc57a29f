"""Whether a text was seen before, or one that is nearly it: what is measured on must not have been learnt from."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator

from models.text import readable

SHINGLE, SMALLEST, SKETCHES = 4, 3, 2
"""Near-duplicates: `SKETCHES` times the `SMALLEST` smallest hashes of all pieces of `SHINGLE` characters. Two texts that share
nine tenths of their pieces agree in one of two sketches in nine cases of ten (Broder 1997, min-wise hashing)."""

_NOT_TEXT = re.compile(r"\W+")
_SALTS = (0x9E3779B9, 0x85EBCA6B)


MAX_CHARACTERS = 4_000
"""Of a text that is compared."""


class Seen:
    """Texts that were seen: asks whether one was, or one that is nearly it. They are compared as a model reads them: texts that differ
    by a link, by traditional signs or by how often beyond twice one is repeated are the same."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._seen: set[object] = set()
        for text in texts:
            self._seen.update(_marks(text))

    def __contains__(self, text: str) -> bool:
        return any(mark in self._seen for mark in _marks(text))


def identity(text: str) -> str:
    """Return what makes two texts the same: letters and digits in lower case; all of it where there are none."""
    return _NOT_TEXT.sub("", text).lower() or text.strip()


def _marks(text: str) -> Iterator[object]:
    """The text's identity, and for a text that is long enough its sketches."""
    core = identity(readable(text, MAX_CHARACTERS))
    yield core
    if len(core) >= 4 * SHINGLE:
        hashes = {zlib.crc32(core[at : at + SHINGLE].encode()) for at in range(len(core) - SHINGLE + 1)}
        for number in range(SKETCHES):
            salt = _SALTS[number]
            yield (number, *sorted((each * salt) & 0xFFFFFFFF for each in hashes)[:SMALLEST])
