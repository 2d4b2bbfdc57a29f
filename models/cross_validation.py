"""How much a figure depends on the split: train several times, each time with another part held out."""

from __future__ import annotations

import hashlib
import statistics
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from models.corpus import Corpus, HeldOut
from models.fitting import fit, parts, prepare
from models.near_copies import identity
from models.progress import console_for
from models.recipes import TrainOptions
from models.scorer import SHIPPED, WEIGHTS, ModelError, source_of
from models.sets import JOINED, MADE, SETS, Example


@dataclass(frozen=True, slots=True)
class Folds:
    """Validation macro-F1 of each training."""

    macro_f1: list[float]

    def __str__(self) -> str:
        spread = statistics.stdev(self.macro_f1) if len(self.macro_f1) > 1 else 0.0
        each = ", ".join(f"{value:.3f}" for value in self.macro_f1)
        return f"validation macro-F1 {statistics.fmean(self.macro_f1):.3f} ± {spread:.3f} over {len(self.macro_f1)} parts: {each}"


def folds(corpus: Corpus, count: int) -> Iterator[tuple[list[Example], list[Example]]]:
    """(to learn from, held out), `count` times: every text is held out once, a conversation's texts together.

    A text that is nearly one held out isn't learnt from (a rated turn is: see `models.corpus`), nor are joined texts and service
    lines ever held out.
    """
    own = [example for example in (*corpus.train, *corpus.validation) if example.source not in MADE]
    added = [example for example in corpus.train if example.source in MADE]
    for number in range(count):
        held_out = [example for example in own if _part(example, count) == number]
        apart = HeldOut(held_out)
        # Joined texts hold whole texts, whose parts may be held out: they aren't used here.
        learnt = [example for example in own if _part(example, count) != number and example not in apart]
        lines = [example for example in added if example.source != JOINED and example not in apart]
        yield learnt + lines, held_out


def _part(example: Example, count: int) -> int:
    """The part that a text is held out in; drawn from its conversation, or from itself."""
    key = example.group or identity(example.text)
    # Another hash than `models.corpus.draw` takes, which has already chosen among these texts.
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8, person=b"folds").digest(), "big") % count


def cross_validate(options: TrainOptions, count: int, console: Console | None = None) -> Folds:
    """Train `count` times with another part of the texts held out each time; no model is kept. Raises as `train` does.

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
    source = source_of(options.shape.encoder)
    if known and isinstance(source, Path) and source.resolve() in [(WEIGHTS / name).resolve() for name in SHIPPED]:
        raise ModelError(f"folds don't go with encoder {options.shape.encoder} here: it has learnt from {known[0]}, which is held out")
    # All of them before the first training: the last part may be one that nothing can be chosen by.
    each = [parts(replace(corpus, train=learnt, validation=held_out), options) for learnt, held_out in folds(corpus, count)]
    found = []
    for number, (learnt, held_out) in enumerate(each, 1):
        console.print(f"part {number} of {count}: {len(learnt):,} texts to learn from, {len(held_out):,} held out")
        with tempfile.TemporaryDirectory() as work:
            found.append(fit(options, learnt, held_out, Path(work), console).macro_f1)
    return Folds(found)
