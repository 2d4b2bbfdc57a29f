"""How much a figure depends on the split: train several times, each time with another part held out.

Checkpoint, temperature and the weight of the wide part are chosen by texts of an inner part, and not by those that are reported on.
"""

from __future__ import annotations

import hashlib
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from models.corpus import HELD_OUT_PERCENT, Corpus, DataError, HeldOut
from models.evaluate import answered, macro_f1
from models.fitting import Fitted, fit, parts, prepare
from models.labels import UNKNOWN
from models.near_copies import identity
from models.network import ENCODERS
from models.progress import console_for
from models.recipes import TrainOptions
from models.scorer import SHIPPED, WEIGHTS, Limits, ModelError, Scorer
from models.sentiment import TransformerScorer
from models.sets import JOINED, MADE, SETS, Example
from models.sources import source_of
from models.train import write


@dataclass(frozen=True, slots=True)
class Folds:
    """Macro-F1 of each training on the part held out, which it neither learnt from nor was chosen by."""

    macro_f1: list[float]

    def __str__(self) -> str:
        spread = statistics.stdev(self.macro_f1) if len(self.macro_f1) > 1 else 0.0
        each = ", ".join(f"{value:.3f}" for value in self.macro_f1)
        return (
            f"macro-F1 {statistics.fmean(self.macro_f1):.3f} ± {spread:.3f} over {len(self.macro_f1)} parts, neither learnt from nor "
            f"chosen by: {each}"
        )


def folds(corpus: Corpus, count: int) -> Iterator[tuple[list[Example], list[Example]]]:
    """(to learn from, held out), `count` times: every text is held out once, a conversation's texts together.

    A text that is nearly one held out isn't learnt from (a rated turn is: see `models.corpus`), nor are joined texts and service
    lines ever held out.
    """
    own = [example for example in (*corpus.train, *corpus.validation) if example.source not in MADE]
    added = [example for example in corpus.train if example.source in MADE]
    for number in range(count):
        held_out = [example for example in own if _draw(example, "folds") % count == number]
        apart = HeldOut(held_out)
        # Joined texts hold whole texts, whose parts may be held out: they aren't used here.
        learnt = [example for example in own if _draw(example, "folds") % count != number and example not in apart]
        lines = [example for example in added if example.source != JOINED and example not in apart]
        yield learnt + lines, held_out


def inner(learnt: Sequence[Example]) -> tuple[list[Example], list[Example]]:
    """(to learn from, to choose by) of what isn't held out: HELD_OUT_PERCENT of it chooses, a conversation's texts together, and nothing
    near one of them is learnt from."""
    chosen_by = [each for each in learnt if _chooses(each)]
    apart = HeldOut(chosen_by)
    return [each for each in learnt if not _chooses(each) and each not in apart], chosen_by


def _chooses(example: Example) -> bool:
    return example.source not in MADE and _draw(example, "inner") % 100 < HELD_OUT_PERCENT


def _draw(example: Example, purpose: str) -> int:
    """A number by which a text comes into a part; drawn from its conversation, or from itself."""
    key = example.group or identity(example.text)
    # Another hash for each purpose, and another than `models.corpus.draw` takes, which has already chosen among these texts.
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8, person=purpose.encode()).digest(), "big")


def cross_validate(options: TrainOptions, count: int, console: Console | None = None) -> Folds:
    """Train `count` times with another part of the texts held out each time, and measure sentiment on it; no model is kept. Raises
    as `train` does, and DataError where a part held out tells no sentiment.

    A teacher is refused, and so is a model that comes with the project beside the sets that it learnt from: they know texts that are
    held out here.
    """
    console = console or console_for()
    if count < 2:
        raise ModelError(f"folds is {count}: at least 2 are needed")
    if options.teachers or options.resume:
        raise ModelError("folds go neither with a teacher, which knows the texts held out, nor with --resume")
    corpus = prepare(options)
    known = [info.name for info in corpus.trained if info in SETS and info.permissive]
    source = source_of(options.shape.encoder, ENCODERS)
    if known and isinstance(source, Path) and source.resolve() in [(WEIGHTS / name).resolve() for name in SHIPPED]:
        raise ModelError(f"folds don't go with encoder {options.shape.encoder} here: it has learnt from {known[0]}, which is held out")
    # All of them before the first training: the last part may be one that nothing can be chosen by, or measured on.
    each = []
    for learnt, held_out in folds(corpus, count):
        if all(example.label == UNKNOWN for example in held_out):
            raise DataError(f"{count} parts are too many: one of them has no text with a sentiment to measure on; give fewer --folds")
        train, validation = inner(learnt)
        each.append((*parts(replace(corpus, train=train, validation=validation), options), held_out))
    found = []
    for number, (learnt, chosen_by, held_out) in enumerate(each, 1):
        console.print(
            f"part {number} of {count}: {len(learnt):,} texts to learn from, {len(chosen_by):,} to choose by, {len(held_out):,} held out"
        )
        with tempfile.TemporaryDirectory() as work:
            fitted = fit(options, learnt, chosen_by, Path(work), console, held_out)
            found.append(_measured(_served(fitted, options, Path(work) / "model"), held_out))
    return Folds(found)


def _served(fitted: Fitted, options: TrainOptions, folder: Path) -> Scorer:
    """The model as it would be written and loaded again."""
    folder.mkdir()
    write(fitted.model, fitted.wide, folder, options.compact)
    fitted.tokenizer.save_pretrained(folder)
    return TransformerScorer(folder, options.schedule.device, Limits(threads=0, cache_size=0))


def _measured(scorer: Scorer, held_out: Sequence[Example]) -> float:
    """Macro-F1 of sentiment over the texts of all sets; each set is asked for the labels that it has."""
    by_source: dict[str, list[Example]] = {}
    for example in held_out:
        if example.label != UNKNOWN:
            by_source.setdefault(example.source, []).append(example)
    answers = [each for part in by_source.values() for each in answered(scorer, part)]
    return macro_f1([each.example.label for each in answers], [each.label for each in answers])
