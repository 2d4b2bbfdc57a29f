"""The supervised part of a training, by Hugging Face's Trainer: what it is given, and what of it is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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

from models.calibration import fitted_temperature
from models.evaluate import macro_f1
from models.heads import SENTIMENT, masked_loss, targets
from models.labels import UNKNOWN
from models.loading import cpu_computes_in_bf16
from models.scorer import Limits
from models.sets import Example
from models.text import readable
from models.tokenizer import Encoder
from models.training_progress import Watched

Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Schedule:
    """The numbers of a training; see `Trainer` for what they do. `token_dropout`: share of tokens hidden in training."""

    epochs: float = 3
    batch_size: int = 32
    accumulation: int = 1
    learning_rate: float = 1e-4
    warm_up: float = 0.06
    weight_decay: float = 0.01
    label_smoothing: float = 0.05
    token_dropout: float = 0.1
    evaluations_per_epoch: int = 2
    patience: int = 3
    max_tokens: int = 64
    seed: int = 20
    device: str = "auto"


def train_supervised(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    train: Sequence[Example],
    validation: Sequence[Example],
    schedule: Schedule,
    work: Path,
    console: Console,
    resume: bool = False,
) -> tuple[float, int]:
    """Train `model` in place, leave it at its best evaluation; that evaluation's macro-F1 and step.

    Sentiment's temperature, fitted on the validation texts, goes into the model's config as `sentiment_temperature`.

    `work` takes checkpoints and TensorBoard logs; with `resume` the last checkpoint there is gone on from.
    """
    encoder = Encoder(tokenizer, schedule.max_tokens)
    items, held_out = encoded(encoder, train), encoded(encoder, validation)
    steps = max(1, len(items) // (schedule.batch_size * schedule.accumulation) // schedule.evaluations_per_epoch)
    watched = Watched(console)
    trainer = Trainer(
        model=model,
        args=arguments(schedule, work, steps),
        data_collator=Padding(tokenizer, schedule.token_dropout, schedule.seed, model),
        train_dataset=items,
        eval_dataset=held_out,
        compute_loss_func=masked_loss(train, schedule.label_smoothing),
        compute_metrics=sentiment_figures,
        callbacks=[EarlyStoppingCallback(schedule.patience), watched],
    )
    trainer.remove_callback(ProgressCallback)  # it prints to standard output, which is the command's own
    trainer.remove_callback(PrinterCallback)
    try:
        trainer.train(resume_from_checkpoint=resume and any(work.glob("checkpoint-*")))
    finally:
        watched.stop()
    state = trainer.state
    model.train(False)
    answer = trainer.predict(held_out)
    logits, told = torch.tensor(answer.predictions), torch.tensor(answer.label_ids)[:, 0].long()
    sided = told != UNKNOWN
    model.config.sentiment_temperature = round(fitted_temperature(logits[sided][:, SENTIMENT], told[sided]), 4)
    return float(state.best_metric or 0.0), int(state.best_global_step or state.global_step)


def arguments(schedule: Schedule, work: Path, steps: int) -> TrainingArguments:
    """Trainer's arguments: an evaluation and a checkpoint every `steps`, the best one is kept."""
    on_cpu = schedule.device == "cpu" or not torch.cuda.is_available()
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
        eval_strategy="steps",
        save_strategy="steps",
        eval_steps=steps,
        save_steps=steps,
        save_total_limit=2,
        load_best_model_at_end=True,
        metric_for_best_model="macro_f1",
        greater_is_better=True,
        logging_steps=max(1, min(50, steps)),
        report_to=["tensorboard"],
        train_sampling_strategy="group_by_length",
        length_column_name="length",
        bf16=not on_cpu or cpu_computes_in_bf16(),
        use_cpu=on_cpu,
        seed=schedule.seed,
        data_seed=schedule.seed,
        dataloader_num_workers=0,
        remove_unused_columns=False,
    )


def encoded(encoder: Encoder, examples: Sequence[Example]) -> list[Item]:
    """Examples as the Trainer takes them; texts of which nothing is known are left out."""
    limit = Limits().max_characters
    rows = encoder.encode([readable(example.text, limit) for example in examples])
    labels = targets(examples)
    return [
        {"input_ids": row.ids, "labels": told, "length": len(row.ids)}
        for row, told in zip(rows, labels, strict=True)
        if row.known
    ]


class Padding:
    """Makes a batch of items: padded to the longest, and in training with a share of the tokens hidden."""

    def __init__(
        self, tokenizer: PreTrainedTokenizerFast, token_dropout: float, seed: int, model: PreTrainedModel
    ) -> None:
        self._padding = int(tokenizer.pad_token_id or 0)
        self._hidden = int(tokenizer.unk_token_id or 0)
        self._share = token_dropout
        self._chance = torch.Generator().manual_seed(seed)
        self._model = model

    def __call__(self, items: Sequence[Item]) -> dict[str, torch.Tensor]:
        """(batch, longest) ids and mask, and what the loss is told, see `models.heads.targets`."""
        width = max(len(item["input_ids"]) for item in items)
        ids = torch.full((len(items), width), self._padding)
        mask = torch.zeros((len(items), width), dtype=torch.long)
        for at, item in enumerate(items):
            ids[at, : len(item["input_ids"])] = torch.tensor(item["input_ids"])
            mask[at, : len(item["input_ids"])] = 1
        if self._share and self._model.training:
            hidden = (torch.rand(ids.shape, generator=self._chance) < self._share) & mask.bool()
            hidden[:, 0] = False  # the first token is what the answer is read from
            ids = ids.masked_fill(hidden, self._hidden)
        return {"input_ids": ids, "attention_mask": mask, "labels": torch.stack([item["labels"] for item in items])}


def sentiment_figures(prediction: EvalPrediction) -> dict[str, float]:
    """Macro-F1 of sentiment over the validation texts that have one."""
    told: NDArray[np.int64] = np.asarray(prediction.label_ids)[:, 0].astype(np.int64)
    answered = np.asarray(prediction.predictions)[:, SENTIMENT].argmax(-1)
    sided = told != UNKNOWN
    return {"macro_f1": macro_f1(told[sided].tolist(), answered[sided].tolist())}
