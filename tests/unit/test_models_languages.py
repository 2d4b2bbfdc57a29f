"""Models for one language, and teachers of them."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pytest
import torch
from rich.console import Console

from models import fitting
from models.comparison import compare
from models.corpus import DataError, load_corpus
from models.distillation import TELLS, taught
from models.heads import SATISFACTION
from models.labels import OUTPUTS, POSITIVE, SATISFACTIONS, UNKNOWN
from models.languages import in_language
from models.network import NetworkShape
from models.recipes import TrainOptions
from models.schedule import Schedule
from models.scorer import WEIGHTS, ModelError, load_scorer
from models.sets import JOINED, Example
from models.text import is_in, language_of
from models.train import train
from tests.language_models import one_language

QUIET = Console(file=io.StringIO())


@pytest.mark.parametrize(
    ("text", "language"), [("太差了", "zh"), ("the iPhone 很好", "zh"), ("great", "en"), ("客服", "zh"), ("ganz gut", "en"), ("", "en")]
)
def test_a_text_with_chinese_characters_counts_as_chinese(text: str, language: str) -> None:
    assert language_of(text) == language


@pytest.mark.parametrize("text", ["👍", "666", "?!", ":)"])
def test_a_text_without_letters_is_in_every_language(text: str) -> None:
    assert is_in(text, "zh") and is_in(text, "en")
    assert not is_in("ok", "zh") and not is_in("好 👍", "en")


@pytest.mark.parametrize(("language", "said"), [("zh", [True, False, True, True]), ("en", [False, True, False, True])])
def test_a_model_for_one_language_says_nothing_of_texts_in_the_other(language: str, said: list[bool], tmp_path: Path) -> None:
    texts = ["太差了，骗人", "thank you, great service", "iPhone 太差了", "👍"]
    both = load_scorer("fast", "cpu").score(texts)
    scores = load_scorer(str(one_language(language, tmp_path / "one")), "cpu").score(texts)
    assert [score is not None for score in scores] == said
    for score, other in zip(scores, both, strict=True):
        assert score is None or (other is not None and score.label == other.label)


def test_a_language_that_no_model_reads_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"reads_language 'fr': zh or en is needed, or none for both \(config.json\)"):
        load_scorer(str(one_language("fr", tmp_path / "one")), "cpu")


def test_a_teacher_for_one_language_leaves_the_other_to_the_rest(tmp_path: Path) -> None:
    examples = [Example(text, UNKNOWN, source="own") for text in ("太差了，骗人", "thank you, great service", "👍")]
    chinese = one_language("zh", tmp_path / "zh")
    alone, fast, accurate, both = (
        taught(teachers, examples, "cpu", QUIET)
        for teachers in ([chinese], [WEIGHTS / "fast"], [WEIGHTS / "accurate"], [chinese, WEIGHTS / "accurate"])
    )
    assert alone[1].isnan().all()
    assert torch.allclose(both[1], accurate[1], rtol=0, atol=0, equal_nan=True)
    for at in (0, 2):
        assert torch.allclose(both[at], (fast[at] + accurate[at]) / 2, atol=0.01, equal_nan=True)


def test_a_teacher_that_reads_none_of_the_texts_is_refused(tmp_path: Path) -> None:
    chinese = one_language("zh", tmp_path / "zh")
    with pytest.raises(ModelError, match=r"the teacher .*zh reads none of the 1 texts to learn from: they are in another language"):
        taught([chinese], [Example("thank you", POSITIVE, source="own")], "cpu", QUIET, tmp_path / "kept")
    assert not (tmp_path / "kept").exists()


def rated_file(path: Path, words: dict[str, str], between: str) -> Path:
    """Rated lines of an own set: the words of each label in many orders."""
    ratings = {"negative": "dissatisfied", "neutral": "neither", "positive": "satisfied"}
    rows = [
        {"text": between.join(each), "label": label, "satisfaction": ratings[label], "split": ("validation", "test", "train", "train")[at % 4]}
        for label, some in words.items()
        for at, each in enumerate(permutations(some.split(), 3))
    ]
    path.write_text("\n".join(json.dumps(row) for row in rows), "utf-8")
    return path


CHINESE = {"negative": "太差 骗人 坏了 生气 难用", "neutral": "发货 地址 尺码 颜色 多少", "positive": "喜欢 很好 感谢 漂亮 不错"}
ENGLISH = {"negative": "broken angry awful late bad", "neutral": "order address size where color", "positive": "love thanks great nice good"}


def test_a_model_learns_and_is_measured_in_its_language_and_tells_the_rest_what_it_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitting, "LEAST_RATED", 50)  # so many are quickly learnt
    chinese, english = rated_file(tmp_path / "chinese.jsonl", CHINESE, "，"), rated_file(tmp_path / "english.jsonl", ENGLISH, " ")
    shape = NetworkShape("new", layers=1, vocabulary=200, hidden=64, heads=2, dropout=0.0)
    schedule = Schedule(epochs=20, batch_size=8, learning_rate=3e-3, token_dropout=0.0, max_tokens=32, device="cpu")
    options = TrainOptions([chinese, english], tmp_path / "one", shape, schedule, with_service_lines=False, threads=1, language="en")

    report = train(options, QUIET)
    assert {name.removesuffix(" satisfaction") for name in report.figures} == {"english"}
    again = replace(options, output=tmp_path / "again", shape=replace(shape, encoder=str(tmp_path / "one")), schedule=replace(schedule, epochs=0))
    with pytest.raises(ModelError, match=r"one reads English only, and with epochs 0 it learns no more: give language en"):
        train(replace(again, language=""), QUIET)
    card = (tmp_path / "one" / "README.md").read_text()
    assert "language: [en]" in card and "service messages, English" in card
    assert "English: a text with Chinese characters gets no score" in card and "| chinese |" not in card
    scores = load_scorer(str(tmp_path / "one"), "cpu").score(["太差，骗人", "great thanks love", "broken awful late"])
    assert [score and score.label for score in scores] == [None, "positive", "negative"]

    # What ships tells no satisfaction: that of the one teacher that does is heard all the same.
    rated = [Example("great thanks love", POSITIVE, source="own", satisfaction=2), Example("很好，感谢", POSITIVE, source="own", satisfaction=2)]
    both, alone = (taught(teachers, rated, "cpu", QUIET) for teachers in ([tmp_path / "one", WEIGHTS / "fast"], [tmp_path / "one"]))
    assert both.shape == (2, len(TELLS)) == (2, len(OUTPUTS) + len(SATISFACTIONS))
    assert torch.equal(both[0, SATISFACTION], alone[0, SATISFACTION]) and not both[0].isnan().any()
    assert both[1, SATISFACTION].isnan().all() and not both[1, 0].isnan()


def test_joined_texts_of_a_model_for_one_language_are_in_that_language(tmp_path: Path) -> None:
    own = rated_file(tmp_path / "english.jsonl", ENGLISH, " ")
    options = TrainOptions([own], tmp_path / "one", NetworkShape("new"), Schedule(device="cpu"), language="zh", permissive_only=False)
    made = [each.text for each in fitting.prepare(options).train if each.source == JOINED]
    assert len(made) > 1_000  # of the service lines
    assert not [text for text in made if sum(word.isascii() and word.isalpha() for word in text.split()) > 5]


def test_a_corpus_without_the_language_is_refused(tmp_path: Path) -> None:
    corpus = load_corpus([rated_file(tmp_path / "chinese.jsonl", CHINESE, "，")], with_service_lines=False)
    assert len(in_language(corpus, "zh").train) == len(corpus.train)
    with pytest.raises(DataError, match="no text of the data is English"):
        in_language(corpus, "en")


def test_a_model_for_one_language_is_measured_on_sets_in_it_only(tmp_path: Path) -> None:
    own = rated_file(tmp_path / "own.jsonl", CHINESE, "，")
    go = tmp_path / "en_goemotions"
    go.mkdir()
    for name in ("train", "dev", "test"):
        (go / f"group_{name}.tsv").write_text("\n".join(f"great {name} {word}\t3\tid" for word in ("parcel", "shop", "staff")), "utf-8")
    models = {"chinese": str(one_language("zh", tmp_path / "chinese")), "both": "fast"}
    found = compare([tmp_path, own], models, [], with_scaling=False, device="cpu", console=QUIET).figures
    assert "go" in found["both"] and "go" not in found["chinese"]
    assert "own" in found["both"] and found["chinese"]["own"].texts == found["both"]["own"].texts  # whose language nobody has told
