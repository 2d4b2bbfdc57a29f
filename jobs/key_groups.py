"""A key for each of Flink's key groups, so that what is keyed by group is spread as evenly as Flink spreads the groups.

Flink puts a key into the group MurmurHash3(key.hashCode()) mod maximum parallelism (`KeyGroupRangeAssignment`, `MathUtils`). Our
keys are Flink rows of one string. `tests/flink` holds this against Flink's own answer.
"""

from __future__ import annotations

from typing import Final

MASK: Final = 0xFFFF_FFFF
OF_A_ROW: Final = 62
"""What the hash of a row of one field has more than the field's."""


def key_group_names(count: int) -> list[str]:
    """For each of `count` key groups the smallest whole number, as a string, that falls into it."""
    names: dict[int, str] = {}
    number = 0
    while len(names) < count:
        name = str(number)
        names.setdefault(flink_key_group(name, count), name)
        number += 1
    return [names[group] for group in range(count)]


def flink_key_group(key: str, count: int) -> int:
    """The key group, of `count`, of a row that holds this ASCII string alone."""
    code = 0
    for character in key:
        code = (31 * code + ord(character)) & MASK
    return _murmur(code + OF_A_ROW) % count


def _murmur(code: int) -> int:
    """Flink's variant of MurmurHash3 over one 32-bit number: never negative."""
    code = _rotated(code * 0xCC9E2D51, 15) * 0x1B873593
    code = _rotated(code, 13) * 5 + 0xE6546B64
    code = (code ^ 4) & MASK
    code = ((code ^ code >> 16) * 0x85EBCA6B) & MASK
    code = ((code ^ code >> 13) * 0xC2B2AE35) & MASK
    code ^= code >> 16
    return code if code < 1 << 31 else (-code & MASK) & 0x7FFF_FFFF


def _rotated(code: int, bits: int) -> int:
    code &= MASK
    return (code << bits | code >> 32 - bits) & MASK
