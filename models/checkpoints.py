"""The checkpoints of a training that is gone on from: whether they are whole, and of this training."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from transformers import PreTrainedModel

from models.schedule import Schedule
from models.scorer import ModelError

LAST_WRITTEN = "trainer_state.json"
"""By the Trainer, of a checkpoint."""

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
        if (path / LAST_WRITTEN).is_file():
            whole = True
        else:
            shutil.rmtree(path)
    return whole


@contextmanager
def telling_how_to_go_on(work: Path, resumable: bool, resumed: bool, console: Console) -> Iterator[None]:
    """Whoever breaks a training off is told whether the same command with --resume goes on with it."""
    began = time.time()
    try:
        yield
    except KeyboardInterrupt:
        # One that lies there from an earlier training is none of this one, unless that is gone on with.
        whole = [path for path in work.glob(f"checkpoint-[0-9]*/{LAST_WRITTEN}") if resumed or path.stat().st_mtime >= began]
        if whole and resumable:
            console.print(f"broken off: the same command with --resume goes on from the last checkpoint in {work}", soft_wrap=True)
        else:
            why = "no checkpoint has been written yet" if resumable else "a training like this one can't be gone on with"
            console.print(f"broken off, and nothing is kept: {why}", soft_wrap=True)
        raise
