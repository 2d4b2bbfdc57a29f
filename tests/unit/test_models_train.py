"""A small training run from generated lines, the loss, and the figures."""

from __future__ import annotations

import io
import json
import math
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console
from safetensors.torch import load_file
from transformers.utils import logging as transformers_logging

from jobs.text_lines import score_lines
from models import fitting, network
from models.answers import Answers
from models.corpus import Corpus, DataError
from models.cross_validation import cross_validate
from models.distillation import TEACHERS_FILE
from models.fitting import LEAST_RATED, parts, repeated, thinned
from models.heads import outputs
from models.labels import NEGATIVE, OUTPUTS, POSITIVE, SATISFACTIONS, UNKNOWN, tones
from models.loading import load_classifier
from models.near_copies import identity
from models.network import NetworkShape, make_network
from models.recipes import TrainOptions, from_recipe
from models.scorer import LABELS, WEIGHTS, ModelError, load_scorer
from models.sentiment import TransformerScorer
from models.service_lines import capitalised, service_lines
from models.sets import Example
from models.tokenizer import Encoder, train_tokenizer
from models.train import report_lines, train, write
from tests.random_models import bert_with_tones, roberta_with_tones
from tests.tiny_training import WORDS, tiny, two_sets


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return two_sets(tmp_path / "data")


def test_a_tiny_training_run_writes_a_model_that_loads(
    folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "model"
    said = io.StringIO()
    transformers_logging.enable_progress_bar()
    options = tiny(folder, output)
    report = train(replace(options, schedule=replace(options.schedule, epochs=16)), Console(file=said))
    assert "texts to learn from" in said.getvalue()
    assert "|" not in capfd.readouterr().err  # one bar is enough
    for name in ("model.safetensors", "config.json", "tokenizer.json", "README.md"):
        assert (output / name).is_file()
    assert report.figures["nlpcc"].macro_f1 > 0.8
    assert report.figures["go"].macro_f1 > 0.8
    assert set(report.baseline) == set(report.figures)
    assert all(figure.macro_f1 > 0.8 for figure in report.baseline.values())
    assert f"{report.figures['go'].macro_f1:.3f}" in (output / "README.md").read_text("utf-8")
    assert "with warm-up over 0.06 of the steps and linear decay, weight decay 0.01, " in (output / "README.md").read_text("utf-8")
    assert any((tmp_path / "model-training" / "runs").rglob("events.out.tfevents.*"))
    assert next(report_lines(report)).startswith(f"{report.version}: validation macro-F1")

    config = json.loads((output / "config.json").read_text("utf-8"))
    assert 0.05 <= config["sentiment_temperature"] <= 20
    scorer = load_scorer(str(output), "cpu")
    assert scorer.version == report.version
    (cool,) = scorer.score(["太差，骗人"])
    (output / "config.json").write_text(json.dumps(config | {"sentiment_temperature": 20.0}))
    (warm,) = load_scorer(str(output), "cpu").score(["太差，骗人"])
    assert cool is not None and warm is not None
    assert cool.label == warm.label == "negative"
    assert cool.confidence > warm.confidence > 1 / 3
    assert (config["wide_weight"], config["max_tokens"]) == (0, 64)
    (output / "config.json").write_text(json.dumps(config | {"wide_weight": 1}))
    with pytest.raises(ModelError, match=r"has a wide_weight, but no wide\.safetensors: give the whole directory"):
        load_scorer(str(output), "cpu")
    (output / "config.json").write_text(json.dumps(config | {"sentiment_temperature": "warm"}))
    with pytest.raises(ModelError, match=r"has sentiment_temperature 'warm': a number from 0\.05 to 20"):
        load_scorer(str(output), "cpu")
    (output / "config.json").write_text(json.dumps(config))
    assert [score and score.label for score in scorer.score(["太差，骗人，坏了", "", "love great thanks"])] == [
        "negative",
        None,
        "positive",
    ]


@pytest.mark.parametrize(("patience", "evaluations"), [(1, 2), (2, 3), (0, 6)])
def test_a_training_that_gets_no_better_ends_when_patience_does(patience: int, evaluations: int, folder: Path, tmp_path: Path) -> None:
    first = tiny(folder, tmp_path / "model", with_baseline=False)
    idle = replace(first.schedule, epochs=3, learning_rate=0.0, patience=patience)
    train(replace(first, schedule=idle), Console(file=io.StringIO()))
    steps = sorted(int(path.name.split("-")[1]) for path in (tmp_path / "model-training").glob("checkpoint-*"))
    assert steps[-1] // steps[0] == evaluations  # the best, which is the first, and the last are kept


def test_a_wide_part_is_learnt_beside_it_and_a_student_learns_from_both(folder: Path, tmp_path: Path) -> None:
    first = tiny(folder, tmp_path / "teacher", with_baseline=False)
    # A deep part that has hardly begun to learn: what is right is the wide part's.
    short, wide = replace(first.schedule, epochs=0.2), replace(first.shape, wide=2**12)
    report = train(replace(first, schedule=short, shape=wide), Console(file=io.StringIO()))
    assert (report.output / "wide.safetensors").is_file()
    assert json.loads((report.output / "config.json").read_text("utf-8"))["wide_weight"] > 0
    teacher = TransformerScorer(report.output, "cpu")
    assert [score and score.label for score in teacher.score(["太差，骗人，坏了", "", "love great thanks"])] == [
        "negative",
        None,
        "positive",
    ]
    said = teacher.probabilities(["love great thanks", ""])
    assert said[0] is not None and said[1] is None
    assert tuple(said[0]) == OUTPUTS and math.isclose(sum(said[0][name] for name in LABELS), 1.0, rel_tol=1e-5)

    student = tiny(folder, tmp_path / "student", with_baseline=False, teachers=[report.output, first.output], compact=True)
    learnt = train(student, Console(file=io.StringIO()))
    assert [path.name for path in learnt.output.glob("*.safetensors")] == ["model.int8.safetensors"]
    assert "model.int8.safetensors" in (learnt.output / "README.md").read_text("utf-8")
    assert min(figure.macro_f1 for figure in learnt.figures.values()) > 0.8
    answers = shutil.copy(tmp_path / "student-training" / TEACHERS_FILE, tmp_path / "answers.safetensors")
    again = train(replace(student, output=tmp_path / "again", teachers=[answers]), Console(file=io.StringIO()))
    one, other = ((each.output / "model.int8.safetensors").read_bytes() for each in (learnt, again))
    assert one == other  # what teachers said is all that is learnt from them
    card = (again.output / "README.md").read_text("utf-8")
    assert f"the probabilities of {teacher.version} and " in card and ", as answers.safetensors has them" in card
    with pytest.raises(ModelError, match="is no directory with a model"):
        train(replace(student, output=tmp_path / "other", teachers=[tmp_path / "none"]), Console(file=io.StringIO()))
    with pytest.raises(ModelError, match="wide is 12: a power of two is needed"):
        NetworkShape(wide=12)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"adapters": "lorra"}, "adapters is 'lorra': one of none, lora, adalora"),
        ({"adapters": "lora"}, "with encoder new, train all of it"),
        ({"device": "gpu"}, "device is 'gpu': one of auto, cuda, cpu is needed"),
        ({"max_tokens": 256}, "max_tokens is 256: this network has places for 128"),
        ({"read_tokens": 129}, "read_tokens is 129: this network has places for 128"),
        ({"teachers": [Path("nowhere")]}, "teacher nowhere is no directory with a model, and no file of a teacher's answers"),
        ({"teachers": [Path(__file__)]}, r"test_models_train\.py is no file of a teacher's answers: "),
        ({"unlabelled": [Path("nowhere.txt")]}, r"unlabelled nowhere\.txt is no file"),
    ],
)
def test_what_cannot_work_is_told_before_the_long_part(
    folder: Path, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    options = tiny(folder, tmp_path / "model")
    if changes.keys() & {"adapters", "device", "max_tokens", "read_tokens"}:
        options = replace(options, schedule=replace(options.schedule, **changes))
    else:
        options = replace(options, **changes)
    with pytest.raises(ModelError, match=message):
        train(options)
    adalora = replace(options.shape, encoder="some/where"), replace(options.schedule, adapters="adalora")
    with pytest.raises(ModelError, match="adalora cannot be resumed: how much each rank has mattered"):
        train(replace(options, shape=adalora[0], schedule=adalora[1], resume=True))
    with pytest.raises(ModelError, match="folds is 1: at least 2"):
        cross_validate(options, 1)
    with pytest.raises(ModelError, match="folds go neither with a teacher"):
        cross_validate(replace(options, resume=True), 3)


def test_a_training_tells_how_well_tones_are_heard(tmp_path: Path) -> None:
    said = {"you idiot, this is broken": ("negative", 1), "where is my order": ("neutral", 0), "thanks, lovely": ("positive", 0)}
    rows = [
        f'"{text} {split} {at}",{label},{angry},{split}'
        for split, count in (("train", 60), ("validation", 10), ("test", 30))
        for text, (label, angry) in said.items()
        for at in range(count)
    ]
    path = tmp_path / "own.csv"
    path.write_text("\n".join(["text,label,angry,split", *rows]), "utf-8")
    report = train(tiny(path, tmp_path / "model", with_baseline=False), Console(file=io.StringIO()))
    (angry,) = report.tones["own"].values()
    assert (angry.positives, angry.texts) == (30, 90) and angry.auc > 0.9
    card = (tmp_path / "model" / "README.md").read_text("utf-8")
    assert f"| own | angry | 90 | 30 | {angry.auc:.3f} | {angry.f1:.3f} | {angry.calibration_error:.3f} |" in card


def test_cross_validation_measures_what_is_served(folder: Path, tmp_path: Path) -> None:
    """And it measures on texts that neither shaped nor chose it."""
    options = tiny(folder, tmp_path / "model")
    # A deep part that learns nothing: what is right is the wide part's.
    short, wide = replace(options.schedule, epochs=0.2), replace(options.shape, wide=2**12)
    told = io.StringIO()
    found = cross_validate(replace(options, schedule=short, shape=wide), 2, Console(file=told, width=200))
    assert len(found.macro_f1) == 2
    assert min(found.macro_f1) > 0.8
    counted = r"part \d of 2: (\d+) texts to learn from, (\d+) to choose by, (\d+) held out"
    counts = [[int(each) for each in part] for part in re.findall(counted, told.getvalue())]
    assert len(counts) == 2
    every = sum(held_out for _, _, held_out in counts)
    for learnt, chosen_by, held_out in counts:
        assert 0 < chosen_by < learnt and learnt + chosen_by + held_out <= every


def test_a_part_without_a_sentiment_is_told_before_the_first_training(tmp_path: Path) -> None:
    rows = ["text,label,angry,split", *(f"where is order {at},,{at % 2},train" for at in range(40)), "lovely thing,positive,,train"]
    path = tmp_path / "own.csv"
    path.write_text("\n".join(rows), "utf-8")
    with pytest.raises(DataError, match=r"3 parts are too many: one of them has no text with a sentiment"):
        cross_validate(tiny(path, tmp_path / "model"), 3, Console(file=io.StringIO()))


def test_any_encoder_in_hugging_face_format_is_gone_on_from(folder: Path, tmp_path: Path) -> None:
    report = train(tiny(folder, tmp_path / "first", with_baseline=False), Console(file=io.StringIO()))
    shape = NetworkShape(str(report.output))
    again = train(
        replace(tiny(folder, tmp_path / "second", with_baseline=False), shape=shape), Console(file=io.StringIO())
    )
    assert again.parameters == report.parameters
    assert again.figures["go"].macro_f1 > 0.8
    with pytest.raises(ModelError, match="cannot load an encoder from"):
        make_network(NetworkShape(str(tmp_path)), ["hi"], 32)


def test_a_tokenizer_that_is_given_is_taken_where_one_would_be_learnt(tmp_path: Path) -> None:
    _, known, _ = load_classifier(WEIGHTS / "fast")
    model, tokenizer = make_network(NetworkShape("new", layers=1, hidden=32, heads=2, tokenizer=str(WEIGHTS / "fast")), [], 32)
    assert tokenizer.get_vocab() == known.get_vocab() and model.config.vocab_size == len(known)
    with pytest.raises(ModelError, match="cannot load a tokenizer from"):
        make_network(NetworkShape("new", tokenizer=str(tmp_path)), [], 32)
    with pytest.raises(ModelError, match="has a tokenizer of its own"):
        NetworkShape("fast", tokenizer=str(WEIGHTS / "fast"))


def test_a_model_that_comes_with_the_project_is_gone_on_from_with_what_it_knows() -> None:
    before, _, _ = load_classifier(WEIGHTS / "fast")
    model, tokenizer = make_network(NetworkShape("fast", columns=OUTPUTS + SATISFACTIONS), [], 32)
    ids = torch.tensor([tokenizer("你们的服务太差了").input_ids])
    with torch.inference_mode():
        known, begun = before.train(False)(ids).logits, model.train(False)(ids).logits
    assert begun[0, : len(OUTPUTS)].tolist() == pytest.approx(known[0].tolist(), abs=1e-4)
    assert begun[:, len(OUTPUTS) :].tolist() == [[0.0] * len(SATISFACTIONS)]
    assert list(model.config.id2label.values()) == [*OUTPUTS, *SATISFACTIONS]
    assert before.config.wide_weight and not hasattr(model.config, "wide_weight")  # of another wide part


def test_with_no_epoch_the_network_stays_and_what_stands_beside_it_is_learnt(folder: Path, tmp_path: Path) -> None:
    first = tiny(folder, tmp_path / "first", with_baseline=False, compact=True)
    begun = train(replace(first, schedule=replace(first.schedule, epochs=2)), Console(file=io.StringIO()))
    shape = NetworkShape(str(begun.output), wide=2**12)
    options = tiny(folder, tmp_path / "second", with_baseline=False, compact=True, shape=shape)
    options = replace(options, schedule=replace(options.schedule, epochs=0))
    report = train(options, Console(file=io.StringIO()))
    files = [(each.output / "model.int8.safetensors").read_bytes() for each in (begun, report)]
    assert files[0] == files[1]
    assert (report.output / "wide.safetensors").is_file() and report.best_step == 0
    assert report.validation_macro_f1 >= begun.validation_macro_f1
    card = (report.output / "README.md").read_text("utf-8")
    assert "none: the network is the encoder's; its wide part and its temperature were learnt" in card
    with pytest.raises(ModelError, match="epochs is 0, and encoder new answers nothing yet"):
        train(replace(options, shape=NetworkShape("new"), output=tmp_path / "third"))
    with pytest.raises(ModelError, match="adapters, unlabelled, teacher and resume do nothing: leave them out"):
        train(replace(options, teachers=[begun.output], output=tmp_path / "third"))
    config = json.loads((begun.output / "config.json").read_text("utf-8"))
    config["id2label"]["3"], config["label2id"] = "joy", {}
    (begun.output / "config.json").write_text(json.dumps(config), "utf-8")
    with pytest.raises(ModelError, match="first does not answer polite: train it first, with epochs above 0"):
        train(replace(options, output=tmp_path / "third"), Console(file=io.StringIO()))


def test_what_a_shop_calibrated_is_not_handed_on_to_what_is_trained_from_it(folder: Path, tmp_path: Path) -> None:
    report = train(tiny(folder, tmp_path / "first", with_baseline=False), Console(file=io.StringIO()))
    config = json.loads((report.output / "config.json").read_text("utf-8"))
    (report.output / "config.json").write_text(json.dumps(config | {"sentiment_bias": [3.0, 0.0, -3.0]}), "utf-8")
    model, _ = make_network(NetworkShape(str(report.output)), [], 32)
    assert not hasattr(model.config, "sentiment_bias") and not hasattr(model.config, "sentiment_temperature")


def test_training_does_not_write_into_a_folder_of_other_things(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine", "utf-8")
    with pytest.raises(ModelError, match="holds other files than a model"):
        train(tiny(folder, tmp_path))


@pytest.mark.parametrize(("part", "purpose"), [("validation", "choose by"), ("train", "learn from")])
def test_texts_of_which_no_token_is_known_are_told_before_the_training(
    part: str, purpose: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = ["text,label,angry,split", *(f"where is order {at},neutral,0,{'train' if part == 'validation' else 'validation'}" for at in range(40))]
    rows += [f"{chr(0x10400 + at) * 3},negative,0,{part}" for at in range(8)]
    rows += [f"thank you {at},,1,validation" for at in range(8)]  # it chooses nothing
    (tmp_path / "own.csv").write_text("\n".join(rows), "utf-8")
    options = tiny(tmp_path / "own.csv", tmp_path / "model", shape=NetworkShape("fast"), teachers=[WEIGHTS / "fast"])
    monkeypatch.setattr(fitting, "taught", lambda *_: pytest.fail("the teacher has begun to read"))
    with pytest.raises(ModelError, match=f"the tokenizer knows no token of the texts to {purpose}: take another encoder, or other texts"):
        train(options, Console(file=io.StringIO()))


def test_a_model_that_is_learnt_from_is_not_written_over(folder: Path, tmp_path: Path) -> None:
    begun = bert_with_tones(tmp_path / "first")
    (tmp_path / "link").symlink_to(begun)
    for language in ("zh", "en"):
        bert_with_tones(tmp_path / "both" / language)
    options = tiny(folder, tmp_path / "link")
    with pytest.raises(ModelError, match="link is the encoder itself: give another directory"):
        train(replace(options, shape=NetworkShape(str(begun))))
    with pytest.raises(ModelError, match="link is the teacher itself"):
        train(replace(options, teachers=[begun]))
    with pytest.raises(ModelError, match="en is the teacher itself"):
        train(replace(options, teachers=[tmp_path / "both"], output=tmp_path / "both" / "en"))
    with pytest.raises(ModelError, match="link is the tokenizer itself"):
        train(replace(options, shape=replace(options.shape, tokenizer=str(begun))))
    kept = bert_with_tones(tmp_path / "model-training" / "checkpoint-9")
    with pytest.raises(ModelError, match=r"encoder .*checkpoint-9 is in the folder of this training, which is cleared"):
        train(replace(options, shape=NetworkShape(str(kept)), output=tmp_path / "model"))
    assert (kept / "model.safetensors").is_file()
    Answers.of(["fine"], torch.full((1, len(OUTPUTS)), 0.5), OUTPUTS, ["a teacher"]).write(answers := kept.parent / TEACHERS_FILE)
    with pytest.raises(ModelError, match=rf"teacher .*{TEACHERS_FILE} is in the folder of this training, which is cleared"):
        train(replace(options, teachers=[answers], output=tmp_path / "model"))


def test_a_recipe_is_taken_with_single_numbers_changed() -> None:
    shape, schedule = from_recipe("accurate", layers=4, epochs=0.5, seed=None)
    assert (shape.encoder, shape.layers, schedule.epochs, schedule.seed) == ("multilingual-e5-small", 4, 0.5, 20)
    with pytest.raises(ModelError, match="recipe 'best' is not known: one of teacher, accurate, fast, tiny"):
        from_recipe("best")


def test_only_so_many_texts_without_a_sentiment_are_learnt_from() -> None:
    toned = [Example(f"tone {at}", UNKNOWN, tones(polite=True), source="tydip") for at in range(10)]
    sided = [Example("good", POSITIVE)]
    assert thinned([*toned, *sided], 3, seed=1)[-1] == sided[0]
    assert len(thinned([*toned, *sided], 3, seed=1)) == 4
    assert thinned([*toned, *sided], 50, seed=1) == [*toned, *sided]
    own = [each._replace(source="own") for each in toned]
    assert thinned([*own, *sided], 3, seed=1) == [*own, *sided]  # few, and wanted


def test_a_model_that_learns_satisfaction_tells_it_beside_sentiment(folder: Path, tmp_path: Path) -> None:
    """And is measured by it on texts that are rated, however their sentiment sounds."""
    rows = [
        {"text": f"{word}，第{at}件", "satisfaction": rating, "split": ("test", "validation", *("train",) * 8)[at % 10]}
        for rating, words in (("satisfied", WORDS["anger"]), ("neither", WORDS["none"]), ("dissatisfied", WORDS["like"]))
        for word in words
        for at in range(30)
    ]
    rated = tmp_path / "rated.jsonl"
    rated.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    options = tiny(folder, tmp_path / "model", data=[folder, rated])
    shape, schedule = replace(options.shape, wide=2**12), replace(options.schedule, epochs=16)
    report = train(replace(options, shape=shape, schedule=schedule), Console(file=io.StringIO()))
    assert report.figures["rated"].macro_f1 > 0.8
    assert report.baseline["rated"].macro_f1 > 0.8
    assert report.figures["nlpcc"].macro_f1 > 0.8
    (score,) = load_scorer(str(tmp_path / "model"), "cpu").score(["太差，第3件"])
    assert score is not None
    assert score.label == "negative"
    assert SATISFACTIONS[score.satisfaction.index(max(score.satisfaction))] == "satisfied"
    assert sum(score.satisfaction) == pytest.approx(1, abs=1e-5)
    config = json.loads((tmp_path / "model" / "config.json").read_text("utf-8"))
    assert config["satisfaction_wide_weight"] > 0
    assert config["satisfaction_temperature"] > 0
    (line,) = score_lines([["太差，第3件"]], str(tmp_path / "model"), "cpu")
    assert list(line["satisfaction"]) == list(SATISFACTIONS)


def test_what_cannot_be_learnt_of_satisfaction_is_not_judged_or_is_refused() -> None:
    sided = [Example("a", NEGATIVE, source="own"), Example("b", POSITIVE, source="own")]
    rated = [Example(f"r{at}", UNKNOWN, source="own", satisfaction=at % 3) for at in range(LEAST_RATED)]
    options = TrainOptions([], Path("out"))
    _, held_out = parts(Corpus(train=sided, validation=sided + rated), options)
    assert held_out == sided
    for few in (rated[1:], rated[:2]):
        learnt, held_out = parts(Corpus(train=sided + few, validation=sided + rated), options)
        assert outputs(learnt) == OUTPUTS and learnt == held_out == sided
    polite = Example("please", UNKNOWN, tones(polite=True), source="own", satisfaction=2)
    learnt, _ = parts(Corpus(train=[*sided, polite], validation=sided), options)
    assert learnt == [*sided, polite._replace(satisfaction=UNKNOWN)]
    learnt, held_out = parts(Corpus(train=sided + rated, validation=sided + rated), options)
    assert outputs(learnt) == OUTPUTS + SATISFACTIONS and held_out == sided + rated
    with pytest.raises(DataError, match="no text to learn from is rated as neither"):
        parts(Corpus(train=sided + [each for each in rated if each.satisfaction != 1] * 2, validation=sided), options)


@pytest.mark.parametrize("make", [bert_with_tones, roberta_with_tones])
@pytest.mark.parametrize("compact", [False, True])
def test_a_model_that_answers_is_gone_on_from_whatever_columns_the_data_ask_for(
    make: Callable[[Path], Path], compact: bool, tmp_path: Path
) -> None:
    """Also where its columns are others, or come in another order."""
    config = json.loads((make(tmp_path / "first") / "config.json").read_text("utf-8"))
    turned = dict(enumerate([*OUTPUTS[:3][::-1], *OUTPUTS[3:]]))
    (tmp_path / "first" / "config.json").write_text(json.dumps(config | {"id2label": turned, "label2id": {}}), "utf-8")
    before, tokenizer, _ = load_classifier(tmp_path / "first")
    if compact:
        write(before, None, tmp_path / "first", compact=True)
        before, tokenizer, _ = load_classifier(tmp_path / "first")
    model, _ = make_network(NetworkShape(str(tmp_path / "first"), columns=OUTPUTS + SATISFACTIONS), [], 16)
    ids = torch.tensor([tokenizer("你们的服务太差了").input_ids])
    with torch.inference_mode():
        known, begun = before.train(False)(ids).logits[0], model.train(False)(ids).logits[0]
    assert begun.dtype == torch.float32
    assert begun[:7].tolist() == pytest.approx([*known[:3].flip(0).tolist(), *known[3:].tolist()], abs=1e-4)
    assert begun[7:].tolist() == [0.0] * 3


def test_what_tells_nothing_in_a_single_layer_is_no_model_to_go_on_from(monkeypatch: pytest.MonkeyPatch) -> None:
    before, _, _ = load_classifier(WEIGHTS / "fast")
    before.classifier = torch.nn.Identity()
    monkeypatch.setattr(network, "load_classifier", lambda source: (before, None, ""))
    with pytest.raises(ModelError, match="fast has no single layer that answers"):
        make_network(NetworkShape("fast"), [], 16)


def test_with_no_epoch_a_model_keeps_what_it_tells_of_satisfaction(folder: Path, tmp_path: Path) -> None:
    begun = bert_with_tones(tmp_path / "first", OUTPUTS + SATISFACTIONS)
    config = json.loads((begun / "config.json").read_text("utf-8"))
    fitted = {"satisfaction_temperature": 2.5, "satisfaction_wide_weight": 1.5, "sentiment_bias": [1.0, 0.0, 0.0]}
    (begun / "config.json").write_text(json.dumps(config | fitted), "utf-8")
    options = tiny(folder, tmp_path / "second", with_baseline=False, shape=NetworkShape(str(begun), wide=2**12))
    train(replace(options, schedule=replace(options.schedule, epochs=0)), Console(file=io.StringIO()))
    after = json.loads((tmp_path / "second" / "config.json").read_text("utf-8"))
    assert list(after["id2label"].values()) == [*OUTPUTS, *SATISFACTIONS]
    assert after["satisfaction_temperature"] == 2.5 and not after.keys() & {"satisfaction_wide_weight", "sentiment_bias"}
    (begun / "config.json").write_text(json.dumps(config | {"satisfaction_temperature": 2.5}), "utf-8")
    wanted, found = (load_scorer(str(each), "cpu", precision="fp32").score(["坏了"])[0] for each in (begun, tmp_path / "second"))
    assert wanted is not None and found is not None
    assert found.satisfaction == pytest.approx(wanted.satisfaction, abs=2e-3)  # written in sixteen bits
    assert "then dissatisfied, neither, satisfied (softmax)" in (tmp_path / "second" / "README.md").read_text("utf-8")


def test_folds_are_refused_for_an_encoder_that_knows_what_is_held_out(folder: Path, tmp_path: Path) -> None:
    options = replace(tiny(folder, tmp_path / "model"), shape=NetworkShape("fast"))
    with pytest.raises(ModelError, match="folds don't go with encoder fast here: it has learnt from go, which is held out"):
        cross_validate(options, 2, Console(file=io.StringIO()))


def test_a_small_set_is_learnt_from_as_often_as_one_says() -> None:
    own, large = [Example("a", NEGATIVE, source="own")], [Example("b", POSITIVE, source="large")]
    assert repeated(own + large, {"own": 3}) == [*own, *large, *own, *own]
    with pytest.raises(DataError, match="no text of ours is learnt from, and none can be repeated: there are large, own"):
        repeated(own + large, {"ours": 2})


def test_service_lines_are_labelled_filled_and_always_the_same() -> None:
    lines = list(service_lines())
    assert lines == list(service_lines())
    assert {line.label for line in lines} == set(LABELS)
    assert all(text and "{" not in text and "|" not in text for text, *_ in lines)
    labels: dict[str, set[str]] = {}
    for text, label, _ in lines:
        labels.setdefault(identity(text), set()).add(label)
    assert max(map(len, labels.values())) == 1  # no line contradicts another
    assert capitalised("great, i waited. thanks a lot!") == "Great, I waited. Thanks a lot!"
    english = [text for text, *_ in lines if text[0].isascii() and text[0].isalpha()]
    assert 0.4 < sum(text[0].isupper() for text in english) / len(english) < 0.7


def test_pieces_of_one_score_have_the_order_of_their_letters() -> None:
    """The trainer leaves them in that of a hash map, another one in every process."""
    core = train_tokenizer(["we lose parcels", "they send refunds"] * 20, 60, 48).backend_tokenizer
    pieces = json.loads(core.to_str())["model"]["vocab"]
    assert [piece for piece, _ in pieces[:4]] == ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    assert len({score for _, score in pieces[4:]}) < len(pieces[4:])
    assert pieces[4:] == sorted(pieces[4:], key=lambda each: (-each[1], each[0]))


def test_a_long_text_is_encoded_by_head_and_tail_within_the_limit() -> None:
    tokenizer = train_tokenizer([line.text for line in service_lines()], 2_000, 16)
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


def test_a_batch_in_parts_is_learnt_from_as_one(folder: Path, tmp_path: Path) -> None:
    """The Trainer adds up the losses of the parts: each must be its share of the mean."""
    logged = []
    for batch_size, accumulation in ((16, 1), (4, 4)):
        options = tiny(folder, tmp_path / str(accumulation), with_baseline=False)
        schedule = replace(options.schedule, epochs=1, batch_size=batch_size, accumulation=accumulation)
        train(replace(options, schedule=schedule), Console(file=io.StringIO()))
        state = max((tmp_path / f"{accumulation}-training").glob("checkpoint-*/trainer_state.json"), key=lambda path: path.stat().st_mtime)
        logged.append(next(each["loss"] for each in json.loads(state.read_text())["log_history"] if "loss" in each))
    assert logged[1] == pytest.approx(logged[0], rel=0.3)


def test_a_seed_decides_about_every_weight(folder: Path, tmp_path: Path) -> None:
    def weights(name: str, seed: int) -> dict[str, torch.Tensor]:
        options = tiny(folder, tmp_path / name, with_baseline=False)
        schedule = replace(options.schedule, epochs=0.5, token_dropout=0.2, averaging=0.5, consistency=0.5, seed=seed)
        train(replace(options, shape=replace(options.shape, wide=2**8), schedule=schedule), Console(file=io.StringIO()))
        return load_file(tmp_path / name / "model.safetensors")

    first, second, other = weights("first", 20), weights("second", 20), weights("other", 21)
    assert first.keys() == second.keys() == other.keys()
    assert [name for name, tensor in first.items() if not torch.equal(tensor, second[name])] == []
    # What begins at one or zero has hardly moved in so few steps, but no matrix is the same.
    assert [name for name, tensor in first.items() if tensor.dim() > 1 and torch.equal(tensor, other[name])] == []
