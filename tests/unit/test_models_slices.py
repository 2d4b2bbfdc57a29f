"""Where a model reads worse than elsewhere, within each set."""

from __future__ import annotations

import io
from collections.abc import Sequence

import pytest
from rich.console import Console

from models.comparison_tables import GAPS_SHOWN, gaps
from models.evaluate import Answer
from models.labels import NEGATIVE, NEUTRAL, POSITIVE
from models.scorer import Score
from models.sets import Example
from models.slices import SMALLEST_SLICE, length_slice, slices

SCORE = Score("negative", -1.0)


def answers(
    text: str, right: int, wrong: int = 0, labels: Sequence[int] = (NEGATIVE, POSITIVE), source: str = "own", shop: str = ""
) -> list[Answer]:
    """So many right and wrong answers for each label; a wrong one is the next label's."""
    told = [(label, label) for label in labels for _ in range(right)]
    told += [(label, labels[(at + 1) % len(labels)]) for at, label in enumerate(labels) for _ in range(wrong)]
    return [Answer(Example(text, label, source=source, shop=shop), answer, SCORE) for label, answer in told]


def test_the_slice_with_the_largest_gap_comes_first_and_small_ones_are_left_out() -> None:
    part = [*answers("short", 30), *answers("a text of some more length", 15, 15), *answers("x" * 40, 0, 5)]
    found = slices({"own": part}, lambda each: [length_slice(each.example.text)])
    assert [each.name for each in found] == ["length 10–29", "length 0–9"]
    assert found[0].gap > 0 > found[1].gap
    assert found[0].macro_f1 == pytest.approx(0.5) and found[0].texts == 60
    assert length_slice("x" * 1_000) == "length 100 and more"


def test_a_harder_set_is_no_slice_that_is_read_worse() -> None:
    """Each set is read alike throughout; that one has three labels, and half of it wrong, is another task."""
    easy = [*answers("short", 60, source="waimai"), *answers("a text of some more length", 30, source="waimai")]
    three = (NEGATIVE, NEUTRAL, POSITIVE)
    hard = [*answers("short", 20, 20, three, "jddc"), *answers("a text of some more length", 90, 90, three, "jddc")]
    found = slices({"waimai": easy, "jddc": hard})
    assert {each.name for each in found} == {"length 0–9", "length 10–29"}  # no source; no language, which all texts of a set share
    assert [each.gap for each in found] == pytest.approx([0.0, 0.0])


def test_gaps_of_several_sets_are_pooled_by_their_texts() -> None:
    one = [*answers("short", 0, 50, source="one"), *answers("a text of some more length", 150, source="one")]
    other = [*answers("short", 100, source="other"), *answers("a text of some more length", 100, source="other")]
    (first, *_) = slices({"one": one, "other": other})
    assert first.name == "length 0–9" and first.texts == 300
    assert {name: (part.gap, part.texts) for name, part in first.parts.items()} == {
        "one": (pytest.approx(0.75), 100), "other": (pytest.approx(0.0), 200)
    }  # fmt: skip
    assert first.gap == pytest.approx(0.25) and first.macro_f1 == pytest.approx(2 / 3)
    assert first.to_json() == {
        "slice": "length 0–9", "macro_f1": 0.6667, "gap": 0.25, "texts": 300,
        "sets": {"one": {"macro_f1": 0.0, "gap": 0.75, "texts": 100}, "other": {"macro_f1": 1.0, "gap": 0.0, "texts": 200}},
    }  # fmt: skip


def test_a_slice_is_compared_over_the_labels_that_it_has() -> None:
    """A shop without praise isn't worse off because praise is read better than complaints are."""
    praised = [Answer(Example("fine", POSITIVE, source="own", shop="east"), POSITIVE, SCORE)] * 100
    asked = [
        Answer(Example("well", label, source="own", shop=shop), answer, SCORE)
        for shop in ("north", "south")
        for label, answer in ((NEGATIVE, NEGATIVE), (NEGATIVE, NEUTRAL), (NEUTRAL, NEUTRAL), (NEUTRAL, NEGATIVE))
        for _ in range(30)
    ]
    found = {each.name: each.gap for each in slices({"own": [*praised, *asked]})}
    assert found["shop north"] == found["shop south"] == found["shop east"] == pytest.approx(0.0)


def test_languages_are_compared_where_one_set_has_both() -> None:
    mixed = [*answers("where is it", 30), *answers("什么时候发货", 0, 30)]
    assert [each.name for each in slices({"own": mixed}) if each.name.startswith("language")] == ["language zh", "language en"]
    chinese = [each._replace(example=each.example._replace(source="nlpcc")) for each in mixed]
    assert not [each for each in slices({"nlpcc": chinese}) if each.name.startswith("language")]


def test_the_table_shows_the_largest_gaps_and_none_where_a_slice_is_read_as_well_as_its_set() -> None:
    shops = [each for at in range(20) for each in answers("well", 50 - at, at, shop=f"s{at}")]
    assert len(slices({"own": shops})) == 20 > GAPS_SHOWN
    text = Console(width=100, record=True, file=io.StringIO())
    text.print(gaps({"own": shops}))
    rows = [line for line in text.export_text().splitlines() if "shop s" in line]
    assert len(rows) == GAPS_SHOWN and "shop s19" in rows[0]
    assert gaps({"own": answers("well", SMALLEST_SLICE, shop="north")}) == "no set has a slice of fifty texts or more to compare with the whole of it"
    alike = [*answers("well", SMALLEST_SLICE, shop="north"), *answers("well", SMALLEST_SLICE, shop="south")]
    assert gaps({"own": alike}) == "none of 2 slices is read worse than the sets that it is of"
