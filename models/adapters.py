"""Fine-tuning by low-rank adapters, with peft: a large encoder learns with a hundredth of its numbers.

LoRA (Hu et al. 2021, arXiv:2106.09685); AdaLoRA (Zhang et al. 2023, arXiv:2303.10512), which moves rank to the matrices that need
it. After training the adapters are folded into the matrices: what is written is an ordinary network.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from peft import AdaLoraConfig, LoraConfig, PeftConfig, PeftModel, TaskType, get_peft_model
from safetensors import SafetensorError
from safetensors.torch import load_file
from transformers import PreTrainedModel, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from models.heads import Loss
from models.scorer import ModelError
from models.whole_file import save_whole

KINDS = ("none", "lora", "adalora")
SCALE = 2
"""alpha / rank: how strongly an adapter's product counts."""

ORTHOGONALITY = 0.1
"""AdaLoRA: the weight of its second loss, the smallest of those that the paper tries."""

BELOW = "below_the_adapters.safetensors"
"""In the folder of a training: the network that adapters were put beside. Checkpoints hold nothing but them and the answer's layers."""

WARM_UP, COOL_DOWN = 0.1, 0.3
"""AdaLoRA: shares of the steps before rank is moved, and after it is fixed."""


def with_adapters(model: PreTrainedModel, kind: str, rank: int, steps: int) -> PeftModel:
    """The model with adapters beside all linear layers of its encoder, everything else but the answer's layers held fast. kind: lora
    or adalora; steps: of the training. Raises ModelError for a network or a rank that peft can't do it with."""
    learnt = learnt_as_they_are(model)
    common: dict[str, Any] = {
        "task_type": TaskType.SEQ_CLS,
        "target_modules": "all-linear",
        "lora_alpha": SCALE * rank,
        "lora_dropout": 0.05,
        # peft takes a layer whose name ends like one of modules_to_save for one of them: it must not have an adapter as well.
        "exclude_modules": [
            name for each in learnt for name, _ in model.get_submodule(each).named_modules(prefix=each)
        ],
        "modules_to_save": [name.rsplit(".", 1)[-1] for name in learnt],
    }
    try:
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
    except Exception as error:  # peft raises many kinds (TypeError, ValueError, KeyError, RuntimeError …)
        raise ModelError(
            f"{kind} of rank {rank} can't be put beside a {model.config.model_type} network: {error}; train all of it, with adapters none"
        ) from error


def keep_below(model: PreTrainedModel, work: Path) -> None:
    """Write the network that adapters are about to be put beside, for a training that is gone on from."""
    save_whole(model.state_dict(), work / BELOW)


def take_below(model: PreTrainedModel, work: Path) -> None:
    """Give `model` the numbers of the network that the adapters of the checkpoints in `work` stand beside: others, which the encoder's
    name may mean by now, would make nonsense of them. Raises ModelError where they are missing, or another network's."""
    try:
        model.load_state_dict(load_file(work / BELOW))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise ModelError(f"{work / BELOW} is not what this training began with: {error}; start anew, without --resume") from error


def learnt_as_they_are(model: PreTrainedModel) -> list[str]:
    """The names of the layers that learn without an adapter: those beside the encoder, which give the answer (one in a BERT, two in a
    DistilBERT), and a pooler in it, which is not among what the packed encoder knows. They begin at random, and held fast would stay so."""
    beside = [name for name, layer in model.named_children() if layer is not model.base_model and list(layer.parameters())]
    return beside + [name for name, _ in model.named_modules() if name.endswith("pooler") and name not in beside]


def orthogonality(model: PeftModel) -> torch.Tensor:
    """AdaLoRA's second loss: how far its factors are from orthogonal ones, which ranks must be to be compared (eq. 4)."""
    parts = [
        torch.linalg.matrix_norm(
            factor @ factor.T - torch.eye(len(factor), device=factor.device)
            if ".lora_A." in name
            else factor.T @ factor - torch.eye(factor.shape[1], device=factor.device)
        )
        for name, factor in model.named_parameters()
        if (".lora_A." in name or ".lora_B." in name) and factor.numel()
    ]
    return ORTHOGONALITY * torch.stack(parts).mean()


def with_orthogonality(own: Loss, model: PeftModel) -> Loss:
    """A loss with AdaLoRA's second one while `model` trains. peft adds it only where the model computes its loss itself."""

    def loss(outputs: Any, told: torch.Tensor, num_items_in_batch: Any = None) -> torch.Tensor:
        total = own(outputs, told, num_items_in_batch)
        return total + orthogonality(model) if model.training else total

    return loss


class MovesRank(TrainerCallback):  # type: ignore[misc]
    """AdaLoRA decides after each step, from the gradients, which matrices keep their rank."""

    def __init__(self, model: PeftModel) -> None:
        self._model = model

    def on_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """The gradients are still there."""
        self._model.base_model.update_and_allocate(state.global_step)
