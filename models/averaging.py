"""The mean of a training's last weights: it lies in a flatter place than any of them, and texts of another kind are read better.

Exponential moving average (Polyak and Juditsky 1992; Izmailov et al. 2018, arXiv:1803.05407, on why it generalises).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from transformers import PreTrainedModel, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from models.whole_file import save_whole

MEAN_FILE = "mean_of_the_weights.safetensors"


class Averaged(TrainerCallback):  # type: ignore[misc]
    """Follows a model's weights; `decay` of the mean stays at each step, so that it reaches back 1 / (1 − decay) steps."""

    def __init__(self, model: PreTrainedModel, decay: float) -> None:
        self._model = model
        self._decay = decay
        self._mean: AveragedModel | None = None

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """One step further. The first call is after the first step: the model is on its device then."""
        self._mean = self._mean or self._begun()
        self._mean.update_parameters(self._model)

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """The mean goes into the checkpoint: what is gone on from there has its own otherwise."""
        if self.weights:
            save_whole(self.weights, _file(args, state))

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Go on with the mean of the checkpoint that is gone on from."""
        if state.global_step and _file(args, state).is_file():
            self._mean = self._begun()
            self._mean.module.load_state_dict(load_file(_file(args, state)))
            self._mean.n_averaged.fill_(state.global_step)

    def _begun(self) -> AveragedModel:
        return AveragedModel(self._model, multi_avg_fn=get_ema_multi_avg_fn(self._decay))

    @property
    def weights(self) -> Mapping[str, torch.Tensor]:
        """The mean, as the model's `load_state_dict` takes it; empty before the first step."""
        return {} if self._mean is None else self._mean.module.state_dict()


def _file(args: TrainingArguments, state: TrainerState) -> Path:
    return Path(args.output_dir) / f"checkpoint-{state.global_step}" / MEAN_FILE
