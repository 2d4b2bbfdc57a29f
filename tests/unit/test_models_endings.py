"""The end of a long text."""

from __future__ import annotations

import pytest

from models.endings import MOST, PLAINLY, ending
from models.scorer import load_scorer
from models.sentiment import heard_in_either


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("您好。请问有货吗?再不处理我就投诉!!", "再不处理我就投诉!!"),
        ("When will it ship? I paid 3.50 more. Never again...", "Never again..."),
        ("第一行 第二行", "第二行"),
        ("谢谢。😡", "谢谢。😡"),  # a sign alone is no sentence
        ("没有句号", "没有句号"),
        ("", ""),
    ],
)
def test_it_is_the_last_sentence(text: str, end: str) -> None:
    assert ending(text) == end


def test_a_part_of_a_sentence_is_no_end() -> None:
    assert ending("好。" + "长" * MOST) == ""
    assert ending("好。" + "长" * (MOST - 1)) == "长" * (MOST - 1)


PRAISE = "我想了解一下这款商品的尺寸、颜色和发货时间\n衣服质量很好\n颜色也好看\n大小合适\n穿着舒服\n发货很快\n包装也好\n" * 3


@pytest.mark.parametrize("name", ["accurate", "fast"])
def test_the_last_line_of_a_message_in_lines_is_heard(name: str) -> None:
    (score,) = load_scorer(name, "cpu").score([f"{PRAISE}但是客服太差了，你们是骗子"])
    assert score is not None and score.label == "negative"


@pytest.mark.parametrize("name", ["accurate", "fast"])
def test_the_beginning_of_a_very_long_last_sentence_is_not_lost(name: str) -> None:
    story = ", from the kettle that still works after nine years to the tent that we took to the mountains with two children, two dogs and an old neighbour"
    text = "I have ordered here for years and everything was great. " * 3 + (
        f"So I cannot understand people who write in their reviews{story}{story}, that your support is useless"
    )
    whole, part = load_scorer(name, "cpu").score([text, "your support is useless"])
    assert whole is not None and whole.label == "positive"
    assert part is not None and part.label == "negative" and part.confidence > PLAINLY


def test_a_tone_is_heard_where_either_part_has_it() -> None:
    assert heard_in_either([0.9, 0.9, 0.1, 0.2], [0.1, 0.3, 0.8, 0.4]) == [0.9, 0.9, 0.8, 0.4]
    assert heard_in_either([], []) == []
