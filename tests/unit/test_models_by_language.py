"""A directory with one model a language: each text is read by the one for its language."""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path

import pytest
from pytest import approx
from typer.testing import CliRunner

from jobs.cli import app
from models.by_language import LanguageScorer
from models.calibrating import calibrate
from models.loading import LANGUAGE
from models.scorer import WEIGHTS, ModelError, Scorer, load_scorer
from models.server import serve
from models.versions import scorer_version
from tests.language_models import one_a_language, one_language

TEXTS = ["太差了，骗人", "thank you, great service", "👍", "iPhone 坏了", "", "where is my order", "666", "质量很好", "𓀀", "太差了，骗人"]
ENGLISH = (1, 5)
"""Those that the model for English reads: what is without letters is in Chinese, too."""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`fast` for Chinese, and for English one that differs: what it is sure of is less sure."""
    path = one_a_language(tmp_path_factory.mktemp("shop"))
    config = path / "en" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"sentiment_temperature": 6.0, "wide_weight": 0.0}))
    return path


@pytest.fixture(scope="module")
def scorer(models: Path) -> Scorer:
    return load_scorer(str(models), "cpu")


def test_each_text_is_read_by_the_model_for_its_language(models: Path, scorer: Scorer) -> None:
    chinese, english = (load_scorer(str(models / language), "cpu").score(TEXTS) for language in ("zh", "en"))
    scores = scorer.score(TEXTS)
    assert [at for at, score in enumerate(scores) if score is None] == [4, 8]
    for at, score in enumerate(scores):
        own = (english if at in ENGLISH else chinese)[at]
        assert (score and score.label) == (own and own.label)
        assert score is None or (own is not None and score.score == approx(own.score, abs=0.03) and score.tones == approx(own.tones, abs=0.03))
    assert scores[1] is not None and (both := load_scorer("fast", "cpu").score(TEXTS)[1]) is not None
    assert both.confidence > scores[1].confidence + 0.1  # it was the second model that was asked


def test_texts_in_one_language_only_are_read(scorer: Scorer) -> None:
    for texts, label in ((["太差了"], "negative"), (["great service, thank you"], "positive")):
        assert [score and score.label for score in scorer.score(texts)] == [label]


def test_the_version_names_the_directory_and_all_that_is_in_it(models: Path, scorer: Scorer, tmp_path: Path) -> None:
    name, digest = scorer.version.split("@")
    assert scorer.version == scorer_version(str(models)) and name == models.name
    other = Path(shutil.copytree(models, tmp_path / "other"))
    assert scorer_version(str(other)) == f"other@{digest}"
    for language in ("zh", "en"):
        config = other / language / "config.json"
        config.write_text(f"{config.read_text()}\n")
        changed = scorer_version(str(other)).split("@")[1]
        assert changed != digest
        digest = changed


def test_a_server_of_both_tells_the_same(models: Path, scorer: Scorer) -> None:
    inner = LanguageScorer(models, "cpu")
    assert inner.precision in ("fp32", "bf16", "int8")
    with serve(inner, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        far = load_scorer(f"http://127.0.0.1:{server.server_address[1]}")
        assert far.version == scorer.version
        for near, distant in zip(scorer.score(TEXTS), far.score(TEXTS), strict=True):
            assert (near and near.label) == (distant and distant.label)
            assert near is None or (distant is not None and distant.score == approx(near.score, abs=0.03))
        server.shutdown()


def test_the_command_scores_with_both(models: Path) -> None:
    lines = "太差了，骗人\nthank you, great service\n"
    told = CliRunner().invoke(app, ["score", "--model", str(models), "--device", "cpu"], input=lines)
    assert told.exit_code == 0, told.output
    labels = [json.loads(line)["label"] for line in told.stdout.splitlines()]
    assert labels == ["negative", "unknown"]  # as the second model is not sure enough


def test_a_directory_with_a_model_for_one_of_them_is_refused_with_the_remedy(tmp_path: Path) -> None:
    one_language("en", tmp_path / "en")
    with pytest.raises(ModelError, match=r"has a model for English and none for Chinese: put one into .*zh, or give .*en itself"):
        load_scorer(str(tmp_path), "cpu")


def test_a_model_in_the_place_of_the_other_language_is_refused(tmp_path: Path) -> None:
    one_language("en", tmp_path / "en")
    one_language("en", tmp_path / "zh")
    with pytest.raises(ModelError, match=r"zh is where a model for Chinese is wanted, and it reads English only"):
        load_scorer(str(tmp_path), "cpu")


def test_a_model_for_all_languages_may_stand_in_for_one(tmp_path: Path) -> None:
    one_language("en", tmp_path / "en")
    shutil.copytree(WEIGHTS / "fast", tmp_path / "zh")
    assert LANGUAGE not in json.loads((tmp_path / "zh" / "config.json").read_text())
    (score,) = load_scorer(str(tmp_path), "cpu").score(["太差了，骗人"])
    assert score is not None and score.label == "negative"


def test_a_model_stays_one_whatever_folders_lie_in_its_directory(tmp_path: Path) -> None:
    shutil.copytree(WEIGHTS / "fast", tmp_path / "mine")
    version = scorer_version(str(tmp_path / "mine"))
    one_language("en", tmp_path / "mine" / "en")
    assert scorer_version(str(tmp_path / "mine")) == version == load_scorer(str(tmp_path / "mine"), "cpu").version


def test_models_by_language_are_calibrated_one_by_one(models: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"has one model a language: calibrate each of them, .*zh first"):
        calibrate(str(models), [], tmp_path / "out", device="cpu")
