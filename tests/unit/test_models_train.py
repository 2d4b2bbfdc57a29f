"""A small training run from generated lines, data reading, and the figures."""

from __future__ import annotations

import io
import random
from pathlib import Path

import pytest
from rich.console import Console

from models.data import NEGATIVE, NEUTRAL, POSITIVE, DataError, Example, identity, load_corpus
from models.evaluate import evaluate, macro_f1
from models.scorer import LABELS, ModelError, Score, load_scorer
from models.service_lines import service_lines
from models.tokenizer import Encoder, train_tokenizer
from models.train import TrainConfig, train

WORDS = {
    "anger": ("坏了", "太差", "生气", "骗人"),
    "none": ("发货", "地址", "尺码", "颜色"),
    "like": ("喜欢", "很好", "感谢", "漂亮"),
}
GROUPS = {"1": ("broken", "angry", "awful"), "2": ("order", "address", "size"), "3": ("love", "thanks", "great")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two sets in the layout of the public ones, a few hundred lines in all."""
    chance = random.Random(1)
    chinese = tmp_path / "data" / "zh_nlpcc2013_emotion"
    chinese.mkdir(parents=True)
    lines = ["标签,文本"]
    for label, words in WORDS.items():
        lines += [f"{label},{'，'.join(chance.choices(words, k=4))}，第{at}件" for at in range(120)]
    (chinese / "Nlpcc2013Train.tsv").write_text("\n".join(lines), "utf-8")
    english = tmp_path / "data" / "en_goemotions"
    english.mkdir()
    for name, count in (("train", 60), ("dev", 10), ("test", 10)):
        rows = [
            f"{' '.join(chance.choices(words, k=3))} {name} {at}\t{label}\tid{at}"
            for label, words in GROUPS.items()
            for at in range(count)
        ]
        rows += ["both ways\t1,3\tidx", "unclear\t0\tidy"]
        (english / f"group_{name}.tsv").write_text("\n".join(rows), "utf-8")
    return tmp_path / "data"


def test_a_tiny_training_run_writes_a_model_that_loads(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "model"
    config = TrainConfig(
        data=[folder],
        output=output,
        vocabulary_size=300,
        hidden_size=32,
        layers=1,
        heads=2,
        epochs=12,
        patience=12,
        batch_size=16,
        learning_rate=5e-3,
        dropout=0.1,
        token_dropout=0.0,
        threads=1,
        with_service_lines=False,
    )
    said = io.StringIO()
    report = train(config, Console(file=said))
    assert "validation macro-F1" in said.getvalue()
    for name in ("model.safetensors", "config.json", "tokenizer.json", "README.md"):
        assert (output / name).is_file()
    assert report.figures["nlpcc2013"].macro_f1 > 0.8
    assert report.figures["goemotions"].macro_f1 > 0.8
    assert set(report.baseline) == set(report.figures)
    assert f"{report.figures['goemotions'].macro_f1:.3f}" in (output / "README.md").read_text("utf-8")

    scorer = load_scorer(str(output), "cpu")
    assert scorer.version == report.version
    assert [score and score.label for score in scorer.score(["太差，骗人，坏了", "", "love great thanks"])] == [
        "negative",
        None,
        "positive",
    ]


def test_training_does_not_write_into_a_folder_of_other_things(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine", "utf-8")
    with pytest.raises(ModelError, match="holds other files than a model"):
        train(TrainConfig(data=[folder], output=tmp_path))


def test_a_folder_without_data_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no training set under"):
        load_corpus([tmp_path])


def test_a_text_is_in_one_split_only_and_has_one_label(folder: Path) -> None:
    path = folder / "en_goemotions" / "group_train.tsv"
    held_out = (folder / "en_goemotions" / "group_test.tsv").read_text("utf-8").split("\t")[0]
    extra = [f"{held_out.upper()}!\t1\tx", "two minds\t1\tx", "Two  minds.\t3\tx", "once more\t2\tx", "once more\t2\tx"]
    path.write_text(path.read_text("utf-8") + "\n" + "\n".join(extra), "utf-8")
    corpus = load_corpus([folder], with_service_lines=False)
    train_texts = [identity(example.text) for example in corpus.train]
    validation = {identity(example.text) for example in corpus.validation}
    tests = {identity(example.text) for examples in corpus.tests.values() for example in examples}
    assert len(set(train_texts)) == len(train_texts)
    assert not set(train_texts) & validation
    assert not (set(train_texts) | validation) & tests
    assert identity("two minds") not in train_texts
    assert train_texts.count(identity("once more")) == 1
    assert all("both ways" not in example.text and "unclear" not in example.text for example in corpus.train)


def test_a_text_of_training_is_not_measured_on(folder: Path) -> None:
    shared = load_corpus([folder], with_service_lines=False).train[0].text
    reviews = folder / "zh_sentiment_chinesenlpcorpus"
    reviews.mkdir()
    (reviews / "waimai_10k.csv").write_text(f'label,review\n1,{shared}！\n0,"送得慢, 凉了"\n', "utf-8")
    (reviews / "online_shopping_10_cats.csv").write_text("cat,label,review\n书籍,0,纸张太薄\n", "utf-8")
    corpus = load_corpus([folder])
    assert corpus.tests["waimai"] == [Example("送得慢, 凉了", NEGATIVE)]
    assert corpus.tests["online_shopping"] == [Example("纸张太薄", NEGATIVE)]
    assert not {"送得慢, 凉了", "纸张太薄"} & {example.text for example in corpus.train + corpus.validation}


def test_service_lines_are_labelled_filled_and_always_the_same() -> None:
    lines = list(service_lines())
    assert lines == list(service_lines())
    assert {label for _, label in lines} == set(LABELS)
    assert all(text and "{" not in text and "|" not in text for text, _ in lines)


def test_a_long_text_is_encoded_by_head_and_tail_within_the_limit() -> None:
    tokenizer = train_tokenizer([text for text, _ in service_lines()], 1_000, 16)
    encoder = Encoder(tokenizer, 16)
    (short,) = encoder.encode(["谢谢"])
    (long,) = encoder.encode(["快递" + "发货" * 50 + "投诉"])
    (head,), (tail,) = encoder.encode(["快递"]), encoder.encode(["投诉"])
    assert len(long.ids) == 16
    assert long.ids[: len(head.ids) - 1] == head.ids[:-1]
    assert long.ids[-len(tail.ids) + 1 :] == tail.ids[1:]
    assert short.ids[0] == tokenizer.cls_token_id
    assert short.ids[-1] == tokenizer.sep_token_id
    with pytest.raises(ValueError, match="at least 4"):
        Encoder(tokenizer, 3)


def test_macro_f1_is_the_unweighted_mean_over_the_classes() -> None:
    # class 0: TP 2, FP 1, FN 0 → 0.8; class 1: TP 0, FP 0, FN 1 → 0; class 2: TP 1 → 1
    assert macro_f1([0, 0, 1, 2], [0, 0, 0, 2]) == pytest.approx(0.6)
    assert macro_f1([], []) == 0.0


def test_a_set_without_neutral_is_judged_by_the_sign_and_unscored_texts_are_left_out() -> None:
    class Fixed:
        version = "fixed"

        def score(self, texts: object) -> list[Score | None]:
            return [Score("neutral", 0.1), Score("neutral", -0.1), None]

    binary = evaluate(Fixed(), [Example("a", POSITIVE), Example("b", NEGATIVE), Example("c", POSITIVE)])
    assert (binary.macro_f1, binary.accuracy, binary.texts) == (1.0, 1.0, 2)
    ternary = evaluate(Fixed(), [Example("a", NEUTRAL), Example("b", NEGATIVE), Example("c", POSITIVE)])
    assert (ternary.accuracy, ternary.texts, ternary.classes) == (0.5, 2, 2)
