"""Texts that are put together from shorter ones for a training."""

from __future__ import annotations

import random

from models.heads import IMPOSSIBLE, log_priors
from models.joined import CALM_SHARE, JOINTS, SIDED_SHARE, joined
from models.labels import NEGATIVE, NEUTRAL, POSITIVE, UNKNOWN
from models.sets import JOINED, Example

CALM = [f"calm {number}" for number in range(60)]
EXAMPLES = [
    *(Example(text, NEUTRAL, source="go") for text in CALM),
    *(Example(f"bad {number}", NEGATIVE, source="go") for number in range(30)),
    *(Example(f"good {number}", POSITIVE, source="go") for number in range(10)),
    *(Example(f"rude {number}", UNKNOWN, source="cold") for number in range(300)),
]


def made() -> list[Example]:
    return joined(EXAMPLES, random.Random(20))


def test_a_text_with_one_sentence_that_takes_a_side_has_its_side_and_calm_ones_have_none() -> None:
    for example in made():
        sides = {label for label, word in ((NEGATIVE, "bad"), (POSITIVE, "good")) if word in example.text}
        assert sides == ({example.label} if example.label != NEUTRAL else set())
        assert "calm" in example.text
        assert "rude" not in example.text
        assert any(joint in example.text for joint in JOINTS)


def test_so_many_of_each_are_made_the_calm_ones_behind_the_others() -> None:
    labels = [example.label for example in made()]
    calm = labels.count(NEUTRAL)
    assert (len(labels) - calm, calm) == (int(400 * SIDED_SHARE), int(400 * CALM_SHARE))
    assert NEUTRAL not in labels[:-calm]


def test_they_teach_all_three_sentiments() -> None:
    assert all(prior > IMPOSSIBLE for prior in log_priors(made())[JOINED])


def test_nothing_is_joined_where_none_is_calm_or_none_takes_a_side() -> None:
    assert joined([each for each in EXAMPLES if each.label != NEUTRAL], random.Random(0)) == []
    assert joined([each for each in EXAMPLES if each.label in (NEUTRAL, UNKNOWN)], random.Random(0)) == []
