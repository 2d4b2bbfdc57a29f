"""Where a model is that people name, and what is said of a name that is none."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from models import remote
from models.network import ENCODERS
from models.scorer import DEFAULT_WEIGHTS, SHIPPED, WEIGHTS, ModelError, load_scorer
from models.sources import NAMES, source_of
from models.versions import scorer_version


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("model", "near"), [("acurate", "accurate"), ("Fast", "fast"), ("lexikon", "lexicon"), ("nul", "null")])
def test_a_mistyped_name_is_told_at_once_with_the_one_that_may_be_meant(model: str, near: str) -> None:
    begun = time.monotonic()
    for ask in (load_scorer, scorer_version):
        with pytest.raises(ModelError, match=rf"{model} is no model \(did you mean {near}\?\): known are default, accurate, fast, lexicon, null; .* OWNER/NAME"):
            ask(model)
    assert time.monotonic() - begun < 1  # nobody was asked over the network


@pytest.mark.parametrize("model", ["", "bert-base-chinese", "x" * 300])
def test_a_name_like_none_that_is_known_is_told_without_a_guess(model: str) -> None:
    with pytest.raises(ModelError, match="is no model: known are"):
        source_of(model)


def test_an_encoder_has_names_of_its_own() -> None:
    assert source_of("new", ENCODERS) == "new"
    assert source_of("fast", ENCODERS) == WEIGHTS / "fast"
    with pytest.raises(ModelError, match=r"multilingual-e5-smal is no model \(did you mean multilingual-e5-small\?\)"):
        source_of("multilingual-e5-smal", ENCODERS)
    with pytest.raises(ModelError, match="null is no model"):
        source_of("null", ENCODERS)


def test_what_is_no_single_word_is_a_folder_or_of_the_hub(here: Path) -> None:
    assert source_of("someone/on-the-hub") == "someone/on-the-hub"
    assert source_of("./mine") == here / "mine"
    assert source_of("mine/") == here / "mine"
    assert source_of("/models/mine") == Path("/models/mine")
    (here / "mine").mkdir()
    assert source_of("mine") == Path("mine")
    with pytest.raises(ModelError, match="nobody-here"):
        source_of("~nobody-here/mine")


@pytest.mark.parametrize("name", SHIPPED)
def test_a_folder_hides_a_model_that_comes_along_only_where_it_holds_one(here: Path, name: str) -> None:
    (here / name).mkdir()
    assert source_of(name) == WEIGHTS / name
    assert source_of(f"./{name}") == here / name
    (here / name / "zh").mkdir()
    (here / name / "zh" / "config.json").touch()
    assert source_of(name) == Path(name)
    shutil.rmtree(here / name / "zh")
    (here / name / "config.json").touch()
    assert source_of(name) == Path(name)


@pytest.mark.parametrize("name", sorted(set(NAMES) - set(SHIPPED)))
def test_other_names_mean_the_same_everywhere(here: Path, name: str) -> None:
    shutil.copytree(DEFAULT_WEIGHTS, here / name)
    assert source_of(name) == (DEFAULT_WEIGHTS if name == "default" else name)


def test_a_list_of_words_is_a_model_by_name() -> None:
    scorer = load_scorer("lexicon", "cpu", least_confidence=0.5)
    assert scorer.version == scorer_version("lexicon") == "lexicon"
    assert [score and score.label for score in scorer.score(["太差了，骗子", "thanks, great", "", "hello"])] == [
        "negative", "positive", None, "neutral",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"device": "cuda"}, "device cuda"),
        ({"precision": "int8", "threads": 4}, "precision int8, threads 4"),
        ({"batch_size": 256, "max_tokens": 128}, "batch_size 256, max_tokens 128"),
    ],
)
def test_what_a_server_decides_itself_is_refused_and_not_ignored(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ModelError, match=f"^{told} would be ignored: .* give it to `replywatch serve` there"):
        load_scorer("http://127.0.0.1:9", **given)


def test_what_is_the_default_anyway_and_what_is_decided_here_is_asked_of_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "RemoteScorer", lambda url, limits: limits)
    found = load_scorer("http://127.0.0.1:9", "auto", "auto", batch_size=64, threads=1, least_confidence=0.9, cache_size=7)
    assert (found._scorer.least_confidence, found._scorer.cache_size) == (0.9, 7)  # type: ignore[attr-defined]


def test_an_evaluation_leaves_the_device_to_a_server(monkeypatch: pytest.MonkeyPatch, here: Path) -> None:
    from models import comparison

    asked: list[tuple[str, str]] = []

    def told(source: str, device: str, **_: Any) -> object:
        asked.append((source, device))
        return load_scorer("null")

    monkeypatch.setattr(comparison, "load_scorer", told)
    rows = [{"text": f"line {at}", "label": "neutral", "split": "test"} for at in range(5)]
    (here / "own.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    comparison.compare([here / "own.jsonl"], {"far": "http://127.0.0.1:9", "near": "fast"}, [], device="cpu", with_scaling=False)
    assert asked == [("http://127.0.0.1:9", "auto"), ("fast", "cpu")]
