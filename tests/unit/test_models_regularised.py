"""What keeps a training from learning its texts by heart: R-Drop's term, and the mean of the weights."""

from __future__ import annotations

import io
import json
import math
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from rich.console import Console
from torch.nn import functional
from transformers import BertConfig, BertForSequenceClassification, PreTrainedModel

from models.averaging import Averaged
from models.batches import Padding
from models.consistency import consistent_loss
from models.heads import QUESTIONS, SATISFACTION, TOLD_COLUMNS, TOLD_PRIORS, Question
from models.labels import NEGATIVE, NEUTRAL, OUTPUTS, POSITIVE, UNKNOWN
from models.network import NetworkShape, make_network
from models.schedule import Schedule
from models.sets import Example
from models.supervised import Trained, _better, mean_macro_f1, train_supervised

WORDS = {NEGATIVE: ("坏了", "太差"), NEUTRAL: ("发货", "地址"), POSITIVE: ("喜欢", "感谢")}
EXAMPLES = [
    Example(f"{words[at % 2]}，{words[at // 2 % 2]}，第{at}件", label, source="own")
    for at in range(40)
    for label, words in WORDS.items()
]


def small() -> BertForSequenceClassification:
    config = BertConfig(
        vocab_size=40,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        num_labels=len(OUTPUTS),
    )
    return BertForSequenceClassification(config)


def nothing(outputs: Any, told: torch.Tensor, number: Any = None) -> torch.Tensor:
    """A loss that has nothing to say."""
    return torch.zeros(())


def test_the_term_is_the_mean_divergence_of_the_two_halves() -> None:
    model = small().train()
    even, sure = [0.0, 0.0, 0.0], [math.log(8.0), 0.0, 0.0]
    rest = [5.0] * (len(OUTPUTS) - 3)
    logits = torch.tensor([even + rest, even + rest, sure + rest, even + rest])
    loss = consistent_loss(nothing, 2.0, model)
    told = torch.zeros(4, 1)
    # Between (1/3, 1/3, 1/3) and (.8, .1, .1), both ways, over two texts of which one is answered alike.
    there = math.log(1 / 3 / 0.8) / 3 + 2 / 3 * math.log(1 / 3 / 0.1)
    back = 0.8 * math.log(0.8 * 3) + 0.2 * math.log(0.1 * 3)
    assert math.isclose(loss({"logits": logits}, told, None).item(), 2.0 * (there + back) / 2 / 2, rel_tol=1e-5)
    assert loss({"logits": logits[[0, 1, 0, 1]]}, told, None).item() == 0.0
    model.train(False)
    assert loss({"logits": logits}, told, None).item() == 0.0


def test_a_batch_to_learn_from_has_each_text_twice_and_a_validation_batch_once() -> None:
    _, tokenizer = make_network(
        NetworkShape("new", layers=1, vocabulary=300, hidden=16, heads=2), [e.text for e in EXAMPLES] * 3, 16
    )
    items = [
        {"input_ids": [2, 5, 3], "labels": torch.tensor([1.0]), "to_learn": True},
        {"input_ids": [2, 6, 7, 3], "labels": torch.tensor([2.0]), "to_learn": True},
    ]
    padding = Padding(tokenizer, 0.0, 1, twice=True)
    batch = padding(items)
    assert batch["labels"][:, 0].tolist() == [1, 2, 1, 2]
    assert batch["input_ids"][:2].tolist() == batch["input_ids"][2:].tolist()
    assert padding([item | {"to_learn": False} for item in items])["labels"][:, 0].tolist() == [1, 2]


def test_the_batch_that_is_made_while_the_network_is_evaluated_is_one_to_learn_from(tmp_path: Path) -> None:
    # Three batches, an evaluation after each: the last one, of fifteen texts, is made in an evaluation.
    model, tokenizer = make_network(
        NetworkShape("new", layers=1, vocabulary=300, hidden=16, heads=2), [e.text for e in EXAMPLES], 16
    )
    schedule = Schedule(epochs=2, batch_size=16, evaluations_per_epoch=2, consistency=1.0, patience=9, max_tokens=16, device="cpu")
    rows: list[int] = []

    def counted(module: Any, given: Any, keywords: dict[str, Any]) -> None:
        if module.training:
            rows.append(len(keywords["input_ids"]))

    model.register_forward_pre_hook(counted, with_kwargs=True)
    train_supervised(model, tokenizer, EXAMPLES[:47], EXAMPLES[47:], schedule, tmp_path, Console(file=io.StringIO()))
    assert rows == [32, 32, 30] * 2


def test_the_mean_follows_the_weights() -> None:
    model = small()
    mean = Averaged(model, 0.75)
    assert not mean.weights
    bias = model.classifier.bias
    step = SimpleNamespace()
    for value in (0.0, 8.0, 8.0):
        torch.nn.init.constant_(bias, value)
        mean.on_step_end(step, step, step)  # type: ignore[arg-type]
    # 0, then 0.75 · 0 + 0.25 · 8, then 0.75 · 2 + 0.25 · 8.
    assert mean.weights["classifier.bias"].tolist() == [3.5] * len(OUTPUTS)
    assert set(mean.weights) == set(model.state_dict())


def test_a_training_that_is_gone_on_with_goes_on_with_the_mean_of_its_weights(tmp_path: Path) -> None:
    model, step = small(), SimpleNamespace(output_dir=str(tmp_path), global_step=3)
    (tmp_path / "checkpoint-3").mkdir()
    arguments: Any = (step, step, step)
    before = Averaged(model, 0.5)
    for value in (0.0, 8.0):
        torch.nn.init.constant_(model.classifier.bias, value)
        before.on_step_end(*arguments)
    before.on_save(*arguments)
    after = Averaged(model, 0.5)
    after.on_train_begin(*arguments)
    assert after.weights["classifier.bias"].tolist() == [4.0] * len(OUTPUTS)
    after.on_step_end(*arguments)
    assert after.weights["classifier.bias"].tolist() == [6.0] * len(OUTPUTS)
    anew = Averaged(model, 0.5)
    anew.on_train_begin(*(SimpleNamespace(output_dir=str(tmp_path), global_step=0),) * 3)  # type: ignore[arg-type]
    assert not anew.weights


def trained(work: Path, **changes: Any) -> tuple[str, float]:
    schedule = Schedule(
        epochs=12,
        batch_size=16,
        learning_rate=5e-3,
        evaluations_per_epoch=1,
        token_dropout=0.0,
        patience=20,
        max_tokens=16,
        device="cpu",
    )
    torch.manual_seed(1)
    texts = [example.text for example in EXAMPLES]
    model, tokenizer = make_network(NetworkShape("new", layers=1, vocabulary=300, hidden=32, heads=2), texts * 3, 16)
    said = io.StringIO()
    came = train_supervised(
        model, tokenizer, EXAMPLES, EXAMPLES[:30], replace(schedule, **changes), work, Console(file=said, width=200)
    )
    return said.getvalue(), came.macro_f1


def test_the_better_of_the_mean_and_the_best_evaluation_is_kept(tmp_path: Path) -> None:
    said, figure = trained(tmp_path / "near", averaging=0.5, consistency=0.5)
    assert f"of the mean of the weights {figure:.4f}" in said
    assert figure > 0.9
    # A mean that reaches back to the beginning has hardly learnt.
    said, figure = trained(tmp_path / "far", averaging=0.9999)
    best, worse = map(float, re.findall(r"macro-F1 ([\d.]+), of the mean of the weights ([\d.]+)", said)[-1])
    assert worse < best == round(figure, 4)
    state = json.loads(max((tmp_path / "far").glob("checkpoint-*/trainer_state.json")).read_text())
    assert state["best_metric"] >= best - 1e-4


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_mean_is_kept_by_its_cross_entropy_where_one_evaluation_was_lucky(question: Question) -> None:
    labels = torch.tensor([0, 1, 2] * 20)
    right, wrong = (4.0 * functional.one_hot(each % 3, 3) for each in (labels, labels + 1))
    told = torch.full((60, TOLD_COLUMNS), float(UNKNOWN))
    told[:, question.told] = labels.float()
    told[:, TOLD_PRIORS] = math.log(1 / 3)
    lucky, mean = (torch.zeros(60, SATISFACTION.stop) for _ in range(2))
    lucky[:, question.deep], mean[:, question.deep] = right, right
    lucky[:6, question.deep] = wrong[:6]  # sure of its errors
    mean[:7, question.deep] = wrong[:7] / 40  # one error more, of none of which it is sure

    def judge(network: PreTrainedModel, step: int) -> Trained:
        """The lucky answers of a network whose bias is 0, the mean's of one whose bias is 1."""
        logits = mean if network.classifier.bias[0] else lucky
        return Trained(mean_macro_f1(told.numpy(), logits.numpy()), step, [], logits, told)

    model = small()
    averaged = Averaged(model, 0.5)
    torch.nn.init.ones_(model.classifier.bias)
    averaged.on_step_end(*(SimpleNamespace(),) * 3)  # type: ignore[arg-type]
    torch.nn.init.zeros_(model.classifier.bias)
    best = judge(model, 5)
    kept = _better(model, averaged, (5, 9), judge, 1.0, Console(file=io.StringIO()))
    assert kept.step == 9
    assert kept.macro_f1 < best.macro_f1
    assert model.classifier.bias[0] == 1.0
