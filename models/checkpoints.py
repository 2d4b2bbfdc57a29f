"""The checkpoints of a training that is gone on from: whether they are whole, and of this training."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from transformers import PreTrainedModel

from models.averaging import MEAN_FILE
from models.recipes import TrainOptions
from models.schedule import Schedule
from models.scorer import ModelError
from models.sets import Example

BEGUN_FILE = "begun-with.json"
"""In the folder of a training: what it was begun with, by which a resumed one is known to be the same."""

DIGESTS = ("texts to learn from", "texts to choose by", "unlabelled texts")

LAST_WRITTEN = "trainer_state.json"
"""By the Trainer, of a checkpoint; the mean of the weights follows."""

MUST_AGREE = ("id2label", "vocab_size", "hidden_size", "num_hidden_layers", "intermediate_size")
"""What a checkpoint's config must have in common with the network that goes on from it."""


def begun_with(
    options: TrainOptions, learnt: Sequence[Example], held_out: Sequence[Example], unlabelled: Sequence[str]
) -> dict[str, Any]:
    """What the result of a training depends on: digests of its texts with what is told of them, what it learns from beside them, by name,
    and the schedule's numbers. Where it is computed is none of it."""
    digests = (_digest(map(_told, learnt)), _digest(map(_told, held_out)), _digest(unlabelled))
    numbers = {name: value for name, value in asdict(options.schedule).items() if name != "device"}
    return {
        **dict(zip(DIGESTS, digests, strict=True)),
        "encoder": Path(options.shape.encoder).name,
        "dropout": options.shape.dropout,
        "teachers": [each.name for each in options.teachers],
        "unlabelled_epochs": options.unlabelled_epochs if unlabelled else 0,
        **numbers,
    }


def begin(work: Path, begun: Mapping[str, Any]) -> None:
    """Leave nothing in `work` that a later --resume could go on from by mistake, and write down what this training is begun with."""
    for path in work.glob("checkpoint-*"):
        shutil.rmtree(path)
    work.mkdir(parents=True, exist_ok=True)
    (work / BEGUN_FILE).write_text(json.dumps(begun, ensure_ascii=False, indent=2) + "\n", "utf-8")


def check_begun(work: Path, now: Mapping[str, Any]) -> None:
    """Raise ModelError where the training in `work` was begun with something else than `now`, or nobody knows with what: it would be
    measured on texts that it has learnt from, and its card would tell numbers that it wasn't made with."""
    try:
        begun = dict(json.loads((work / BEGUN_FILE).read_text("utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise ModelError(
            f"{work} does not say what its training was begun with ({BEGUN_FILE}), as earlier versions did not: start anew, without --resume"
        ) from error
    other = [
        f"other {name}" if name in DIGESTS else f"{name} {_named(begun.get(name))} (now {_named(value)})"
        for name, value in now.items()
        if begun.get(name) != value
    ]
    if other:
        raise ModelError(
            f"{work} was begun with {', '.join(other)}: go on with the same data and numbers, or start anew, without --resume"
        )


def _told(example: Example) -> str:
    return repr((example.text, example.label, example.tones, example.satisfaction, example.source))


def _digest(texts: Iterable[str]) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


def _named(value: Any) -> str:
    return (", ".join(value) if isinstance(value, list) else str(value)) or "none"


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


def drop_torn_checkpoints(work: Path, schedule: Schedule) -> bool:
    """Take away what was being written when a training was broken off, which the Trainer would take for the last checkpoint. Whether a
    whole one is left to go on from."""
    needed = (LAST_WRITTEN, MEAN_FILE) if schedule.averages else (LAST_WRITTEN,)
    whole = False
    for path in work.glob("checkpoint-[0-9]*"):
        if all((path / name).is_file() for name in needed):
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
