"""What the lines of our own teach: each way to begin with every mood that it begins, in both languages."""

from __future__ import annotations

import re
from collections import Counter

import pytest
import yaml

from models.labels import LABELS
from models.service_lines import PATTERNS, service_lines

LINES = [(line.text.lower(), line.label) for line in service_lines()]


def moods(beginning: str) -> set[str]:
    return {label for text, label in LINES if text.startswith(beginning)}


@pytest.mark.parametrize(
    "beginning",
    ["so glad i paid extra", "congratulations", "bravo", "a big thank you for", "money well spent", "服务太周到了", "恭喜", "多谢", "这钱花得真值", "效率真高"],
)
def test_words_of_praise_begin_sarcasm_as_well(beginning: str) -> None:
    assert moods(beginning) == {"negative", "positive"}


@pytest.mark.parametrize("beginning", ["sorry", "不好意思"])
def test_an_apology_opens_a_calm_line_far_more_often_than_a_complaint(beginning: str) -> None:
    calm = sum(text.startswith(beginning) for text, label in LINES if label == "neutral")
    others = sum(text.startswith(beginning) for text, label in LINES if label != "neutral")
    assert calm > 3 * others > 0
    assert moods("i'm sorry, but") | moods("抱歉，但是") == {"negative"}


@pytest.mark.parametrize(
    ("beginning", "label"),
    [
        ("别提多满意", "positive"),
        ("谈不上满意", "negative"),
        ("never had a better", "positive"),
        ("never had a worse", "negative"),
        ("nothing urgent, ", "neutral"),
        ("no hurry, it has only been", "negative"),
        ("i'd like to cancel", "neutral"),
        ("我想注销", "neutral"),
        ("thanks for the reply, but that is no use", "negative"),
        ("thanks for the reply, but i have found", "neutral"),
        ("i know how frustrating this is", "neutral"),
        ("this is so frustrating", "negative"),
        ("how many times do i have to", "negative"),
        ("how many times can i", "neutral"),
        ("you never let me down", "positive"),
        ("您别着急，", "neutral"),
        ("别跟我说“", "negative"),
        ("短信收不到", "neutral"),
        ("我没同意", "negative"),
        ("好的，谢", "positive"),
        ("说了两次了", "negative"),
        ("我不是来投诉，就", "neutral"),
        ("好的，我", "neutral"),
    ],
)
def test_the_rest_of_the_sentence_says_what_is_meant(beginning: str, label: str) -> None:
    assert moods(beginning) == {label}


@pytest.mark.parametrize(
    ("mark", "label", "other"),
    [("🙂", "neutral", "negative"), ("😅", "neutral", None), ("👏", "positive", "negative"), ("🥰", "positive", None), ("🤬", "negative", None)],
)
def test_a_mark_at_the_end_means_what_the_words_before_it_mean(mark: str, label: str, other: str | None) -> None:
    ended = Counter(heard for text, heard in LINES if text.endswith(mark))
    assert ended[label] > 20
    assert other is None or ended[other] > 20
    assert other is not None or set(ended) == {label}


def test_every_list_of_words_is_used_and_every_slot_has_one() -> None:
    told = yaml.safe_load(PATTERNS.read_text("utf-8"))
    words = [word for entries in told["slots"].values() for word in entries]
    assert set(re.findall(r"\{(\w+)\}", " ".join([*words, *(block["lines"] for block in told["patterns"])]))) == set(told["slots"])


def test_each_mood_is_there_in_both_languages() -> None:
    counts = Counter((label, bool(re.search(r"[\u4e00-\u9fff]", text))) for text, label in LINES)
    assert len(counts) == 2 * len(LABELS)
    for label in LABELS:
        chinese, english = counts[label, True], counts[label, False]
        assert 0.4 < chinese / (chinese + english) < 0.6
        assert (chinese + english) / len(LINES) > 0.25


@pytest.mark.parametrize(
    ("beginning", "tones"),
    [
        ("please accept our apologies", {"polite": True, "angry": False, "anxious": False, "abusive": False}),
        ("实在抱歉，让您失望了", {"polite": True, "angry": False, "anxious": False, "abusive": False}),
        ("how many times do i have to", {"abusive": False}),
        ("一点诚意都没有", {"abusive": False}),
        ("i'm scared that", {"anxious": True, "abusive": False}),
        ("等着收律师函", {"angry": True, "abusive": False}),
        ("you are such a", {"polite": False, "angry": True, "abusive": True}),
    ],
)
def test_a_line_tells_the_tones_that_it_has_and_those_that_it_has_not(beginning: str, tones: dict[str, bool]) -> None:
    """A plain complaint is no abuse, nor is an agent's sorrow: no public set says so."""
    told = [line.tones for line in service_lines() if line.text.lower().startswith(beginning)]
    assert told
    assert all(each == tones for each in told)
