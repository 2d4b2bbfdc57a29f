"""What a training's numbers are made of in Hugging Face's Trainer."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments
from typer.testing import CliRunner

from jobs.cli import app
from models import loading
from models.recipes import RECIPES, TrainOptions, from_recipe
from models.schedule import Schedule, arguments
from models.scorer import WEIGHTS, ModelError
from models.training_checks import check

DEVICES = ["cpu", "auto"] + (["cuda"] if torch.cuda.is_available() else [])


def given(work: Path, steps: int = 10, **changes: Any) -> TrainingArguments:
    return arguments(Schedule(**{"device": "cpu", **changes}), work, steps)


@pytest.mark.parametrize("device", DEVICES)
def test_half_precision_is_bf16_where_the_machine_has_it(device: str, tmp_path: Path) -> None:
    found = given(tmp_path, device=device)
    on_gpu = device != "cpu" and torch.cuda.is_available()
    if on_gpu:
        assert found.bf16 == (torch.cuda.get_device_capability() >= (8, 0))
        assert found.fp16 != found.bf16
    else:
        assert (found.bf16, found.fp16) == (loading.cpu_gains_from_bf16(), False)
    assert found.device.type == ("cuda" if on_gpu else "cpu")


@pytest.mark.parametrize(("able", "bf16", "fp32", "gains"), [(True, 1.0, 2.0, True), (True, 2.0, 1.0, False), (False, 1.0, 2.0, False)])
def test_a_cpu_learns_in_bf16_only_where_that_is_quicker(
    able: bool, bf16: float, fp32: float, gains: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "cpu_computes_in_bf16", lambda: able)
    monkeypatch.setattr(loading, "_product_seconds", {torch.bfloat16: bf16, torch.float32: fp32}.__getitem__)
    assert loading.cpu_gains_from_bf16.__wrapped__() is gains


def test_weights_are_learnt_by_adamw_with_a_learning_rate_that_rises_and_falls(tmp_path: Path) -> None:
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    model = BertForSequenceClassification(BertConfig(**sizes, vocab_size=40))
    trainer = Trainer(model=model, args=given(tmp_path, steps=0, learning_rate=2e-3, warm_up=0.2, weight_decay=0.07))
    trainer.create_optimizer_and_scheduler(50)
    optimizer = trainer.optimizer
    assert isinstance(optimizer, torch.optim.AdamW)
    names = {id(each): name for name, each in model.named_parameters()}
    decay = {names[id(each)]: group["weight_decay"] for group in optimizer.param_groups for each in group["params"]}
    assert set(decay) == set(names.values())
    # Matrices are drawn to nothing; what shifts and scales isn't.
    assert {value for name, value in decay.items() if name.endswith(".weight") and "LayerNorm" not in name} == {0.07}
    assert {value for name, value in decay.items() if name.endswith(".bias") or "LayerNorm" in name} == {0.0}
    rates = []
    for _ in range(50):
        rates.append(trainer.lr_scheduler.get_last_lr()[0])
        optimizer.step()
        trainer.lr_scheduler.step()
    assert rates[:3] == pytest.approx([0, 2e-4, 4e-4])
    assert max(rates) == rates[10] == pytest.approx(2e-3)
    assert rates[30] == pytest.approx(1e-3)
    assert trainer.lr_scheduler.get_last_lr()[0] == pytest.approx(0)


@pytest.mark.parametrize(("warm_up", "steps"), [(0.0, 0), (0.06, 30), (0.0601, 31), (0.5, 250), (0.99, 495)])
def test_the_learning_rate_rises_over_a_share_of_the_steps(warm_up: float, steps: int, tmp_path: Path) -> None:
    assert given(tmp_path, warm_up=warm_up).get_warmup_steps(500) == steps


def test_every_recipe_warms_up_for_a_share_of_its_steps(tmp_path: Path) -> None:
    for name in RECIPES:
        _, schedule = from_recipe(name, device="cpu")
        assert 0 < arguments(schedule, tmp_path, 10).get_warmup_steps(1_000) <= 100


def test_recipes_that_keep_the_mean_of_the_weights_go_on_to_their_end() -> None:
    # A few evaluations without a better one, while the learning rate is still high, would leave the mean of unfinished weights.
    schedules = [from_recipe(name)[1] for name in RECIPES]
    assert sum(bool(schedule.averaging) for schedule in schedules) >= 3
    assert [schedule for schedule in schedules if schedule.averaging and schedule.patience] == []


def test_numbers_of_the_schedule_are_the_trainers(tmp_path: Path) -> None:
    found = given(tmp_path, batch_size=12, accumulation=3, epochs=2.5, seed=7)
    assert (found.per_device_train_batch_size, found.gradient_accumulation_steps, found.num_train_epochs) == (12, 3, 2.5)
    assert (found.seed, found.data_seed) == (7, 7)
    assert (found.eval_steps, found.save_steps, found.load_best_model_at_end) == (10, 10, True)
    # AdaLoRA's matrices change their shape: an earlier one can't be loaded again.
    assert not given(tmp_path, adapters="adalora").load_best_model_at_end
    idle = given(tmp_path, steps=0)
    assert (idle.eval_strategy, idle.save_strategy, idle.load_best_model_at_end) == ("no", "no", False)


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--warm-up", "1", "warm_up is 1: a share of the steps is needed, from 0 to below 1"),  # it would be one step
        ("--warm-up", "-0.1", "warm_up is -0.1: a share"),
        ("--weight-decay", "-1", "weight_decay is -1: 0 or more is needed"),
        ("--epochs", "inf", "epochs is inf: 0 or more is needed, and no infinity"),
        ("--learning-rate", "inf", "learning_rate is inf: 0 or more"),
        ("--consistency", "inf", "consistency is inf: 0 or more"),
    ],
)
def test_numbers_that_the_command_line_tells_are_checked(option: str, value: str, message: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["train", "--data", str(tmp_path), "--output", str(tmp_path / "model"), option, value])
    assert isinstance(result.exception, ModelError)
    assert str(result.exception).startswith(message)


@pytest.mark.parametrize("name", ["epochs", "learning_rate", "warm_up", "weight_decay", "consistency", "averaging", "adjustment"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -1.0])
def test_what_is_no_number_of_a_schedule_is_refused(name: str, value: float) -> None:
    with pytest.raises(ModelError, match=f"{name} is "):
        Schedule(**{name: value})


def test_unlabelled_texts_are_read_for_a_number_of_epochs() -> None:
    shape, schedule = from_recipe("accurate", device="cpu")
    for epochs in (math.inf, math.nan, 0.0):
        with pytest.raises(ModelError, match=r"unlabelled_epochs is \w+: more than 0 is needed, and no infinity"):
            check(TrainOptions([], Path("out"), shape, schedule, unlabelled_epochs=epochs))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--encoder", "fast", "--layers", "7", "--vocabulary", "200"], r"layers, vocabulary \(encoder fast has its own\)"),
        (["--rank", "64", "--unlabelled-epochs", "9"], r"rank \(there are no adapters\); unlabelled_epochs \(nothing is read before the labels\)"),
        (["--encoder", "new", "--tokenizer", "x", "--vocabulary", "200"], r"vocabulary \(the tokenizer given has its own\)"),
        (["--adapters", "lora", "--averaging", ".9"], r"averaging \(of adapters no mean is kept\)"),
        (["--adapters", "adalora", "--patience", "2"], r"patience \(adalora goes on to its end\)"),
        (
            ["--encoder", "fast", "--epochs", "0", "--learning-rate", "5", "--consistency", "3", "--averaging", ".9", "--layers", "2"],
            r"layers \(encoder fast has its own\); learning_rate, consistency, averaging \(epochs is 0, and the network learns nothing\)",
        ),
    ],
)
def test_what_would_do_nothing_is_told(given: list[str], message: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["train", "--data", str(tmp_path), "--output", str(tmp_path / "model"), *given])
    with pytest.raises(ModelError, match=rf"^would do nothing: {message}: leave them out$"):
        raise result.exception or AssertionError(result.output)


@pytest.mark.parametrize(
    "given",
    [
        ["--recipe", "accurate", "--encoder", str(WEIGHTS / "accurate"), "--epochs", "0", "--wide", "131072", "--compact"],
        ["--recipe", "teacher", "--adapters", "lora", "--rank", "4", "--averaging", "0", "--encoder", "some/where", "--patience", "2"],
        ["--layers", "2", "--vocabulary", "200", "--unlabelled", "x.txt", "--unlabelled-epochs", "2"],
    ],
)
def test_the_numbers_of_a_recipe_may_do_nothing(given: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[TrainOptions] = []
    monkeypatch.setattr("models.train.report_lines", lambda report: [])
    monkeypatch.setattr("models.train.train", lambda options, _: asked.append(options))
    result = CliRunner().invoke(app, ["train", "--data", str(tmp_path), "--output", str(tmp_path / "model"), *given])
    assert result.exit_code == 0, result.exception
    assert len(asked) == 1 and asked[0].unlabelled_epochs == (2 if "--unlabelled" in given else 1)


def test_a_recipe_is_taken_with_another_warm_up_and_weight_decay() -> None:
    _, schedule = from_recipe("fast", warm_up=0.25, weight_decay=0.0)
    assert (schedule.warm_up, schedule.weight_decay) == (0.25, 0.0)
