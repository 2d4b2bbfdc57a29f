"""The beginning of a record that could not be read, as masked text: for dead letters, which people read."""

from __future__ import annotations

import html
import re
from typing import Final
from urllib.parse import unquote_plus

from udfs.privacy import Masked, Masker
from udfs.privacy_json import hide_ids

EXCERPT_BYTES: Final = 65_536

_MARKS: Final = (  # the longer ones first: UTF-32's begins as UTF-16's does
    (b"\xff\xfe\x00\x00", "utf-32-le"), (b"\x00\x00\xfe\xff", "utf-32-be"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"),
)  # fmt: skip
_NULS_OF_WIDE: Final = 10
"""One byte in so many is NUL: then it is no UTF-8. JSON's own signs alone are more in most records."""

_escaped: Final = re.compile(r"(?<!\\)(?:\\+u[0-9A-Fa-f]{4})+")
_byte_escapes: Final = re.compile(r"(?<!\\)(?:\\+x[0-9A-Fa-f]{2}|\\+[0-3][0-7]{2})+")
_one_byte: Final = re.compile(r"\\+(?:x([0-9A-Fa-f]{2})|([0-3][0-7]{2}))")
_units: Final = re.compile(r"u([0-9A-Fa-f]{4})")
_percent: Final = re.compile(r"%[0-9A-Fa-f]{2}").search
_torn: Final = re.compile(r"[0-9A-Za-z@._+\-%&;\uff10-\uff19\\\ufffd]{1,320}\Z")


def masked_excerpt(raw: bytes, masker: Masker, limit: int = EXCERPT_BYTES) -> Masked:
    """The first `limit` bytes of a refused record as masked text; spans are offsets into the decoded excerpt.

    UTF-16 and UTF-32 are known by their mark or by where the NULs stand; elsewhere bytes that aren't UTF-8 become U+FFFD. `\\uXXXX` is
    decoded first, in JSON within JSON as well, because most producers write Chinese that way and a number behind it would look like
    the end of a longer one. Where more is found behind percent signs, HTML's entities or escaped bytes, that view is the excerpt. Of JSON's strings
    a customer's id is `[id]`, and so is what holds a phone or a mail address that no text is masked for. A word that the limit cuts is
    dropped: the first eight digits of a phone are still most of a phone.
    """
    text = _decoded(raw[:limit])
    if len(raw) > limit:
        text = text[:-320] + _torn.sub("", text[-320:]).rstrip("0123456789 ._-")
    if "\\" in text:
        text = _escaped.sub(_unescaped, text)
    masked = masker.mask(hide_ids(text, masker))
    for view in _views(text):
        other = masker.mask(hide_ids(view, masker))
        if len(other.spans) > len(masked.spans):
            masked = other
    return masked


def _views(text: str) -> list[str]:
    """The text as other producers would have meant it, where it may be theirs."""
    views = []
    if "\\" in text:
        views.append(_byte_escapes.sub(_bytes, text).replace("\\n", "\n"))
    if "&" in text:
        views.append(html.unescape(text))
    if _percent(text) is not None:
        views.append(unquote_plus(unquote_plus(text)))
    return views


def _unescaped(match: re.Match[str]) -> str:
    return bytes.fromhex("".join(_units.findall(match[0]))).decode("utf-16-be", "replace")


def _bytes(match: re.Match[str]) -> str:
    found = _one_byte.findall(match[0])
    return bytes(int(byte, 16) if byte else int(octal, 8) for byte, octal in found).decode("utf-8", "replace")


def _decoded(raw: bytes) -> str:
    """The text of a record that may be in UTF-16 or UTF-32: digits there have NULs between them, and letters beside them that are
    halves of characters."""
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            return raw[len(mark) :].decode(encoding, "replace")
    nuls = [raw[at::4].count(0) for at in range(4)]
    encoding = "utf-8"
    if sum(nuls) * _NULS_OF_WIDE >= len(raw) > 0:
        whole = len(raw) // 4 * 9 // 10
        if min(nuls[2:]) >= whole > 0:
            encoding = "utf-32-le"
        elif min(nuls[:2]) >= whole > 0:
            encoding = "utf-32-be"
        else:
            encoding = "utf-16-le" if nuls[1] + nuls[3] >= nuls[0] + nuls[2] else "utf-16-be"
    return raw.decode(encoding, "replace").replace("\x00", "")
