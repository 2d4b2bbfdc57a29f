"""The checkpoints of a training that is gone on from: whether they are whole, and of this training."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from transformers import PreTrainedModel

from models.schedule import Schedule
from models.scorer import ModelError

MUST_AGREE = ("id2label", "vocab_size", "hidden_size", "num_hidden_layers", "intermediate_size")
"""What a checkpoint's config must have in common with the network that goes on from it."""


def check_alike(work: Path, model: PreTrainedModel, schedule: Schedule) -> None:
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
