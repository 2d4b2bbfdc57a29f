"""Fine-tuning by low-rank adapters, with peft: a large encoder learns with a hundredth of its numbers.

LoRA (Hu et al. 2021, arXiv:2106.09685); AdaLoRA (Zhang et al. 2023, arXiv:2303.10512), which moves rank to the matrices that need
it. After training the adapters are folded into the matrices: what is written is an ordinary network.
"""

from __future__ import annotations

from typing import Any

from peft import AdaLoraConfig, LoraConfig, PeftConfig, PeftModel, TaskType, get_peft_model
from transformers import PreTrainedModel, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from models.scorer import ModelError

KINDS = ("none", "lora", "adalora")
SCALE = 2
"""alpha / rank: how strongly an adapter's product counts."""

WARM_UP, COOL_DOWN = 0.1, 0.3
"""AdaLoRA: shares of the steps before rank is moved, and after it is fixed."""


def with_adapters(model: PreTrainedModel, kind: str, rank: int, steps: int) -> PeftModel:
    """The model with adapters beside all its linear layers, everything else but the answer's layer held fast.

    Raises ModelError for an unknown kind.
    """
    if kind not in KINDS[1:]:
        raise ModelError(f"adapters is {kind!r}: one of {', '.join(KINDS)} is needed")
    common: dict[str, Any] = {
        "task_type": TaskType.SEQ_CLS,
        "target_modules": "all-linear",
        "lora_alpha": SCALE * rank,
        "lora_dropout": 0.05,
    }
    config: PeftConfig = LoraConfig(r=rank, **common)
    if kind == "adalora":
        config = AdaLoraConfig(
            target_r=rank,
            init_r=rank + rank // 2,
            total_step=max(steps, 10),
            tinit=int(WARM_UP * steps),
            tfinal=int(COOL_DOWN * steps),
            **common,
        )
    return get_peft_model(model, config)


class MovesRank(TrainerCallback):  # type: ignore[misc]
    """AdaLoRA decides after each step, from the gradients, which matrices keep their rank."""

    def __init__(self, model: PeftModel) -> None:
        self._model = model

    def on_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """The gradients are still there."""
        self._model.base_model.update_and_allocate(state.global_step)
