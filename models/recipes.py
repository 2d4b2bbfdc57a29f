"""The shipped models' numbers; the command line changes those that one may want to (`replywatch train --help`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from models.network import MULTILINGUAL_E5, NARROWED_E5, NEW, NetworkShape
from models.schedule import Schedule
from models.scorer import ModelError

SMALL_NETWORK = NetworkShape(NARROWED_E5, layers=4, vocabulary=10_000, hidden=256, heads=8, wide=2**17)
TINY_NETWORK = NetworkShape(NEW, layers=2, vocabulary=12_000, hidden=128, heads=4, dropout=0.2)
RECIPES = {
    "teacher": (
        NetworkShape(MULTILINGUAL_E5, layers=12),
        Schedule(
            epochs=3,
            batch_size=128,
            learning_rate=1.5e-4,
            consistency=1.0,
            averaging=0.998,
            tone_texts=10**9,
            patience=0,
            max_tokens=48,
        ),
    ),
    "accurate": (
        NetworkShape(MULTILINGUAL_E5, layers=6, wide=2**17),
        Schedule(epochs=4, batch_size=128, learning_rate=2e-4, averaging=0.999, patience=0, max_tokens=48, read_tokens=64),
    ),
    "fast": (
        SMALL_NETWORK,
        Schedule(
            epochs=5,
            batch_size=128,
            learning_rate=6e-4,
            weight_decay=0.05,
            token_dropout=0.15,
            consistency=1.0,
            averaging=0.999,
            patience=0,
            max_tokens=48,
        ),
    ),
    "tiny": (TINY_NETWORK, Schedule(epochs=3, batch_size=64, learning_rate=1e-3, weight_decay=0.1, token_dropout=0.25)),
}
"""teacher: what the two that ship learn from beside the labels, twelve layers; too large to ship, and to serve on a CPU. accurate reads more of a
text than it learns from, which costs a training its time: what is longer than that is read better than its head and tail alone. 128 tokens would be
read better still, but a third fewer lines a second; and fast is there for its speed."""


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """What to train on, where to write to, and how.

    permissive_only: learn only from sets whose licence allows shipping the weights; teachers: directories of models to learn from beside the labels;
    repeat: set name → how often each of its texts is learnt from, where that isn't once;
    language: of LANGUAGES, that of the texts to learn from, and of the model then; or empty for all;
    mask: what makes texts of one's own and unlabelled ones ready as the job does (personal data hidden, quotations left out); nothing by itself;
    unlabelled: files whose texts are read before, for so many epochs, see `models.pretraining`;
    compact: write eight bits a weight; threads: of torch (0 = leave as it is).
    """

    data: Sequence[Path]
    output: Path
    shape: NetworkShape = field(default_factory=NetworkShape)
    schedule: Schedule = field(default_factory=Schedule)
    permissive_only: bool = True
    language: str = ""
    with_service_lines: bool = True
    with_baseline: bool = True
    teachers: Sequence[Path] = ()
    unlabelled: Sequence[Path] = ()
    unlabelled_epochs: float = 1.0
    repeat: Mapping[str, int] = field(default_factory=dict)
    mask: Callable[[str], str] = str
    compact: bool = False
    threads: int = 0
    resume: bool = False


def from_recipe(name: str, **changes: Any) -> tuple[NetworkShape, Schedule]:
    """A recipe's shape and schedule with single numbers changed. Raises ModelError for a name that isn't known."""
    if name not in RECIPES:
        raise ModelError(f"recipe {name!r} is not known: one of {', '.join(RECIPES)}")
    shape, schedule = RECIPES[name]
    given = {key: value for key, value in changes.items() if value is not None}
    of_shape = {key: value for key, value in given.items() if key in NetworkShape.__dataclass_fields__}
    of_schedule = {key: value for key, value in given.items() if key in Schedule.__dataclass_fields__}
    return replace(shape, **of_shape), replace(schedule, **of_schedule)
