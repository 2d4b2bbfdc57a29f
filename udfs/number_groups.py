"""The groups in which people write identity numbers, cards and phones, and what they put between the groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

_DOTS: Final = "·・•‧∙⋅"  # as between the parts of a foreign name
SEPARATORS: Final = rf" \t\r\n._\-/\uff0f{_DOTS}"
"""For a pattern's class of characters; three of them at most part two groups."""

PARTED: Final = "!"
"""Between two groups that belong to different numbers."""
_LINKS: Final = {"_": "-", "\r\n": "\n", "\r": "\n", "\uff0f": "/", **dict.fromkeys(_DOTS, "·")}

_ANY: Final = " \t\n-./·"
_LINE: Final = " -.·"  # no cell of a table, line of a list or choice between prices
_NO_DECIMALS: Final = " -·"

Groupings = Mapping[int, tuple[tuple[tuple[int, ...], frozenset[str]], ...]]
"""By the length of the first group: the lengths of all, and what may link them."""


def link(separator: str) -> str:
    """One character for what stands between two groups; PARTED for the end of a sentence, a doubled hyphen, an empty line."""
    core = separator.strip(" ")
    core = _LINKS.get(core, core)
    if not core:
        return " "
    return PARTED if len(core) > 1 or (core == "." and separator != ".") else core


def _by_start(groupings: Iterable[tuple[tuple[int, ...], str]]) -> Groupings:
    found: dict[int, tuple[tuple[tuple[int, ...], frozenset[str]], ...]] = {}
    for lengths, links in groupings:
        for start in (lengths[0], lengths[0] - 1) if len(lengths) == 1 else lengths[:1]:  # 17 digits and an X are 18 in one
            found[start] = (*found.get(start, ()), (lengths, frozenset(links)))
    return found


ONES: Final = (1,) * 11
PAIRS: Final = (2, 2, 2, 2)
PHONE_GROUPS: Final = _by_start(
    [
        (ONES, _ANY), ((3, 4, 4), _ANY), ((3, 8), _LINE), ((4, 4, 3), _NO_DECIMALS), ((5, 6), _NO_DECIMALS), ((3, *PAIRS), _LINE),
        ((5, 4, 4), _ANY), ((7, 4, 4), _ANY), ((7, 6), _NO_DECIMALS), ((5, *PAIRS), _LINE),  # 86138-…, 0086138-…
    ]
)  # fmt: skip

_ID_WHOLE: Final = (
    (18,), (4, 4, 4, 4, 2), (6, 8, 4), (6, 4, 4, 4), (6, 4, 2, 2, 4), (6, 6, 6), (3,) * 6, (6, 12), (10, 8), (14, 4), (8, 10), (*(1,) * 16, 2),
)  # fmt: skip
ID_LENGTHS: Final = (*_ID_WHOLE, *((*groups, last - 1, 1) for *groups, last in _ID_WHOLE))
"""Whole, or with the check digit apart. An X behind 17 digits is no group: it completes the last one."""
ID_GROUPS: Final = _by_start([(lengths, _ANY) for lengths in ID_LENGTHS])

CARD_GROUPS: Final = _by_start(
    [((4, 6, 5), _ANY), *(((first, second), _LINE) for first, second in ((6, 13), (6, 10), (8, 8))), ((16, 3), _NO_DECIMALS)]
)
BROKEN_CARD_GROUPS: Final = _by_start([((4, 4, 4, 4, 3), _ANY), ((4, 4, 4, 4), _ANY)])
"""With the end of a line among other separators."""
