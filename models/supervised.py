"""The supervised part of a training, by Hugging Face's Trainer: what it is given, and what of it is kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
)

from models.adapters import MovesRank, with_adapters, with_orthogonality
from models.averaging import Averaged
from models.batches import Item, Padding, encoded, predicted
from models.calibration import scaled_loss
from models.checkpoints import check_alike
from models.consistency import consistent_loss
from models.distillation import distilled_loss
from models.evaluate import macro_f1
from models.heads import QUESTIONS, KnownAnswers, Loss, Question, known_answers, masked_loss, most_likely
from models.labels import UNKNOWN
from models.quick_dropout import quick_dropout
from models.schedule import Schedule, arguments
from models.sets import Example
from models.tokenizer import Encoder
from models.training_progress import Watched


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
    `models.checkpoints`. With epochs 0 `model` stays as it is.
    """
    held_out = encoded(Encoder(tokenizer, schedule.reads), validation, adjustment=schedule.adjustment)
    judge = _Judge(tokenizer, held_out, schedule)
    if not schedule.epochs:
        model.train(False)
        return judge(model, 0)
    items = encoded(Encoder(tokenizer, schedule.max_tokens), train, said, schedule.adjustment, to_learn=True)
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
    mean = Averaged(model, schedule.averaging) if schedule.averages else None
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
        check_alike(work, model, schedule)
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
    return _better(model, mean, (step, state.global_step), judge, schedule.adjustment, console)


def shared_out(own: Loss, batches: Callable[[], int], model: PreTrainedModel) -> Loss:
    """A loss whose gradients the Trainer adds up over the batches of one step: it takes a loss that it is given for one that was divided
    by their number before, and `own` is the mean of each. batches: how many the step under way has, the last of an epoch perhaps fewer."""

    def loss(outputs: Any, told: torch.Tensor, num_items_in_batch: Any = None) -> torch.Tensor:
        return own(outputs, told, num_items_in_batch) / (batches() if model.training else 1)

    return loss


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
    model: PreTrainedModel,
    mean: Averaged | None,
    steps: tuple[int, int],
    judge: Callable[[PreTrainedModel, int], Trained],
    adjustment: float,
    console: Console,
) -> Trained:
    """The best evaluation's weights, which `model` has, or their mean where that is better: `model` is left with them. steps: the best
    evaluation's and the last.

    Cross-entropy decides. Macro-F1 over some thousand texts varies by as much as the two differ, that of the best of many evaluations is a lucky
    one besides, and of two weights it tells less well which reads texts of other kinds better.
    """
    best = judge(model, steps[0])
    if mean is None or not mean.weights:
        return best
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    model.load_state_dict(mean.weights)
    averaged = judge(model, steps[1])
    of_best, of_mean = (mean_loss(each.told, each.logits, adjustment) for each in (best, averaged))
    console.print(
        f"validation macro-F1 {best.macro_f1:.4f}, of the mean of the weights {averaged.macro_f1:.4f}; "
        f"cross-entropy {of_best:.4f} and {of_mean:.4f}"
    )
    if of_mean <= of_best:
        return averaged
    model.load_state_dict(weights)
    return best


def figures(prediction: EvalPrediction) -> dict[str, float]:
    """What the best evaluation is chosen by."""
    return {"macro_f1": mean_macro_f1(np.asarray(prediction.label_ids), np.asarray(prediction.predictions))}


def mean_macro_f1(told: NDArray[np.float32], logits: NDArray[np.float32]) -> float:
    """Macro-F1 of sentiment over the texts that have one, and of satisfaction likewise: their mean by texts. told: as in
    `models.heads.targets`."""

    def one(question: Question, of: KnownAnswers) -> float:
        answers = most_likely(of.logits.numpy(), told[of.known.numpy()], question)
        return macro_f1(of.labels.tolist(), answers.tolist())

    return _mean_by_texts(torch.from_numpy(told), torch.from_numpy(logits), one)


def mean_loss(told: torch.Tensor, logits: torch.Tensor, adjustment: float) -> float:
    """The cross-entropy of sentiment over the texts that have one, and of satisfaction likewise, each at the temperature that suits it: their
    mean by texts, in nats. told: as in `models.heads.targets`; adjustment: see `models.heads.log_shares`."""
    return _mean_by_texts(told, logits, lambda _, of: scaled_loss(of.logits, of.labels, of.priors), adjustment)


def _mean_by_texts(
    told: torch.Tensor, logits: torch.Tensor, one: Callable[[Question, KnownAnswers], float], adjustment: float = 1.0
) -> float:
    """The mean of a figure over the questions that are told and answered, by their texts; 0 where none is."""
    each, texts = [], []
    for question in QUESTIONS:
        of = known_answers(logits, told, question, adjustment)
        if len(of.labels) and logits.shape[1] >= question.deep.stop:
            each.append(one(question, of))
            texts.append(len(of.labels))
    return float(np.average(each, weights=texts)) if each else 0.0
