"""The end of a long text."""

from __future__ import annotations

import pytest

from models.endings import MOST, ending


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("您好。请问有货吗？再不处理我就投诉！！", "再不处理我就投诉！！"),
        ("When will it ship? I paid 3.50 more. Never again...", "Never again..."),
        ("第一行\n第二行", "第二行"),
        ("谢谢。😡", "谢谢。😡"),  # a sign alone is no sentence
        ("没有句号", "没有句号"),
        ("", ""),
    ],
)
def test_it_is_the_last_sentence(text: str, end: str) -> None:
    assert ending(text) == end


def test_a_sentence_without_an_end_is_bounded() -> None:
    assert ending("长" * 5_000 + "x") == "长" * (MOST - 1) + "x"
