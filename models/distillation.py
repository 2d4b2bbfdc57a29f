"""Learn from larger models: their probabilities say more of a text than one label does (Hinton et al. 2015, arXiv:1503.02531).

A teacher tells something of every text, also of those that no set gives a sentiment or a tone; of satisfaction, where somebody
rated it. Several of them tell the mean of their probabilities, which is right more often than each of them; one for a single language
tells something of texts in it, and leaves the others to the rest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from torch.nn import functional

from models.answers import Answers
from models.by_language import LocalScorer, load_local
from models.heads import SATISFACTION, SENTIMENT, TOLD_COLUMNS, TONE, Loss
from models.labels import OUTPUTS, SATISFACTIONS, UNKNOWN
from models.progress import counted
from models.scorer import LABELS, Limits, ModelError
from models.sets import MADE, Example
from models.versions import scorer_version

TEACHER_SHARE = 0.7
"""How much of the loss is the teacher's; the rest is that of the sets' own labels."""

TELLS = OUTPUTS + SATISFACTIONS
"""The columns of what teachers say."""

CHUNK = 1_024
TEACHERS_FILE = "teachers.safetensors"


def taught(
    teachers: Sequence[Path], examples: Sequence[Example], device: str, console: Console, kept: Path | None = None
) -> torch.Tensor:
    """What `teachers` say of each example: the mean probabilities of those that can read it, (examples, TELLS); nan for nothing, where none
    of them can, or tells satisfaction, and for that of an example that isn't rated.

    teachers: directories of a model each, or of one a language, and files of what such models said (`models.answers`). What was made here
    (service lines, joined texts) has the sentiment and the tones that it was made for: where the teachers say others, as of irony that they
    take for praise, they aren't believed. kept: a file for what they said, with which a training that is begun again doesn't ask the same
    teachers about the same texts. Raises ModelError if a teacher can't be loaded, lacks one of OUTPUTS, or none of them can read any of the texts.
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


def teachers_names(teachers: Sequence[Path]) -> str:
    """Who is learnt from, for the model card. Raises ModelError for a file that isn't one of answers."""
    return " and ".join(
        f"{' and '.join(Answers.read(each).teachers)}, as {each.name} has them" if each.is_file() else each.name for each in teachers
    )


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
    """The mean of what the teachers say of each text, (texts, TELLS), as `kept` has it, or told anew and kept there."""
    versions = [_version(each) for each in teachers]
    if kept is not None and kept.is_file():
        earlier = _read_kept(kept)
        if earlier is not None and earlier.teachers == tuple(versions) and earlier.known(texts).all():
            return earlier.about(texts, TELLS)
    files = {each: Answers.read(each) for each in teachers if each.is_file()}
    scorers = {each: load_local(each, device, Limits(threads=0, cache_size=0)) for each in teachers if each not in files}
    for teacher, scorer in scorers.items():  # all of them, before the first has read for hours
        _check(teacher, list(_told_by(scorer)))
    for teacher, answers in files.items():
        _check(teacher, answers.columns)
        known = int(answers.known(texts).sum())
        if not known:
            raise ModelError(f"the teacher {teacher} knows none of the {len(texts):,} texts to learn from: give a model, which can read them")
        if known < len(texts):
            console.print(f"{teacher.name} knows {known:,} of {len(texts):,} texts: the others are learnt from their labels alone")
    said = [files[each].about(texts, TELLS) if each in files else _read(scorers[each], texts, console) for each in teachers]
    mean = torch.stack(said).nanmean(dim=0)
    if mean[:, 0].isnan().all():
        raise ModelError(f"the teacher {' and '.join(map(str, teachers))} reads none of the {len(texts):,} texts to learn from: they are in another language")
    if kept is None:
        return mean
    answers = Answers.of(texts, mean, TELLS, versions)
    answers.write(kept)
    return answers.about(texts, TELLS)  # as a training that is gone on with reads them


def _version(teacher: Path) -> str:
    if teacher.is_file():
        return f"{teacher.name}@{hashlib.sha256(teacher.read_bytes()).hexdigest()[:12]}"
    return scorer_version(str(teacher.resolve()))


def _read_kept(kept: Path) -> Answers | None:
    """What an earlier training kept; None where an earlier version of this project did, in another form."""
    try:
        return Answers.read(kept)
    except ModelError:
        return None


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


def _told_by(scorer: LocalScorer) -> set[str]:
    """The columns that a model tells."""
    told = [each for each in scorer.probabilities(["hello", "你好"]) if each]  # one of them may be in another language than the teacher's
    return set.intersection(*map(set, told)) if told else set()


def _check(teacher: Path, columns: Collection[str]) -> None:
    """Raise ModelError for a teacher that lacks one of OUTPUTS."""
    if not set(OUTPUTS) <= set(columns):
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
        share = TEACHER_SHARE * heard.float().mean()  # a text of which the teacher says nothing has its labels alone
        return (1 - share) * by_sets + share * by_teacher

    return loss
