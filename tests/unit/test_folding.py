"""Matching copies: what hides a word goes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from udfs.folding import fold


def test_a_word_with_a_hidden_character_folds_to_the_word() -> None:
    assert fold("来聊薇\u200b信") == "来聊薇信"


def test_separators_are_dropped_only_on_request() -> None:
    text = "扫 薇　信"
    assert fold(text) == "扫 薇 信"
    assert fold(text, ignore_separators=True) == "扫薇信"
    assert fold("W.e-C_h a·t", ignore_separators=True) == "wechat"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ＳＭ", "sm"),
        ("Hello WORLD", "hello world"),
        ("Straße", "strasse"),
        ("❤\ufe0f好", "❤好"),
        ("👨\u200d👩\u200d👧", "👨👩👧"),
        ("e\u0301", "é"),
        ("①②", "12"),
        ("㎏ e\u0301x ﬁ", "kg éx fi"),
        ("x\u1100\u1161\u11a8y", "x각y"),
        ("so\u00adft", "soft"),
        ("大\u3164麻", "大麻"),
        ("，？！：", ",?!:"),
        ("", ""),
    ],
)
def test_folding_undoes_what_hides_a_word(text: str, expected: str) -> None:
    assert fold(text) == expected


TEXTS = st.one_of(
    st.text(max_size=30),
    st.text(
        alphabet="aKﬁ㎏é\u0301\u200b\ufe0f 　.-_微信ＳＭ①각\u1100\u1161\u11a8ﾊﾞİß👨\u200d，\u3164\uff9e\ud800",
        max_size=30,
    ),
)


@settings(max_examples=800, deadline=None)
@given(TEXTS, st.sampled_from("\u200b\u2060\ufe0f\u00ad"), st.booleans(), st.data())
def test_a_hidden_character_anywhere_hides_nothing(text: str, hidden: str, ignore_separators: bool, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(text)))
    assert fold(text[:at] + hidden + text[at:], ignore_separators) == fold(text, ignore_separators)
