"""`replywatch evaluate`, as it is called."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from jobs.cli import app
from models.pictures import confusion_picture


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A file of one's own: three labels, a tone, satisfaction, and two shops."""
    said = {"negative": ("awful broken thing", 1, "dissatisfied"), "neutral": ("order number please", 0, "neither"),
            "positive": ("lovely great service", 0, "satisfied")}  # fmt: skip
    rows = [f"{text} {split} {at},{label},{angry},{rated},{('north', 'south')[at % 2]},{split}"
            for split in ("train", "test") for label, (text, angry, rated) in said.items() for at in range(60)]  # fmt: skip
    path = tmp_path / "own.csv"
    path.write_text("\n".join(["text,label,angry,satisfaction,shop,split", *rows]), "utf-8")
    return path


def test_evaluate_prints_one_object_of_models_sets_and_macro_f1(data: Path) -> None:
    arguments = ["evaluate", "--data", str(data), "--model", "mine=fast", "--rivals", "lexicon,tfidf", "--most", "90", "--device", "cpu"]
    result = CliRunner().invoke(app, [*arguments, "--json"])
    assert result.exit_code == 0, result.stderr
    told = json.loads(result.stdout)
    assert list(told) == ["mine", "lexicon", "tfidf"]
    for sets in told.values():
        assert set(sets) == {"own", "own satisfaction"}
        assert all(type(each) is float and 0.0 <= each <= 1.0 for each in sets.values())
    assert told["tfidf"]["own"] > 0.9


def test_evaluate_shows_a_table_for_each_question_and_writes_the_report(data: Path, tmp_path: Path) -> None:
    report = tmp_path / "report"
    arguments = ["evaluate", "--data", str(data), "--model", "fast", "--rivals", "none", "--device", "cpu", "--report", str(report)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.stderr
    for title in ("macro-F1", "calibration error →", "tones: AUC", "largest gaps within sets"):
        assert title in result.stdout
    assert "shop south" in result.stdout and "shop north" not in result.stdout  # which is read better
    assert any("angry" in line and "60 of 180" in line for line in result.stdout.splitlines())
    figures = json.loads((report / "figures.json").read_text())
    assert figures["fast"]["own"]["tones"]["angry"]["texts"] == 180
    assert set(figures["fast"]["own satisfaction"]["per_class"]) == {"dissatisfied", "neither", "satisfied"}
    parts = {each["slice"]: each["sets"] for each in json.loads((report / "slices.json").read_text())["fast"]}
    assert set(parts["shop north"]) == {"own", "own satisfaction"} and parts["shop north"]["own"]["texts"] == 90


def test_a_mistyped_model_and_a_report_that_cannot_be_written_are_told_before_anything_is_measured(data: Path, tmp_path: Path) -> None:
    arguments = ["evaluate", "--data", str(data), "--model", "fast", "--rivals", "none", "--device", "cpu"]
    result = CliRunner().invoke(app, [*arguments, "--model", f"mine={tmp_path}/modle"])
    assert result.exit_code != 0 and "modle" in f"{result.stderr}{result.exception}"
    assert "measured" not in result.stderr and not result.stdout
    result = CliRunner().invoke(app, [*arguments, "--report", f"{data}/report"])
    assert result.exit_code != 0 and not result.stdout


def test_who_answers_nothing_has_no_figure_and_two_texts_no_scaling(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    rows = ["awful,negative,test", "fine,positive,test", "where is it,neutral,test", "bad,negative,validation", "worse,negative,validation", "hm,neutral,train"]
    path.write_text("\n".join(["text,label,split", *rows]), "utf-8")
    arguments = ["evaluate", "--data", str(path), "--rivals", "none", "--device", "cpu"]
    result = CliRunner().invoke(app, [*arguments, "--model", "null", "--json"])
    assert json.loads(result.stdout) == {"null": {"own": None}}
    result = CliRunner().invoke(app, [*arguments, "--model", "fast"])
    assert "own" in result.stdout and "calibration" in result.stdout
    assert " → 0" not in result.stdout  # what two texts would be scaled to


def test_a_picture_of_a_set_with_a_chinese_name_warns_of_nothing(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    confusion_picture([[1, 0], [0, 1]], ("yes", "no"), "fast on 店铺标注", tmp_path / "店铺标注-confusion.png")
    confusion_picture([[1, 0], [0, 1]], ("yes", "no"), "fast on prices_$5_to_$10", tmp_path / "prices.png")  # no formula
    assert (tmp_path / "店铺标注-confusion.png").stat().st_size > 1_000
    assert not [each for each in recwarn if "Glyph" in str(each.message)]
