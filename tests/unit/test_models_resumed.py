"""A training that was broken off goes on from its last checkpoint, and ends as it would have."""

from __future__ import annotations

import io
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from rich.console import Console
from safetensors.torch import load_file

from models import averaging
from models.checkpoints import LAST_WRITTEN, drop_torn_checkpoints
from models.loading import load_tokenizer
from models.recipes import TrainOptions
from models.scorer import WEIGHTS, ModelError
from models.train import train
from tests.tiny_training import tiny, two_sets


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return two_sets(tmp_path / "data")


def _break_off(work: Path) -> None:
    """As if the part of a training after its last checkpoint but one had not been."""
    shutil.rmtree(max(work.glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1])))


def test_a_broken_off_training_goes_on_from_its_last_checkpoint(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    means: list[Path] = []
    monkeypatch.setattr(averaging, "load_file", lambda path: (means.append(path), load_file(path))[1])
    whole = tiny(folder, tmp_path / "model", with_baseline=False)
    whole = replace(whole, schedule=replace(whole.schedule, epochs=3, averaging=0.9))
    train(whole, Console(file=io.StringIO()))
    assert not means
    _break_off(tmp_path / "model-training")
    checkpoints = {path.name for path in (tmp_path / "model-training").glob("checkpoint-*")}
    vocabulary = load_tokenizer(tmp_path / "model-training" / "tokenizer", local=True).get_vocab()
    resumed = train(replace(whole, resume=True), Console(file=io.StringIO()))
    steps = sorted(int(path.name.split("-")[1]) for path in (tmp_path / "model-training").glob("checkpoint-*"))
    assert steps[-1] > max(int(name.split("-")[1]) for name in checkpoints)
    states = [
        json.loads(path.read_text()) for path in (tmp_path / "model-training").glob("checkpoint-*/trainer_state.json")
    ]
    # So does the mean of the weights.
    assert [path.parent.name for path in means] == [max(checkpoints, key=lambda name: int(name.split("-")[1]))]
    # What was logged before the break is still there: it went on, and did not begin again.
    assert all(
        state["log_history"][0]["epoch"] < 1 < 2 < state["epoch"]
        for state in states
        if state["global_step"] == steps[-1]
    )
    assert resumed.best_step <= steps[-1]
    assert load_tokenizer(resumed.output, local=True).get_vocab() == vocabulary
    # Nor are checkpoints of another network.
    config = next((tmp_path / "model-training").glob("checkpoint-*")) / "config.json"
    began = config.read_text()
    config.write_text(json.dumps(json.loads(began) | {"id2label": {"0": "negative"}}))
    with pytest.raises(ModelError, match=r"checkpoint-\d+ is of a network with another id2label: .* start anew, without --resume"):
        train(replace(whole, resume=True), Console(file=io.StringIO()))
    config.write_text(began)
    # What was being written when a training was broken off isn't taken for a checkpoint.
    torn = tmp_path / "model-training" / "checkpoint-9999"
    torn.mkdir()
    (torn / "model.safetensors").write_bytes(b"half")
    assert drop_torn_checkpoints(torn.parent, whole.schedule) and not torn.exists()
    torn.mkdir()
    (torn / LAST_WRITTEN).touch()  # the mean of the weights is written behind it
    assert drop_torn_checkpoints(torn.parent, replace(whole.schedule, averaging=0.0)) and torn.exists()
    assert drop_torn_checkpoints(torn.parent, whole.schedule) and not torn.exists()
    # A training that begins anew leaves nothing of the earlier one that could be gone on from by mistake.
    train(replace(whole, schedule=replace(whole.schedule, epochs=1)), Console(file=io.StringIO()))
    assert max(int(path.name.split("-")[1]) for path in (tmp_path / "model-training").glob("checkpoint-*")) < steps[-1]


@pytest.mark.parametrize(
    ("checkpoint", "adapters", "said"),
    [
        ("now", "none", "the same command with --resume goes on from the last checkpoint in {}/model-training"),
        ("now", "adalora", "nothing is kept: a training like this one can't be gone on with"),
        ("torn", "none", "nothing is kept: no checkpoint has been written yet"),
        ("earlier", "none", "nothing is kept: no checkpoint has been written yet"),
    ],
)
def test_whoever_breaks_a_training_off_is_told_whether_it_can_be_gone_on_with(
    checkpoint: str, adapters: str, said: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken_off(options: TrainOptions, learnt: object, held_out: object, work: Path, *others: object) -> None:
        (work / "checkpoint-7").mkdir(parents=True)
        if checkpoint != "torn":
            (work / "checkpoint-7" / LAST_WRITTEN).touch()
        if checkpoint == "earlier":
            os.utime(work / "checkpoint-7" / LAST_WRITTEN, (1_000, 1_000))
        raise KeyboardInterrupt

    monkeypatch.setattr("models.train.fit", broken_off)
    options = tiny(folder, tmp_path / "model", with_baseline=False)
    heard = io.StringIO()
    with pytest.raises(KeyboardInterrupt):  # of which the command line makes exit code 130
        train(replace(options, shape=replace(options.shape, encoder="fast"), schedule=replace(options.schedule, adapters=adapters)), Console(file=heard))
    assert said.format(tmp_path) in heard.getvalue()


@pytest.mark.parametrize("adapters", ["none", "lora"])
def test_a_training_gone_on_from_ends_as_if_it_had_not_been_broken_off(adapters: str, folder: Path, tmp_path: Path) -> None:
    base = tiny(folder, tmp_path / "base", with_baseline=False)
    train(replace(base, schedule=replace(base.schedule, epochs=1)), Console(file=io.StringIO()))
    unlabelled = tmp_path / "chats.txt"
    unlabelled.write_text("\n".join(f"第{at}件什么时候发货" for at in range(80)), "utf-8")
    whole = tiny(folder, tmp_path / "model", with_baseline=False, unlabelled=[unlabelled])
    shape = replace(whole.shape, encoder=str(tmp_path / "base"), layers=0)
    whole = replace(whole, shape=shape, schedule=replace(whole.schedule, epochs=2, adapters=adapters, rank=2, learning_rate=1e-3))
    ended = train(whole, Console(file=io.StringIO()))
    wanted = load_file(ended.output / "model.safetensors")
    work = tmp_path / "model-training"
    steps = sorted(int(path.name.split("-")[1]) for path in work.glob("checkpoint-*"))
    assert len(steps) == 2
    shutil.rmtree(work / f"checkpoint-{steps[-1]}")  # as if the last part had not been
    # What the encoder's name means may have changed since then.
    train(replace(base, schedule=replace(base.schedule, epochs=1, seed=7)), Console(file=io.StringIO()))
    again = train(replace(whole, resume=True), Console(file=io.StringIO()))
    assert again.best_step == ended.best_step
    found = load_file(again.output / "model.safetensors")
    assert found.keys() == wanted.keys()
    # Written in sixteen bits: a last bit may differ.
    assert all(torch.allclose(found[name].float(), wanted[name].float(), atol=2e-4) for name in wanted)
    # What was begun in another way is no checkpoint of this one.
    other = replace(whole, resume=True, schedule=replace(whole.schedule, adapters="lora" if adapters == "none" else "none"))
    with pytest.raises(ModelError, match="start anew, without --resume"):
        train(other, Console(file=io.StringIO()))


def test_a_training_is_gone_on_with_only_as_it_was_begun(folder: Path, tmp_path: Path) -> None:
    """Else it would be measured on what it has learnt from, and its card would tell numbers that it wasn't made with."""
    own = tmp_path / "own.csv"
    lines = ["text,label,split", *(f"thanks {at},positive,{'validation' if at % 4 else 'train'}" for at in range(40))]
    own.write_text("\n".join(lines), "utf-8")
    first = tiny(folder, tmp_path / "model", with_baseline=False, data=[folder, own])
    first = replace(first, schedule=replace(first.schedule, epochs=1), resume=True)
    told = io.StringIO()
    train(first, Console(file=told, width=300))
    work = tmp_path / "model-training"
    assert f"no checkpoint in {work}: begun anew" in told.getvalue()
    _break_off(work)

    def refused(options: TrainOptions) -> str:
        with pytest.raises(ModelError, match="go on with the same data and numbers, or start anew, without --resume") as error:
            train(options, Console(file=io.StringIO()))
        return str(error.value)

    schedule = replace(first.schedule, learning_rate=1e-3, epochs=2, device="auto")
    assert "begun with epochs 1 (now 2), learning_rate 0.005 (now 0.001): " in refused(replace(first, schedule=schedule))
    assert "encoder new (now multilingual-e5-small)" in refused(replace(first, shape=replace(first.shape, encoder="multilingual-e5-small")))
    assert "teachers none (now fast)" in refused(replace(first, teachers=[WEIGHTS / "fast"]))
    unlabelled = tmp_path / "chats.txt"
    unlabelled.write_text("什么时候发货\n", "utf-8")
    assert "other unlabelled texts, unlabelled_epochs 0 (now 1.0): " in refused(replace(first, unlabelled=[unlabelled]))
    own.write_text("\n".join(line.replace("thanks 4,positive", "thanks 4,negative") for line in lines), "utf-8")
    assert "begun with other texts to learn from: " in refused(first)
    own.write_text("\n".join(line.replace("validation", "test") for line in lines), "utf-8")
    assert "begun with other texts to choose by: " in refused(first)
    own.write_text("\n".join(lines), "utf-8")
    train(replace(first, schedule=replace(first.schedule, device="auto")), Console(file=io.StringIO()))
    _break_off(work)
    (work / "begun-with.json").unlink()
    with pytest.raises(ModelError, match=r"does not say what its training was begun with \(begun-with.json\), .*: start anew, without --resume"):
        train(first, Console(file=io.StringIO()))


def test_a_training_that_had_lost_its_patience_does_not_find_it_again(folder: Path, tmp_path: Path) -> None:
    options = tiny(folder, tmp_path / "model", with_baseline=False)
    options = replace(options, schedule=replace(options.schedule, learning_rate=0.0, patience=2))

    def steps() -> int:
        return max(int(path.name.split("-")[1]) for path in (tmp_path / "model-training").glob("checkpoint-*"))

    train(options, Console(file=io.StringIO()))
    ended = steps()
    train(replace(options, resume=True), Console(file=io.StringIO()))
    assert steps() == ended + ended // 3  # one evaluation says that it is over; patience from the beginning would take two
