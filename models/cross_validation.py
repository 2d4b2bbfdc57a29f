"""How much a figure depends on the split: train several times, each time with another part held out."""

from __future__ import annotations

import hashlib
import statistics
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from models.corpus import Corpus, Seen, identity
from models.fitting import fit, parts, prepare
from models.recipes import TrainOptions
from models.scorer import ModelError
from models.sets import Example


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

    A text that is nearly one held out isn't learnt from, nor are joined texts and service lines ever held out.
    """
    made = {"joined", "service lines"}
    own = [example for example in (*corpus.train, *corpus.validation) if example.source not in made]
    added = [example for example in corpus.train if example.source in made]
    for number in range(count):
        held_out = [example for example in own if _part(example, count) == number]
        seen = Seen(example.text for example in held_out)
        # Joined texts hold whole texts, whose parts may be held out: they aren't used here.
        learnt = [example for example in own if _part(example, count) != number and example.text not in seen]
        lines = [example for example in added if example.source != "joined" and example.text not in seen]
        yield learnt + lines, held_out


def _part(example: Example, count: int) -> int:
    """The part that a text is held out in; drawn from its conversation, or from itself."""
    key = example.group or identity(example.text)
    # Another hash than `models.corpus.draw` takes, which has already chosen among these texts.
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8, person=b"folds").digest(), "big") % count


def cross_validate(options: TrainOptions, count: int, console: Console | None = None) -> Folds:
    """Train `count` times with another part of the texts held out each time; no model is kept. Raises as `train` does.

    A teacher is refused: it has learnt from texts that are held out here.
    """
    console = console or Console(stderr=True)
    if count < 2:
        raise ModelError(f"folds is {count}: at least 2 are needed")
    if options.teacher or options.resume:
        raise ModelError("folds go neither with a teacher, which knows the texts held out, nor with --resume")
    corpus = prepare(options)
    found = []
    for number, (learnt, held_out) in enumerate(folds(corpus, count), 1):
        learnt, held_out = parts(replace(corpus, train=learnt, validation=held_out), options)
        console.print(f"part {number} of {count}: {len(learnt):,} texts to learn from, {len(held_out):,} held out")
        with tempfile.TemporaryDirectory() as work:
            found.append(fit(options, learnt, held_out, Path(work), console).macro_f1)
    return Folds(found)
