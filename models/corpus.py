"""Sets into a corpus: one text is in one split, and nothing that is measured on was trained on, nor anything near it."""

from __future__ import annotations

import hashlib
import random
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from models.labels import NEUTRAL, NO_TONES, UNKNOWN, tones
from models.own_data import own_set
from models.scorer import LABELS, ModelError
from models.service_lines import service_lines
from models.sets import SETS, Example, SetInfo, Split

HELD_OUT_PERCENT = 10
"""Share of a set without a published split that is held out, in percent, for each of validation and test."""

# Joined texts: their share of the training part, how they are put together, how long they get.
JOINED_SHARE = 0.12
JOINTS = (" ", "\n", "，", "。", ". ")
MAX_CALM_TEXTS = 3
MAX_JOINED_CHARACTERS = 80

SHINGLE, SMALLEST, SKETCHES = 4, 3, 2
"""Near-duplicates: `SKETCHES` times the `SMALLEST` smallest hashes of all pieces of `SHINGLE` characters. Two texts that share
nine tenths of their pieces agree in one of two sketches in nine cases of ten (Broder 1997, min-wise hashing)."""

_NOT_TEXT = re.compile(r"\W+")
_SALTS = (0x9E3779B9, 0x85EBCA6B)


class DataError(ModelError):
    """A data set is missing or is not what its name says."""


@dataclass(slots=True)
class Corpus:
    """Examples by split. `tests` by the name of the set, and so `validations`, if asked for, which are of all sets, while `validation`
    is of those learnt from; `sets` those that were found, `trained` those learnt from."""

    train: list[Example] = field(default_factory=list)
    validation: list[Example] = field(default_factory=list)
    tests: dict[str, list[Example]] = field(default_factory=dict)
    validations: dict[str, list[Example]] = field(default_factory=dict)
    sets: list[SetInfo] = field(default_factory=list)
    trained: list[SetInfo] = field(default_factory=list)
    repeats_removed: int = 0


def load_corpus(
    data: Sequence[Path],
    *,
    permissive_only: bool = True,
    with_service_lines: bool = True,
    to_learn: bool = True,
    with_validations: bool = False,
    seed: int = 0,
    mask: Callable[[str], str] = str,
) -> Corpus:
    """Read every known set under the folders in `data`, and the files in it; learn from the permissive sets, or from all.

    The test parts do not depend on what is learnt from. A text that occurs in a test part, or nearly so, is removed from
    validation and training, one in validation from training, and a text with two labels is removed altogether. `mask` hides
    personal data in files of one's own, as the job does before it scores. to_learn: raise DataError if nothing is found to learn
    from; with_validations: fill in `validations`. Raises DataError, too, where two sets have one name.
    """
    corpus = Corpus()
    parts: dict[Split, list[Example]] = {"train": [], "validation": []}
    others: list[Example] = []
    for info, path in _found(data):
        corpus.sets.append(info)
        learnt = info.permissive or not permissive_only
        if learnt:
            corpus.trained.append(info)
        tests = []
        for split, example in info.read(path):
            own = path.is_file()
            example = example._replace(text=mask(example.text) if own else example.text, source=info.name)
            split = split or draw(example.group or example.text)
            if split == "test":
                tests.append(example)
            elif learnt:
                parts[split].append(example)
            elif split == "validation" and with_validations:
                others.append(example)
        if tests:
            corpus.tests[info.name] = list(_single(tests))
    if to_learn and not parts["train"]:
        expected = ", ".join(info.folder for info in SETS if info.permissive or not permissive_only)
        raise DataError(
            f"no training set under {', '.join(map(str, data))}: expected a CSV or JSON lines file, or a folder named {expected}"
        )
    if with_service_lines:
        parts["train"].extend(_service_examples())

    before = len(parts["train"]) + len(parts["validation"])
    tested = Seen(example.text for examples in corpus.tests.values() for example in examples)
    corpus.validation = [example for example in _single(parts["validation"]) if example.text not in tested]
    validated = Seen(example.text for example in corpus.validation)
    corpus.train = [
        example for example in _single(parts["train"]) if example.text not in tested and example.text not in validated
    ]
    if with_validations:
        learnt_from = {identity(example.text) for example in corpus.train}
        apart = (each for each in _single(others) if each.text not in tested and identity(each.text) not in learnt_from)
        for example in chain(corpus.validation, apart):
            corpus.validations.setdefault(example.source, []).append(example)
    corpus.repeats_removed = before - len(corpus.train) - len(corpus.validation)
    corpus.train += _joined(corpus.train, random.Random(seed))
    return corpus


def _service_examples() -> Iterator[Example]:
    """The service lines; a calm one is also an example of what is neither angry nor anxious nor abusive."""
    for text, label in service_lines():
        heard = NO_TONES if label == "negative" else tones(angry=False, anxious=False, abusive=False)
        yield Example(text, LABELS.index(label), heard, source="service lines")


def _found(data: Sequence[Path]) -> Iterator[tuple[SetInfo, Path]]:
    """The sets that are there, each with its folder or file."""
    missing = [path for path in data if not path.exists()]
    if missing:
        raise DataError(f"{missing[0]} does not exist: give a folder with sets, or a CSV or JSON lines file")
    names: set[str] = set()
    for info in SETS:
        path = next((folder / info.folder for folder in data if (folder / info.folder).is_dir()), None)
        if path is not None:
            names.add(info.name)
            yield info, path
    for path in data:
        if path.is_file():
            info = own_set(path)
            if info.name in names:
                raise DataError(f"{path}: another set is called {info.name}, too: rename the file, for its name is the set's")
            names.add(info.name)
            yield info, path


class Seen:
    """Texts that were seen: asks whether one was, or one that is nearly it."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._seen: set[object] = set()
        for text in texts:
            self._seen.update(_marks(text))

    def __contains__(self, text: str) -> bool:
        return any(mark in self._seen for mark in _marks(text))


def identity(text: str) -> str:
    """Return what makes two texts the same: letters and digits in lower case; all of it where there are none."""
    return _NOT_TEXT.sub("", text).lower() or text.strip()


def draw(text: str) -> Split:
    """Draw a split from the text itself, so that it is the same in every run and for every repeat."""
    percent = int.from_bytes(hashlib.blake2b(identity(text).encode(), digest_size=8).digest(), "big") % 100
    if percent < HELD_OUT_PERCENT:
        return "test"
    return "validation" if percent < 2 * HELD_OUT_PERCENT else "train"


def _marks(text: str) -> Iterator[object]:
    """The text's identity, and for a text that is long enough its sketches."""
    core = identity(text)
    yield core
    if len(core) >= 4 * SHINGLE:
        hashes = {zlib.crc32(core[at : at + SHINGLE].encode()) for at in range(len(core) - SHINGLE + 1)}
        for number in range(SKETCHES):
            salt = _SALTS[number]
            yield (number, *sorted((each * salt) & 0xFFFFFFFF for each in hashes)[:SMALLEST])


def _single(examples: Iterable[Example]) -> Iterator[Example]:
    """One example for each text, in the order of first sight; texts whose labels contradict each other are left out."""
    found: dict[str, Example | None] = {}
    for example in examples:
        key = identity(example.text)
        if not key:
            continue
        earlier = found.setdefault(key, example)
        if earlier is not None and earlier is not example:
            found[key] = _merged(earlier, example)
    yield from (example for example in found.values() if example is not None)


def _merged(one: Example, other: Example) -> Example | None:
    """What two sets tell of one text; None if they contradict each other."""
    pairs = [
        (one.label, other.label), (one.satisfaction, other.satisfaction), *zip(one.tones, other.tones, strict=True)
    ]  # fmt: skip
    if any(UNKNOWN not in pair and pair[0] != pair[1] for pair in pairs):
        return None
    label, satisfaction, *heard = (max(pair) for pair in pairs)
    return one._replace(label=label, satisfaction=satisfaction, tones=tuple(heard))


def _joined(examples: Sequence[Example], chance: random.Random) -> list[Example]:
    """Join neutral texts with one that takes a side, in any order; the whole has its side.

    Anger in one sentence of a long, calm message is the customer's anger, and no set has such messages.
    """
    calm = [example.text for example in examples if example.label == NEUTRAL]
    sided = [
        example
        for example in examples
        if example.label not in (NEUTRAL, UNKNOWN) and len(example.text) <= MAX_JOINED_CHARACTERS
    ]
    if not calm or not sided:
        return []
    joined = []
    for _ in range(int(len(examples) * JOINED_SHARE)):
        heart = chance.choice(sided)
        texts = [heart.text, *chance.choices(calm, k=chance.randint(1, MAX_CALM_TEXTS))]
        chance.shuffle(texts)
        joined.append(Example(chance.choice(JOINTS).join(texts), heart.label, source="joined"))
    return joined
