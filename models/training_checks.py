"""What can't work is told before the long part of a training begins."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from models.adapters import KINDS
from models.answers import Answers
from models.labels import UNKNOWN
from models.loading import check_gpu
from models.network import ENCODERS, NEW, NO_ANSWERS
from models.recipes import TrainOptions
from models.scorer import LANGUAGES, SHIPPED, Limits, ModelError, check_place
from models.sets import Example
from models.sources import source_of
from models.text import readable
from models.tokenizer import Encoder
from models.versions import models_by_language

CHUNK = 1_024
LEARNING = ("accumulation", "learning_rate", "warm_up", "weight_decay", "consistency", "averaging", "patience")
"""What says how a network learns, and nothing else."""


def check(options: TrainOptions) -> None:
    """Raise ModelError for what can't work, before the long part begins."""
    if options.language and options.language not in LANGUAGES:
        raise ModelError(f"language is {options.language!r}: one of {', '.join(LANGUAGES)} is needed, or none for all of them")
    if not options.schedule.epochs:
        _check_unchanged(options)
    kind = options.schedule.adapters
    if kind not in KINDS:
        raise ModelError(f"adapters is {kind!r}: one of {', '.join(KINDS)} is needed")
    if kind != "none" and options.shape.encoder == NEW:
        raise ModelError("adapters go beside matrices that have learnt something: with encoder new, train all of it")
    if kind == "adalora" and options.resume:
        raise ModelError(
            "a training by adalora cannot be resumed: how much each rank has mattered so far is in no checkpoint; start it anew, or use lora"
        )
    if not 0 < options.unlabelled_epochs < math.inf:
        raise ModelError(f"unlabelled_epochs is {options.unlabelled_epochs:g}: more than 0 is needed, and no infinity")
    try:
        check_place(options.schedule.device, "auto")
    except ValueError as error:
        raise ModelError(str(error)) from error
    check_gpu(options.schedule.device)
    for teacher in options.teachers:
        if teacher.is_file():
            Answers.read(teacher)
        elif not (teacher / "config.json").is_file() and not models_by_language(teacher):
            raise ModelError(f"teacher {teacher} is no directory with a model, and no file of a teacher's answers")
    for what, source in _sources(options):
        several = models_by_language(source) if isinstance(source, Path) else {}
        if several:
            raise ModelError(f"{what} {source} has one model a language: give one of them, {next(iter(several.values()))} for instance")
    missing = [str(path) for path in options.unlabelled if not path.is_file()]
    if missing:
        raise ModelError(f"unlabelled {missing[0]} is no file")


def _check_unchanged(options: TrainOptions) -> None:
    """Raise ModelError where the network is to stay as it is, and can't or shouldn't."""
    if options.shape.encoder in NO_ANSWERS:
        raise ModelError(
            f"epochs is 0, and encoder {options.shape.encoder} answers nothing yet: give a model that does (accurate, fast, or the directory of one)"
        )
    if options.schedule.adapters != "none" or options.unlabelled or options.teachers or options.resume:
        raise ModelError("epochs is 0: the network learns nothing, and adapters, unlabelled, teacher and resume do nothing: leave them out")


def check_used(given: Collection[str], options: TrainOptions) -> None:
    """Raise ModelError for options that somebody has given, by the names of their fields, and that would do nothing; a recipe's own numbers
    may do so."""
    shape, schedule = options.shape, options.schedule
    idle: dict[str, tuple[str, ...]] = {}
    if shape.encoder not in NO_ANSWERS:
        idle[f"encoder {shape.encoder} has its own"] = ("layers", "vocabulary")
    elif shape.tokenizer:
        idle["the tokenizer given has its own"] = ("vocabulary",)
    if schedule.adapters == "none":
        idle["there are no adapters"] = ("rank",)
    elif schedule.averaging:
        idle["of adapters no mean is kept"] = ("averaging",)
    if schedule.adapters == "adalora":
        idle["adalora goes on to its end"] = ("patience",)
    if not options.unlabelled:
        idle["nothing is read before the labels"] = ("unlabelled_epochs",)
    if not schedule.epochs:
        idle["epochs is 0, and the network learns nothing"] = (*LEARNING, *(("max_tokens",) if schedule.read_tokens else ()))
    told = [f"{', '.join(found)} ({reason})" for reason, names in idle.items() if (found := [name for name in names if name in given])]
    if told:
        raise ModelError(f"would do nothing: {'; '.join(told)}: leave them out")


def check_sources(options: TrainOptions, work: Path) -> None:
    """Raise ModelError where a model that is learnt from would be written over, or taken away with the checkpoints of an earlier training."""
    for what, source in (*_sources(options), *(("teacher", each) for each in options.teachers)):
        if isinstance(source, Path) and source.exists():
            if options.output.resolve() in [source.resolve(), *(each.resolve() for each in models_by_language(source).values())]:
                raise ModelError(f"output {options.output} is the {what} itself: give another directory")
            if work.resolve() in source.resolve().parents:
                raise ModelError(f"{what} {source} is in the folder of this training, which is cleared: copy it, or give another output")


def _sources(options: TrainOptions) -> Iterator[tuple[str, Path | str]]:
    """Where the network and its tokeniser come from."""
    yield "encoder", source_of(options.shape.encoder, ENCODERS)
    if options.shape.tokenizer:
        yield "tokenizer", source_of(options.shape.tokenizer, SHIPPED)


def check_known(encoder: Encoder, learnt: Sequence[Example], held_out: Sequence[Example]) -> None:
    """Raise ModelError where the tokeniser knows no token of all texts to learn from, or of all those with a sentiment to choose by."""
    chosen_by = [example for example in held_out if example.label != UNKNOWN]
    for examples, purpose in ((learnt, "learn from"), (chosen_by, "choose by")):
        if not any(_knows_one(encoder, examples[start : start + CHUNK]) for start in range(0, len(examples), CHUNK)):
            raise ModelError(f"the tokenizer knows no token of the texts to {purpose}: take another encoder, or other texts")


def _knows_one(encoder: Encoder, examples: Sequence[Example]) -> bool:
    return any(row.known for row in encoder.encode([readable(example.text, Limits().max_characters) for example in examples]))
