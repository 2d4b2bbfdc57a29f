"""The wide part: what it hashes, what it learns, and how it is kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from models.fitting import mixed
from models.heads import ABOUT_SATISFACTION, ABOUT_SENTIMENT, SATISFACTION, targets
from models.labels import NEGATIVE, NEUTRAL, POSITIVE, UNKNOWN
from models.scorer import ModelError
from models.sets import Example
from models.supervised import Trained
from models.wide import WIDE_FILE, WIDE_SATISFACTION, WidePart, compressed, runs
from models.wide_training import fit_wide

BUCKETS = 2**12
LINES = {
    NEGATIVE: ("太差了", "坏了", "broken", "awful"),
    NEUTRAL: ("什么时候发货", "尺码", "address", "size"),
    POSITIVE: ("很喜欢", "谢谢", "love it", "great"),
}


def examples() -> list[Example]:
    return [
        Example(f"{word} {number}", label, source="own")
        for label, words in LINES.items()
        for word in words
        for number in range(10)
    ] + [Example("不知道", UNKNOWN, source="own")]


def test_runs_of_one_to_four_characters_with_the_ends_are_hashed_for_each_text() -> None:
    buckets, owners = runs(["ab", "", "AB"], 2**19)
    # 4 + 3 + 2 + 1 runs of "\x02ab\x03", and 2 + 1 of the ends alone.
    assert np.bincount(owners, minlength=3).tolist() == [10, 3, 10]
    assert sorted(buckets[owners == 0]) == sorted(buckets[owners == 2])  # case says nothing
    assert len(runs([], 2**19)[0]) == 0


def test_the_hash_is_a_format() -> None:
    assert runs(["退款"], 2**19)[0].tolist() == [
        447795, 431486, 64571, 247535, 247476, 464374, 146094, 261243, 163934, 288440
    ]  # fmt: skip


def test_a_run_that_a_text_repeats_counts_once(tmp_path: Path) -> None:
    wide = fit_wide(examples(), BUCKETS)
    assert wide.once and WidePart.read(wide.write(tmp_path)).once
    twice, thrice = wide.logits(["坏了坏了坏了", "坏了坏了坏了坏了"])
    np.testing.assert_allclose(twice, thrice, rtol=1e-5)


def test_a_wide_part_of_an_earlier_version_counts_a_run_as_often_as_it_is_there(tmp_path: Path) -> None:
    earlier = WidePart.read(replace(fit_wide(examples(), BUCKETS), once=False).write(tmp_path))
    assert not earlier.once
    buckets, _ = runs(["坏了坏了坏了"], BUCKETS)
    count, rarity = np.bincount(buckets, minlength=BUCKETS), earlier.rarity * np.float32(earlier.step)
    expected = (count * rarity) @ (earlier.weights * earlier.scales) / np.linalg.norm(np.sqrt(count) * rarity)
    np.testing.assert_allclose(earlier.logits(["坏了坏了坏了"])[0], expected + earlier.bias, rtol=1e-4)


def test_a_texts_answer_does_not_depend_on_its_batch() -> None:
    wide = fit_wide(examples(), BUCKETS)
    texts = ["太差了", "", "love it", "谢谢" * 300]
    together = wide.logits(texts)
    for at, text in enumerate(texts):
        np.testing.assert_allclose(wide.logits([text])[0], together[at], rtol=1e-5, atol=1e-6)
    assert wide.logits([]).shape == (0, 3)


def test_it_learns_what_speaks_for_a_label_and_keeps_it(tmp_path: Path) -> None:
    wide = fit_wide(examples(), BUCKETS)
    path = wide.write(tmp_path)
    assert path.name == WIDE_FILE
    for label, words in LINES.items():
        assert WidePart.read(path).logits(words).argmax(axis=1).tolist() == [label] * len(words)


def test_satisfaction_is_learnt_apart_from_sentiment(tmp_path: Path) -> None:
    rated = [
        Example(f"{word} {number}", UNKNOWN, source="rated", satisfaction=2 - label)
        for label, words in LINES.items()
        for word in words
        for number in range(10)
    ]
    alone, both = fit_wide(examples(), BUCKETS), fit_wide(examples() + rated, BUCKETS)
    assert len(alone.bias) == 3
    kept = WidePart.read(both.write(tmp_path))
    for label, words in LINES.items():
        told = kept.logits(words)
        assert told[:, :3].argmax(axis=1).tolist() == [label] * len(words)
        assert told[:, WIDE_SATISFACTION].argmax(axis=1).tolist() == [2 - label] * len(words)


def test_more_of_the_wide_part_than_suits_is_served_of_sentiment_and_not_of_satisfaction() -> None:
    torch.manual_seed(8)
    parts = torch.randn(2, 3_000, 3)
    labels = torch.distributions.Categorical(logits=parts[0] + parts[1] / 2).sample().tolist()
    texts = [Example("text", label, source="own", satisfaction=label) for label in labels]
    logits, wide = torch.zeros(3_000, SATISFACTION.stop), torch.zeros(3_000, WIDE_SATISFACTION.stop)
    for question in (ABOUT_SENTIMENT, ABOUT_SATISFACTION):
        logits[:, question.deep], wide[:, question.wide] = parts
    trained = Trained(0.0, 1, ["text"] * 3_000, logits, targets(texts))

    assert mixed(trained, wide, ABOUT_SENTIMENT)[0].wide_weight > 0.56
    assert mixed(trained, wide, ABOUT_SATISFACTION)[0].wide_weight == pytest.approx(0.5, abs=0.05)


def test_a_set_full_of_one_label_does_not_teach_that_label() -> None:
    """Logit adjustment: a hundred neutral lines against ten leave an unknown text undecided."""
    many = [Example(f"好的{number}号", NEUTRAL, source="chat") for number in range(100)]
    few = [Example(f"糟透{number}", NEGATIVE, source="chat") for number in range(10)]
    (unknown,) = fit_wide(many + few, BUCKETS).logits(["xyzw"])
    assert abs(unknown[NEUTRAL] - unknown[NEGATIVE]) < 1.0 < np.log(10)


def test_eight_bits_lose_little() -> None:
    chance = np.random.default_rng(1)
    weights = chance.normal(size=(BUCKETS, 3)).astype(np.float32)
    rarity = chance.uniform(1, 12, BUCKETS).astype(np.float32)
    wide = compressed(weights, rarity, np.zeros(3, np.float32))
    assert np.abs(wide.weights * wide.scales - weights).max() <= wide.scales.max() / 2 + 1e-6
    assert np.abs(wide.rarity * wide.step - rarity).max() <= wide.step / 2 + 1e-6


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"cannot read .*wide\.safetensors"):
        WidePart.read(tmp_path / WIDE_FILE)
    (tmp_path / WIDE_FILE).write_bytes(b"no")
    with pytest.raises(ModelError, match="cannot read"):
        WidePart.read(tmp_path / WIDE_FILE)
    wide = fit_wide(examples(), BUCKETS)
    WidePart(wide.weights[:-1], wide.scales, wide.rarity[:-1], wide.step, wide.bias).write(tmp_path)
    with pytest.raises(ModelError, match="is not a wide part"):
        WidePart.read(tmp_path / WIDE_FILE)


def test_the_wide_part_learns_the_shares_too_where_they_are_not_adjusted_for() -> None:
    posts = [Example(f"order {at}", NEUTRAL, source="posts") for at in range(30)]
    posts += [Example("order x", NEGATIVE, source="posts"), Example("order y", POSITIVE, source="posts")]
    adjusted, plain = (fit_wide(posts, 2**10, adjustment).logits(["order z"])[0] for adjustment in (1.0, 0.0))
    assert plain[NEUTRAL] - plain[NEGATIVE] > adjusted[NEUTRAL] - adjusted[NEGATIVE] + 1


def test_a_copy_of_a_text_is_no_second_text_to_the_wide_part() -> None:
    sided = [Example("good one", POSITIVE, source="own"), Example("bad one", NEGATIVE, source="own")]
    many = sided + [Example(f"{word} thing {at}", label, source="own") for at in range(9) for word, label in (("good", POSITIVE), ("bad", NEGATIVE))]
    rare = Example("order 77316", NEUTRAL, source="own")
    part = fit_wide([*many, rare, rare, rare], 2**16)
    buckets, _ = runs(["77316"], 2**16)
    once = fit_wide([*many, rare], 2**16)
    assert part.rarity[buckets].tolist() == once.rarity[buckets].tolist()
