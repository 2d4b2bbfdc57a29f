"""Learn from larger models: their probabilities say more of a text than one label does (Hinton et al. 2015, arXiv:1503.02531).

A teacher tells something of every text, also of those that no set gives a sentiment or a tone. Several of them tell the mean of
their probabilities, which is right more often than each of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from torch.nn import functional

from models.heads import SENTIMENT, TOLD_COLUMNS, TONE, Loss
from models.labels import OUTPUTS, UNKNOWN
from models.progress import counted
from models.scorer import LABELS, Limits, ModelError
from models.sentiment import TransformerScorer
from models.sets import MADE, Example

TEACHER_SHARE = 0.7
"""How much of the loss is the teacher's; the rest is that of the sets' own labels."""

CHUNK = 1_024


def taught(teachers: Sequence[Path], examples: Sequence[Example], device: str, console: Console) -> torch.Tensor:
    """What the models in the directories `teachers` say of each example: their mean probabilities, (examples, OUTPUTS); nan for
    nothing, where one of them can't read a text.

    What was made here (service lines, joined texts) has the sentiment that it was made for: where the teachers say another, as of
    irony that they take for praise, they aren't believed. Raises ModelError if one can't be loaded, or lacks one of OUTPUTS.
    """
    texts = list(dict.fromkeys(example.text for example in examples))  # a set that is learnt from several times is read once
    each = [_read(teacher, texts, device, console) for teacher in teachers]
    mean = dict(zip(texts, torch.stack(each).mean(dim=0), strict=True))
    told = torch.stack([mean[example.text] for example in examples])
    for at, example in enumerate(examples):
        made = example.source in MADE and example.label != UNKNOWN
        if made and not told[at, 0].isnan() and int(told[at, SENTIMENT].argmax()) != example.label:
            told[at, SENTIMENT] = functional.one_hot(torch.tensor(example.label), len(LABELS)).float()
    return told


def _read(teacher: Path, texts: Sequence[str], device: str, console: Console) -> torch.Tensor:
    """What one teacher says of each text: (texts, OUTPUTS)."""
    scorer = TransformerScorer(teacher, device, limits=Limits(threads=0, cache_size=0))
    (first,) = scorer.probabilities(["hello"])
    if first is None or not first.keys() >= set(OUTPUTS):
        raise ModelError(f"the teacher {teacher} does not tell all of {', '.join(OUTPUTS)}")
    nothing = (float("nan"),) * len(OUTPUTS)
    rows: list[tuple[float, ...]] = []
    with counted(console, transient=True) as progress:
        task = progress.add_task(f"the teacher {teacher.name} reads", total=len(texts))
        for start in range(0, len(texts), CHUNK):
            said = scorer.probabilities(texts[start : start + CHUNK])
            rows += [tuple(row[name] for name in OUTPUTS) if row else nothing for row in said]
            progress.update(task, completed=len(rows))
    return torch.tensor(rows)


def distilled_loss(own: Loss) -> Loss:
    """The loss `own` of the sets' labels, and beside it that of a teacher's probabilities, where they follow in the row."""

    def loss(outputs: Any, told: torch.Tensor, num_items_in_batch: Any = None) -> torch.Tensor:
        by_sets = own(outputs, told[:, :TOLD_COLUMNS], num_items_in_batch)
        said = told[:, TOLD_COLUMNS:]
        if not said.shape[1]:  # validation texts have no teacher
            return by_sets
        heard = ~said[:, 0].isnan()
        if not heard.any():
            return by_sets
        logits, said = outputs["logits"].float()[heard], said[heard]
        by_teacher = functional.cross_entropy(logits[:, SENTIMENT], said[:, SENTIMENT])
        by_teacher = by_teacher + functional.binary_cross_entropy_with_logits(logits[:, TONE], said[:, TONE])
        return (1 - TEACHER_SHARE) * by_sets + TEACHER_SHARE * by_teacher

    return loss
