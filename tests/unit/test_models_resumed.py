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
from models.scorer import ModelError
from models.train import train
from tests.tiny_training import tiny, two_sets


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return two_sets(tmp_path / "data")


def test_a_broken_off_training_goes_on_from_its_last_checkpoint(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    means: list[Path] = []
    monkeypatch.setattr(averaging, "load_file", lambda path: (means.append(path), load_file(path))[1])
    half = tiny(folder, tmp_path / "model", with_baseline=False)
    half = replace(half, schedule=replace(half.schedule, epochs=2, averaging=0.9))
    train(half, Console(file=io.StringIO()))
    assert not means
    checkpoints = {path.name for path in (tmp_path / "model-training").glob("checkpoint-*")}
    vocabulary = load_tokenizer(tmp_path / "model-training" / "tokenizer", local=True).get_vocab()
    resumed = train(replace(half, schedule=replace(half.schedule, epochs=3), resume=True), Console(file=io.StringIO()))
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
    # What was begun with other data has another network.
    config = next((tmp_path / "model-training").glob("checkpoint-*")) / "config.json"
    began = config.read_text()
    config.write_text(json.dumps(json.loads(began) | {"id2label": {"0": "negative"}}))
    with pytest.raises(ModelError, match=r"checkpoint-\d+ is of a network with another id2label: .* start anew, without --resume"):
        train(replace(half, schedule=replace(half.schedule, epochs=3), resume=True), Console(file=io.StringIO()))
    config.write_text(began)
    # What was being written when a training was broken off isn't taken for a checkpoint.
    torn = tmp_path / "model-training" / "checkpoint-9999"
    torn.mkdir()
    (torn / "model.safetensors").write_bytes(b"half")
    assert drop_torn_checkpoints(torn.parent) and not torn.exists()
    # A training that begins anew leaves nothing of the earlier one that could be gone on from by mistake.
    train(replace(half, schedule=replace(half.schedule, epochs=1)), Console(file=io.StringIO()))
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
    def broken_off(options: TrainOptions, learnt: object, held_out: object, work: Path, console: Console) -> None:
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
