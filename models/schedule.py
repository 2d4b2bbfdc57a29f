"""The numbers of a training, and what Hugging Face's Trainer is told of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import TrainingArguments

from models.loading import cpu_gains_from_bf16, gpu_computes_in_bf16
from models.scorer import ModelError


@dataclass(frozen=True, slots=True)
class Schedule:
    """The numbers of a training; see `Trainer` for what they do. Raises ModelError for a number that can't be.

    warm_up: share of the steps, below 1, over which the learning rate rises; it falls to 0 over the others;
    token_dropout: share of tokens hidden in training; consistency: the weight of R-Drop's term, see `models.consistency`;
    adjustment: how far logits are moved by the log of the labels' shares, see `models.heads.log_shares`;
    epochs: 0 leaves the network as it is, see `models.fitting`; averaging: the decay of the moving mean of the weights, 0 for none, and none beside adapters; tone_texts: of the public sets' texts
    that tell nothing but a tone so many at most, but all where a teacher tells the rest; patience: evaluations without a better one after
    which it ends, 0 to go on to the end: the mean of the weights gains where single weights no longer do; adapters: none (all
    numbers learn), lora or adalora, of so much `rank`; max_tokens: of a text to learn from; read_tokens: of one to be scored, later and
    for the choice of what is kept, 0 for as many: a longer text has head and tail alone.
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
    read_tokens: int = 0
    seed: int = 20
    device: str = "auto"

    def __post_init__(self) -> None:
        if not 0 <= self.warm_up < 1:  # the Trainer would take more for a number of steps
            raise ModelError(f"warm_up is {self.warm_up:g}: a share of the steps is needed, from 0 to below 1")
        for name in ("epochs", "learning_rate", "weight_decay", "consistency"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ModelError(f"{name} is {getattr(self, name):g}: 0 or more is needed, and no infinity")
        for name in ("averaging", "adjustment", "label_smoothing", "token_dropout"):
            if not 0 <= getattr(self, name) <= 1:
                raise ModelError(f"{name} is {getattr(self, name):g}: a number from 0 to 1 is needed")

    @property
    def averages(self) -> bool:
        """Whether the mean of the weights is followed."""
        return self.averaging > 0 and self.adapters == "none"

    @property
    def reads(self) -> int:
        """Tokens of a text that is scored."""
        return self.read_tokens or self.max_tokens


def arguments(schedule: Schedule, work: Path, steps: int) -> TrainingArguments:
    """Trainer's arguments: an evaluation and a checkpoint every `steps`, the best one is kept; no evaluation for 0."""
    on_cpu = schedule.device == "cpu" or not torch.cuda.is_available()
    bf16 = cpu_gains_from_bf16() if on_cpu else gpu_computes_in_bf16()
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
        restore_callback_states_from_checkpoint=True,  # how long patience has lasted
        dataloader_num_workers=0,
        remove_unused_columns=False,
    )
