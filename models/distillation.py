"""Learn from larger models: their probabilities say more of a text than one label does (Hinton et al. 2015, arXiv:1503.02531).

A teacher tells something of every text, also of those that no set gives a sentiment or a tone; of satisfaction, where somebody
rated it. Several of them tell the mean of their probabilities, which is right more often than each of them; one for a single language
tells something of texts in it, and leaves the others to the rest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import torch
from rich.console import Console
from safetensors import safe_open
from torch.nn import functional

from models.by_language import LocalScorer, load_local
from models.heads import SATISFACTION, SENTIMENT, TOLD_COLUMNS, TONE, Loss
from models.labels import OUTPUTS, SATISFACTIONS, UNKNOWN
from models.progress import counted
from models.scorer import LABELS, Limits, ModelError, scorer_version
from models.sets import MADE, Example
from models.whole_file import save_whole

TEACHER_SHARE = 0.7
"""How much of the loss is the teacher's; the rest is that of the sets' own labels."""

TELLS = OUTPUTS + SATISFACTIONS
"""The columns of what teachers say."""

CHUNK = 1_024
SAID, ASKED = "said", "asked"
"""In the file that keeps what teachers said: the tensor, and of which teachers and texts it is."""

TEACHERS_FILE = "teachers.safetensors"


def taught(
    teachers: Sequence[Path], examples: Sequence[Example], device: str, console: Console, kept: Path | None = None
) -> torch.Tensor:
    """What the models in the directories `teachers` (one, or one a language, in each) say of each example: the mean probabilities of those
    that can read it, (examples, TELLS); nan for nothing, where none of them can, or tells satisfaction, and for that of an example that
    isn't rated.

    What was made here (service lines, joined texts) has the sentiment and the tones that it was made for: where the teachers say others, as of
    irony that they take for praise, they aren't believed. kept: a file that keeps what they said; a training that is begun again by
    the same teachers on the same texts doesn't ask them again. Raises ModelError if one can't be loaded, or lacks one of OUTPUTS.
    """
    texts = list(dict.fromkeys(example.text for example in examples))  # a set that is learnt from several times is read once
    mean = _mean(teachers, texts, device, console, kept)
    place = {text: at for at, text in enumerate(texts)}
    told = mean[[place[example.text] for example in examples]]
    for at, example in enumerate(examples):
        if example.source in MADE and not told[at, 0].isnan():
            told[at] = _as_made(told[at], example)
    unrated = torch.tensor([example.satisfaction == UNKNOWN for example in examples])
    told[unrated, SATISFACTION] = float("nan")
    return told


def _as_made(said: torch.Tensor, example: Example) -> torch.Tensor:
    """What teachers say of a text that was made here, with its own sentiment and tones where they say others."""
    said = said.clone()
    if example.label != UNKNOWN and int(said[SENTIMENT].argmax()) != example.label:
        said[SENTIMENT] = functional.one_hot(torch.tensor(example.label), len(LABELS)).float()
    heard = torch.tensor(example.tones, dtype=torch.float32)
    wrong = (heard != UNKNOWN) & ((said[TONE] > 0.5) != (heard == 1))
    said[TONE] = torch.where(wrong, heard, said[TONE])
    return said


def _mean(teachers: Sequence[Path], texts: Sequence[str], device: str, console: Console, kept: Path | None) -> torch.Tensor:
    """The mean of what the teachers say of each text, as `kept` has it, or told anew and kept there."""
    asked = hashlib.sha256("\0".join([*(scorer_version(str(each.resolve())) for each in teachers), *texts]).encode()).hexdigest()
    if kept is not None and kept.is_file():
        with safe_open(kept, "pt") as earlier:
            if (earlier.metadata() or {}).get(ASKED) == asked:
                return cast("torch.Tensor", earlier.get_tensor(SAID))
    scorers = [load_local(teacher, device, Limits(threads=0, cache_size=0)) for teacher in teachers]
    for teacher, scorer in zip(teachers, scorers, strict=True):  # all of them, before the first has read for hours
        _check(teacher, scorer)
    mean = torch.stack([_read(scorer, texts, console) for scorer in scorers]).nanmean(dim=0)
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        save_whole({SAID: mean}, kept, {ASKED: asked})
    return mean


def _read(scorer: LocalScorer, texts: Sequence[str], console: Console) -> torch.Tensor:
    """What one teacher says of each text: (texts, TELLS), nan for what it doesn't tell."""
    nothing = float("nan")
    rows: list[tuple[float, ...]] = []
    with counted(console, transient=True) as progress:
        task = progress.add_task(f"the teacher {scorer.version} reads", total=len(texts))
        for start in range(0, len(texts), CHUNK):
            said = scorer.probabilities(texts[start : start + CHUNK])
            rows += [tuple(row.get(name, nothing) if row else nothing for name in TELLS) for row in said]
            progress.update(task, completed=len(rows))
    return torch.tensor(rows)


def _check(teacher: Path, scorer: LocalScorer) -> None:
    """Raise ModelError for a teacher that lacks one of OUTPUTS."""
    told = [each for each in scorer.probabilities(["hello", "你好"]) if each]  # one of them may be in another language than the teacher's
    if not told or not all(each.keys() >= set(OUTPUTS) for each in told):
        raise ModelError(f"the teacher {teacher} does not tell all of {', '.join(OUTPUTS)}")


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
        if min(logits.shape[1], said.shape[1]) >= SATISFACTION.stop:
            rated = ~said[:, SATISFACTION.start].isnan()
            if rated.any():
                by_teacher = by_teacher + functional.cross_entropy(logits[rated, SATISFACTION], said[rated, SATISFACTION])
        return (1 - TEACHER_SHARE) * by_sets + TEACHER_SHARE * by_teacher

    return loss
