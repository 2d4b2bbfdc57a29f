"""Texts that no encoder would take are repaired."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from udfs.text import repair


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("好的", "好的"),
        ("a\ud800b", "a\ufffdb"),
        ("\ud83d\ude00", "😀"),
        ("\ude00\ud83d", "\ufffd\ufffd"),
        ("\ufeff开\x00头", "开头"),
        ("一\n二\t三", "一\n二\t三"),
    ],
)
def test_what_can_be_repaired_is_repaired(text: str, expected: str) -> None:
    assert repair(text) == expected


@settings(max_examples=500)
@given(st.text(alphabet=st.characters(exclude_categories=()), max_size=40))
def test_repaired_text_always_encodes(text: str) -> None:
    repaired = repair(text)
    repaired.encode()
    assert "\x00" not in repaired and "\ufeff" not in repaired
    assert repair(repaired) == repaired
