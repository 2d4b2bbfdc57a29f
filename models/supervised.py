"""The supervised part of a training, by Hugging Face's Trainer: what it is given, and what of it is kept."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from transformers import (
    EarlyStoppingCallback,
    EvalPrediction,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    PrinterCallback,
    ProgressCallback,
    Trainer,
    TrainingArguments,
)

from models.adapters import MovesRank, with_adapters, with_orthogonality
from models.averaging import Averaged
from models.batches import Item, Padding, encoded, predicted
from models.consistency import consistent_loss
from models.distillation import distilled_loss
from models.evaluate import macro_f1
from models.heads import QUESTIONS, Loss, masked_loss, most_likely
from models.labels import UNKNOWN
from models.loading import cpu_computes_in_bf16, gpu_computes_in_bf16
from models.quick_dropout import quick_dropout
from models.scorer import ModelError
from models.sets import Example
from models.tokenizer import Encoder
from models.training_progress import Watched


@dataclass(frozen=True, slots=True)
class Schedule:
    """The numbers of a training; see `Trainer` for what they do. Raises ModelError for a learning rate, a warm-up or a weight decay that can't be.

    warm_up: share of the steps, below 1, over which the learning rate rises; it falls to 0 over the others;
    token_dropout: share of tokens hidden in training; consistency: the weight of R-Drop's term, see `models.consistency`;
    adjustment: how far logits are moved by the log of the labels' shares, see `models.heads.log_shares`;
    averaging: the decay of the moving mean of the weights, 0 for none, and none beside adapters; tone_texts: of the public sets' texts
    that tell nothing but a tone so many at most, but all where a teacher tells the rest; patience: evaluations without a better one after
    which it ends, 0 to go on to the end: the mean of the weights gains where single weights no longer do; adapters: none (all
    numbers learn), lora or adalora, of so much `rank`.
    """

    epochs: float = 3
    batch_size: int = 32
    accumulation: int = 1
    learning_rate: float = 1e-4
    warm_up: float = 0.06
    weight_decay: float = 0.01
    label_smoothing: float = 0.05
    adjustment: float = 1.0
    token_dropout: float = 0.1
    evaluations_per_epoch: int = 2
    consistency: float = 0.0
    averaging: float = 0.0
    tone_texts: int = 8_000
    adapters: str = "none"
    rank: int = 8
    patience: int = 3
    max_tokens: int = 64
    seed: int = 20
    device: str = "auto"

    def __post_init__(self) -> None:
        if not 0 <= self.warm_up < 1:  # the Trainer would take more for a number of steps
            raise ModelError(f"warm_up is {self.warm_up:g}: a share of the steps is needed, from 0 to below 1")
        if not 0 <= self.learning_rate < math.inf:
            raise ModelError(f"learning_rate is {self.learning_rate:g}: 0 or more is needed")
        if not 0 <= self.weight_decay < math.inf:
            raise ModelError(f"weight_decay is {self.weight_decay:g}: 0 or more is needed")


MUST_AGREE = ("id2label", "vocab_size", "hidden_size", "num_hidden_layers", "intermediate_size")
"""What a checkpoint's config must have in common with the network that goes on from it."""


class Trained(NamedTuple):
    """What a training came to: the best evaluation's macro-F1 and step, and what the network says of the validation
    texts that have a sentiment or a satisfaction: the texts, logits (texts, columns), and what is told of them, see
    `models.heads.targets`."""

    macro_f1: float
    step: int
    texts: list[str]
    logits: torch.Tensor
    told: torch.Tensor


def train_supervised(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    train: Sequence[Example],
    validation: Sequence[Example],
    schedule: Schedule,
    work: Path,
    console: Console,
    resume: bool = False,
    said: torch.Tensor | None = None,
) -> Trained:
    """Train `model` in place and leave it at its best evaluation. said: what a teacher says of each training text, see
    `models.distillation`.

    `work` takes checkpoints and TensorBoard logs; with `resume` the last checkpoint there is gone on from: there must be one, see
    `drop_torn_checkpoints`.
    """
    encoder = Encoder(tokenizer, schedule.max_tokens)
    items, held_out = (
        encoded(encoder, train, said, schedule.adjustment, to_learn=True),
        encoded(encoder, validation, adjustment=schedule.adjustment),
    )
    steps = max(1, len(items) // (schedule.batch_size * schedule.accumulation) // schedule.evaluations_per_epoch)
    watched = Watched(console)
    callbacks: list[Any] = [watched]
    learner: Any = model
    if schedule.adapters != "none":
        every_step = int(schedule.epochs * len(items) / schedule.batch_size / schedule.accumulation)
        learner = with_adapters(model, schedule.adapters, schedule.rank, every_step)
    loss = distilled_loss(masked_loss(train, schedule.label_smoothing, schedule.adjustment))
    if schedule.adapters == "adalora":
        loss = with_orthogonality(loss, learner)
    if schedule.consistency:
        loss = consistent_loss(loss, schedule.consistency, model)
    mean = Averaged(model, schedule.averaging) if schedule.averaging and learner is model else None
    if mean is not None:
        callbacks.append(mean)
    # AdaLoRA's matrices change their shape on the way: its best is its last, and an earlier one can't be loaded again.
    if schedule.adapters == "adalora":
        callbacks.append(MovesRank(learner))
    elif schedule.patience:
        callbacks.append(EarlyStoppingCallback(schedule.patience))
    trainer = Trainer(
        model=learner,
        args=arguments(schedule, work, steps),
        data_collator=Padding(tokenizer, schedule.token_dropout, schedule.seed, bool(schedule.consistency)),
        train_dataset=items,
        eval_dataset=held_out,
        compute_loss_func=shared_out(loss, lambda: int(trainer.current_gradient_accumulation_steps), model),
        compute_metrics=figures,
        callbacks=callbacks,
    )
    if resume:
        _check_alike(work, model, schedule)
    trainer.remove_callback(ProgressCallback)  # it prints to standard output, which is the command's own
    trainer.remove_callback(PrinterCallback)
    try:
        with quick_dropout(model):
            trainer.train(resume_from_checkpoint=resume)
    finally:
        watched.stop()
    state = trainer.state
    if learner is not model:
        learner.merge_and_unload()
    model.train(False)
    step = int((state.best_global_step if trainer.args.load_best_model_at_end else None) or state.global_step)
    return _better(model, mean, step, state.global_step, _Judge(tokenizer, held_out, schedule), console)


def shared_out(own: Loss, batches: Callable[[], int], model: PreTrainedModel) -> Loss:
    """A loss whose gradients the Trainer adds up over the batches of one step: it takes a loss that it is given for one that was divided
    by their number before, and `own` is the mean of each. batches: how many the step under way has, the last of an epoch perhaps fewer."""

    def loss(outputs: Any, told: torch.Tensor, num_items_in_batch: Any = None) -> torch.Tensor:
        return own(outputs, told, num_items_in_batch) / (batches() if model.training else 1)

    return loss


def _check_alike(work: Path, model: PreTrainedModel, schedule: Schedule) -> None:
    """Raise ModelError where the checkpoints in `work` are of a network with other answers, sizes or adapters."""
    now = json.loads(model.config.to_json_string(use_diff=False))
    for path in work.glob("checkpoint-[0-9]*"):
        network, beside = path / "config.json", path / "adapter_config.json"
        began = json.loads(network.read_text("utf-8")) if network.is_file() else {}
        other = [name for name in MUST_AGREE if began.get(name, now.get(name)) != now.get(name)]
        rank = json.loads(beside.read_text("utf-8"))["r"] if beside.is_file() else 0
        if rank != (0 if schedule.adapters == "none" else schedule.rank):
            other.append(f"rank of adapters ({rank or 'none'})")
        if other:
            raise ModelError(
                f"{path} is of a network with another {other[0]}: it was begun with other data or numbers; start anew, without --resume"
            )


def drop_torn_checkpoints(work: Path) -> bool:
    """Take away what was being written when a training was broken off, which the Trainer would take for the last checkpoint. Whether a
    whole one is left to go on from."""
    whole = False
    for path in work.glob("checkpoint-[0-9]*"):
        if (path / "trainer_state.json").is_file():  # what the Trainer writes last
            whole = True
        else:
            shutil.rmtree(path)
    return whole


class _Judge:
    """Asks a network about the validation texts that have a sentiment or a satisfaction."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast, held_out: Sequence[Item], schedule: Schedule) -> None:
        self._tokenizer = tokenizer
        self._schedule = schedule
        asked = [item for item in held_out if any(item["labels"][each.told] != UNKNOWN for each in QUESTIONS)]
        self._items = sorted(asked, key=lambda item: int(item["length"]))

    def __call__(self, model: PreTrainedModel, step: int) -> Trained:
        padding = Padding(self._tokenizer, 0.0, self._schedule.seed)
        logits = predicted(model, self._items, padding, 2 * self._schedule.batch_size)
        told = torch.stack([item["labels"] for item in self._items])
        return Trained(mean_macro_f1(told.numpy(), logits.numpy()), step, [item["text"] for item in self._items], logits, told)


def _better(
    model: PreTrainedModel, mean: Averaged | None, step: int, last_step: int, judge: _Judge, console: Console
) -> Trained:
    """The best evaluation's weights, which `model` has, or their mean where that is better: `model` is left with them."""
    best = judge(model, step)
    if mean is None or not mean.weights:
        return best
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    model.load_state_dict(mean.weights)
    averaged = judge(model, last_step)
    console.print(f"validation macro-F1 {best.macro_f1:.4f}, of the mean of the weights {averaged.macro_f1:.4f}")
    if averaged.macro_f1 >= best.macro_f1:
        return averaged
    model.load_state_dict(weights)
    return best


def arguments(schedule: Schedule, work: Path, steps: int) -> TrainingArguments:
    """Trainer's arguments: an evaluation and a checkpoint every `steps`, the best one is kept; no evaluation for 0."""
    on_cpu = schedule.device == "cpu" or not torch.cuda.is_available()
    bf16 = cpu_computes_in_bf16() if on_cpu else gpu_computes_in_bf16()
    return TrainingArguments(
        output_dir=str(work),
        num_train_epochs=schedule.epochs,
        per_device_train_batch_size=schedule.batch_size,
        per_device_eval_batch_size=2 * schedule.batch_size,
        gradient_accumulation_steps=schedule.accumulation,
        learning_rate=schedule.learning_rate,
        warmup_steps=schedule.warm_up,  # below 1: a share of the steps
        lr_scheduler_type="linear",
        weight_decay=schedule.weight_decay,
        max_grad_norm=1.0,
        eval_strategy="steps" if steps else "no",
        save_strategy="steps" if steps else "no",
        eval_steps=steps or None,
        save_steps=steps or 500,
        save_total_limit=2,
        load_best_model_at_end=bool(steps) and schedule.adapters != "adalora",
        metric_for_best_model="macro_f1",
        greater_is_better=True,
        logging_steps=max(1, min(50, steps or 50)),
        report_to=["tensorboard"],
        train_sampling_strategy="group_by_length",
        length_column_name="length",
        bf16=bf16,
        # Losses are computed in fp32, and scaled: an older GPU has nothing else that is fast. A step that overflows would end AdaLoRA's
        # moving of rank, which keeps a mean of the gradients.
        fp16=not on_cpu and not bf16 and schedule.adapters != "adalora",
        use_cpu=on_cpu,
        seed=schedule.seed,
        data_seed=schedule.seed,
        dataloader_num_workers=0,
        remove_unused_columns=False,
    )


def figures(prediction: EvalPrediction) -> dict[str, float]:
    """What the best evaluation is chosen by."""
    return {"macro_f1": mean_macro_f1(np.asarray(prediction.label_ids), np.asarray(prediction.predictions))}


def mean_macro_f1(told: NDArray[np.float32], logits: NDArray[np.float32]) -> float:
    """Macro-F1 of sentiment over the texts that have one, and of satisfaction likewise: their mean by texts. told: as in
    `models.heads.targets`."""
    each, texts = [], []
    for question in QUESTIONS:
        labels = told[:, question.told].astype(np.int64)
        known = labels != UNKNOWN
        if known.any() and logits.shape[1] >= question.deep.stop:
            answers = most_likely(logits[known, question.deep], told[known], question)
            each.append(macro_f1(labels[known].tolist(), answers.tolist()))
            texts.append(int(known.sum()))
    return float(np.average(each, weights=texts)) if each else 0.0
