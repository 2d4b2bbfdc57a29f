"""How well tones are heard: the figures, what they are of, and where they are told."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from sklearn.metrics import roc_auc_score

from models.card import model_card
from models.comparison import Comparison, compare
from models.comparison_tables import heard, table
from models.corpus import load_corpus
from models.evaluation_report import write_report
from models.labels import NEUTRAL, UNKNOWN, tones
from models.scorer import Score
from models.sets import Example
from models.tone_figures import (
    ASKED_FIRST,
    LEAST_HEARD,
    ToneFigure,
    area_under_curve,
    by_tones,
    tone_figure,
    tone_figures,
)

QUIET = Console(quiet=True)


class Hears:
    """Tells each text's tones by what is written in it; counts the texts."""

    version = "hears"

    def __init__(self, tells: bool = True) -> None:
        self._tells = tells
        self.texts = 0

    def score(self, texts: Sequence[str]) -> list[Score | None]:
        self.texts += len(texts)
        return [self._one(text) for text in texts]

    def _one(self, text: str) -> Score | None:
        if text.startswith("unread"):
            return None
        told = (0.1, 0.9 if text.startswith("hates") else 0.2, 0.3, 0.4) if self._tells else ()
        return Score("neutral", 0.0, told)


@given(st.lists(st.tuples(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0]), st.integers(0, 1)), min_size=2))
def test_the_area_under_the_curve_is_scikit_learn_s(told: list[tuple[float, int]]) -> None:
    values, there = [value for value, _ in told], [each for _, each in told]
    if len(set(there)) == 2:
        assert area_under_curve(values, there) == pytest.approx(roc_auc_score(there, values))
    else:
        assert math.isnan(area_under_curve(values, there))


def test_a_tone_s_figures() -> None:
    # with it .9 .6 .4, without .6 .1: pairs won 1 + 1 + ½ + 1 + 0 + 1 of 6; named .9 .6 .6: two right, one wrong, one missed
    found = tone_figure([0.9, 0.6, 0.4, 0.6, 0.1], [1, 1, 1, 0, 0])
    assert found.auc == pytest.approx(4.5 / 6)
    assert found.f1 == pytest.approx(2 * 2 / (2 * 2 + 1 + 1))
    assert (found.positives, found.texts) == (3, 5)
    # .9 and there; .6 twice and there once; .4 and there; .1 and not
    assert found.calibration_error == pytest.approx((0.1 + 2 * 0.1 + 0.6 + 0.1) / 5)
    assert tone_figure([0.2, 0.1], [1, 0]).f1 == 0.0
    # The probability of a tone that is seldom there may be low, and right.
    assert tone_figure([0.1] * 10, [1] + [0] * 9).calibration_error == pytest.approx(0.0)


def test_texts_that_do_not_tell_a_tone_are_left_out_for_it() -> None:
    examples = [Example(f"hates {at}", UNKNOWN, tones(angry=True)) for at in range(30)]
    examples += [Example(f"calm {at}", NEUTRAL, tones(angry=False, anxious=False)) for at in range(50)]
    examples += [Example(f"afraid {at}", UNKNOWN, tones(anxious=True)) for at in range(20)]
    examples += [Example(f"unread {at}", UNKNOWN, tones(angry=True)) for at in range(5)]
    found = tone_figures(Hears(), examples)
    assert set(found) == {"angry", "anxious"}
    assert (found["angry"].auc, found["angry"].f1, found["angry"].positives, found["angry"].texts) == (1.0, 1.0, 30, 80)
    assert found["angry"].calibration_error == pytest.approx((30 * 0.1 + 50 * 0.2) / 80)
    assert (found["anxious"].auc, found["anxious"].f1, found["anxious"].positives, found["anxious"].texts) == (0.5, 0.0, 20, 70)


@pytest.mark.parametrize(("there", "missing"), [(LEAST_HEARD - 1, 100), (100, LEAST_HEARD - 1)])
def test_a_tone_that_too_few_texts_have_or_lack_has_no_figure(there: int, missing: int) -> None:
    counts = [(True, there), (False, missing)]
    few = [Example(f"{each} {at}", UNKNOWN, tones(abusive=each)) for each, texts in counts for at in range(texts)]
    assert tone_figures(Hears(), few) == {}
    more = [Example(f"more {each} {at}", UNKNOWN, tones(abusive=each)) for each in (True, False) for at in range(LEAST_HEARD)]
    assert set(tone_figures(Hears(), few + more)) == {"abusive"}


def test_a_scorer_that_tells_no_tones_is_asked_about_a_few_texts_only() -> None:
    examples = [Example(str(at), UNKNOWN, tones(polite=at % 2 == 0)) for at in range(5 * ASKED_FIRST)]
    silent, telling = Hears(tells=False), Hears()
    assert tone_figures(silent, examples) == {} and silent.texts == ASKED_FIRST
    assert set(tone_figures(telling, examples)) == {"polite"} and telling.texts == len(examples)
    assert tone_figures(telling, []) == {}


def test_sets_that_tell_tones_keep_them_beside_sentiment_and_without() -> None:
    angry, plain = Example("!", NEUTRAL, tones(angry=True)), Example("ok", NEUTRAL)
    assert by_tones({"own": [angry, plain], "plain": [plain]}) == {"own": [angry]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """TyDiP's layout, and COLD's, whose texts tell a tone and nothing else; COLD has too few offensive ones."""
    words = {0.9: "Could you please have a look at this, thank you so much", -1.2: "Stop this nonsense right now, you are wrong"}
    polite = tmp_path / "data" / "en_tydip"
    polite.mkdir(parents=True)
    rows = [f'"{text} {at}",{score}' for score, text in words.items() for at in range(40)]
    rows += [f"in the middle {at},0.1" for at in range(40)]  # neither polite nor impolite: left out
    (polite / "en_test.csv").write_text("\n".join(["text,score", *rows]), "utf-8")
    (polite / "en_train.csv").write_text("text,score\nCould you tell me the way,0.9", "utf-8")
    cold = tmp_path / "data" / "zh_coldataset"
    cold.mkdir()
    for name in ("train", "dev", "test"):
        rows = [f"{at},{name},race,{int(at < 5)},第{at}句话是{name}的" for at in range(60)]
        (cold / f"{name}.csv").write_text("\n".join([",split,topic,label,TEXT", *rows]), "utf-8")
    return tmp_path / "data"


def test_tones_are_measured_shown_and_reported_beside_sentiment(folder: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.csv"
    rows = [f"you are an idiot {at},negative,1,test" for at in range(30)] + [f"where is order {at},neutral,0,test" for at in range(30)]
    own.write_text("\n".join(["text,label,abusive,split", *rows]), "utf-8")
    found = compare([folder, own], {"fast": "fast"}, ["lexicon"], device="cpu", console=QUIET)
    assert set(found.figures["fast"]) == {"own"}
    assert {name: set(told) for name, told in found.tones["fast"].items()} == {"tydip": {"polite"}, "own": {"abusive"}}
    assert found.tones["lexicon"] == {}
    polite = found.tones["fast"]["tydip"]["polite"]
    assert (polite.positives, polite.texts) == (40, 80) and polite.auc > 0.9
    abusive = found.tones["fast"]["own"]["abusive"]
    assert (abusive.positives, abusive.texts) == (30, 60) and abusive.auc > 0.9

    text = Console(width=80, record=True, file=io.StringIO())
    text.print(heard(found))
    shown = text.export_text()
    assert f"{polite.auc:.3f} {polite.f1:.3f} {polite.calibration_error:.3f}" in shown
    (line,) = [line for line in shown.splitlines() if "tydip" in line]
    assert "40 of 80" in line and "…" not in shown and "lexicon" not in shown and "cold" not in shown

    write_report(found, ["fast"], tmp_path / "report")
    figures = json.loads((tmp_path / "report" / "figures.json").read_text())
    assert figures["fast"]["tydip"] == {"tones": {"polite": polite.to_json()}}
    assert figures["fast"]["own"]["tones"] == {"abusive": abusive.to_json()} and figures["fast"]["own"]["texts"] == 60
    assert "tones" not in figures["lexicon"]["own"]
    assert abusive.to_json() == {
        "auc": round(abusive.auc, 4), "f1": round(abusive.f1, 4), "positives": 30, "texts": 60,
        "calibration_error": round(abusive.calibration_error, 4),
    }  # fmt: skip


def test_sets_that_tell_tones_only_are_enough_to_measure_on(folder: Path) -> None:
    found = compare([folder], {"fast": "fast"}, [], device="cpu", most=60, console=QUIET)
    assert found.tones["fast"]["tydip"]["polite"].texts == 60
    assert found.figures["fast"] == {} and table(found).row_count == 0


def test_a_part_of_the_texts_that_was_read_is_told_as_one() -> None:
    told = [ToneFigure(0.9, 0.8, positives, texts, 0.1) for positives, texts in ((40, 100), (30, 50))]
    found = Comparison(tones={"all": {"own": {"angry": told[0]}}, "part": {"own": {"angry": told[1]}}, "none": {}})
    (cells,) = zip(*(column.cells for column in heard(found).columns), strict=True)
    assert cells == ("own", "angry", "40 of 100", "0.900 0.800 0.100", "0.900 0.800 0.100 (50 of 100)")
    assert heard(Comparison()).row_count == 0


def test_a_model_card_tells_the_tones(folder: Path) -> None:
    corpus = load_corpus([folder], with_service_lines=False)
    figures = {"tydip": {"polite": ToneFigure(0.91234, 0.8, 1_040, 2_080, 0.05)}, "offensive": {"abusive": ToneFigure(0.7, 0.5, 20, 40, 0.1)}}
    made = {"network": "a network", "figures": {}, "baseline": {}, "training": {}, "max_tokens": 32}
    card = model_card(corpus=corpus, tones=figures, **made).splitlines()
    assert "| tydip | polite | 2,080 | 1,040 | 0.912 | 0.800 | 0.050 |" in card
    assert "| offensive (held out) | abusive | 40 | 20 | 0.700 | 0.500 | 0.100 |" in card
    assert card.index("## Figures") < card.index("## Tones") < card.index("## Training")
    assert "## Tones" not in model_card(corpus=corpus, tones={"cold": {}}, **made)
