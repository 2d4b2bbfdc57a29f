"""Sets into a corpus: one text is in one split, and nothing that is measured on was trained on, nor anything near it.

Rated turns of conversations are apart: their conversation is in one split, whatever others say in theirs.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from models.labels import NO_TONES, UNKNOWN, tones
from models.near_copies import Seen, identity
from models.own_data import own_set
from models.scorer import LABELS, ModelError
from models.service_lines import service_lines
from models.sets import MADE, PUBLIC, SERVICE_LINES, SETS, Example, SetInfo, Split

HELD_OUT_PERCENT = 10
"""Share of a set without a published split that is held out, in percent, for each of validation and test."""


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


class HeldOut:
    """Examples that are held out: asks whether another one is among them, or nearly so. Rated turns aren't compared, see
    `load_corpus`."""

    def __init__(self, examples: Iterable[Example]) -> None:
        self._texts = Seen(example.text for example in examples if not example.is_turn)

    def __contains__(self, example: Example) -> bool:
        return not example.is_turn and example.text in self._texts


def load_corpus(
    data: Sequence[Path],
    *,
    permissive_only: bool = True,
    with_service_lines: bool = True,
    to_learn: bool = True,
    with_validations: bool = False,
    mask: Callable[[str], str] = str,
) -> Corpus:
    """Read every known set under the folders in `data`, and the files in it; learn from the permissive sets, or from all.

    The test parts do not depend on what is learnt from. A text that occurs in a test part, or nearly so, is removed from
    validation and training, one in validation from training, and a text with two labels is removed altogether. A rated turn of a
    conversation is kept as often as it comes, for "ok" means another thing in another conversation; its conversation is in one
    split, and its sentiment, where one is told, is an example like any other. `mask` hides
    personal data in files of one's own, as the job does before it scores. to_learn: raise DataError if nothing is found to learn
    from; with_validations: fill in `validations`. Raises DataError, too, where two files have one name, or one has that of a set in `models.sets`.
    """
    corpus = Corpus()
    parts: dict[Split, list[Example]] = {"train": [], "validation": []}
    others: list[Example] = []
    for info, path in _found(data):
        corpus.sets.append(info)
        learnt = info.permissive or not permissive_only
        if learnt:
            corpus.trained.append(info)
        tests: list[Example] = []
        for split, example in _read(info, path):
            own = path.is_file()
            example = example._replace(text=mask(example.text) if own else example.text, source=info.name)
            split = split or draw(example.group or example.text)
            if split == "test":
                tests += _questions(example)
            elif learnt:
                parts[split] += _questions(example)
            elif split == "validation" and with_validations:
                others += _questions(example)
        if tests:
            corpus.tests[info.name] = list(_single(tests))
    if to_learn and not parts["train"]:
        expected = ", ".join(dict.fromkeys(info.folder for info in SETS if info.permissive or not permissive_only))
        raise DataError(
            f"nothing to learn from under {', '.join(map(str, data))}: expected a CSV or JSON lines file whose texts aren't all held out, "
            f"or a folder named {expected}"
        )
    if with_service_lines:
        parts["train"].extend(_service_examples())

    before = len(parts["train"]) + len(parts["validation"])
    tested = HeldOut(chain.from_iterable(corpus.tests.values()))
    corpus.validation = [example for example in _single(parts["validation"]) if example not in tested]
    validated = HeldOut(corpus.validation)
    corpus.train = [
        example for example in _single(parts["train"]) if example not in tested and example not in validated
    ]
    if with_validations:
        learnt_from = {identity(example.text) for example in corpus.train}
        apart = (
            each
            for each in _single(others)
            if each not in tested and (each.is_turn or identity(each.text) not in learnt_from)
        )
        for example in chain(corpus.validation, apart):
            corpus.validations.setdefault(example.source, []).append(example)
    corpus.repeats_removed = before - len(corpus.train) - len(corpus.validation)
    return corpus


def drawn(examples: Sequence[Example], most: int) -> list[Example]:
    """At most so many of the examples, drawn by chance and always the same, in their order: a file that is sorted by its labels begins
    with one of them only."""
    kept = sorted(random.Random(0).sample(range(len(examples)), min(most, len(examples))))
    return [examples[at] for at in kept]


def _read(info: SetInfo, path: Path) -> Iterator[tuple[Split | None, Example]]:
    try:
        yield from info.read(path)
    except FileNotFoundError as error:
        raise DataError(f"{path} is not the set {info.name}, or not all of it: {error.filename} is missing") from error


def _service_examples() -> Iterator[Example]:
    for line in service_lines():
        yield Example(line.text, LABELS.index(line.label), tones(**line.tones), source=SERVICE_LINES)


def _found(data: Sequence[Path]) -> Iterator[tuple[SetInfo, Path]]:
    """The sets that are there, each with its folder or file."""
    missing = [path for path in data if not path.is_dir() and not path.is_file()]
    if missing:
        why = "is neither a folder nor a file" if missing[0].exists() else "does not exist"
        raise DataError(f"{missing[0]} {why}: give a folder with sets, or a CSV or JSON lines file")
    for folder in (path for path in data if path.is_dir()):
        if not any((folder / info.folder).is_dir() for info in SETS):
            raise DataError(f"{folder} has none of the sets: {_where_instead(folder.resolve())}")
    names: set[str] = set()
    for info in SETS:
        path = next((folder / info.folder for folder in data if (folder / info.folder).is_dir()), None)
        if path is not None:
            yield info, path
    for path in data:
        if path.is_file():
            info = own_set(path)
            if info.name in (*PUBLIC, *MADE):  # what is known of that set would be taken for true of the file
                raise DataError(f"{path}: {info.name} is the name of a set that the project knows: rename the file, for its name is the set's")
            if info.name in names:
                raise DataError(f"{path}: another set is called {info.name}, too: rename the file, for its name is the set's")
            names.add(info.name)
            yield info, path


def _where_instead(folder: Path) -> str:
    """What to give instead of a folder that has no sets."""
    names = dict.fromkeys(info.folder for info in SETS)
    if folder.name in names:
        return f"give {folder.parent}, in which it is"
    return f"a folder is needed in which one named {', '.join(names)} is, or a CSV or JSON lines file"


def draw(text: str) -> Split:
    """Draw a split from the text itself, so that it is the same in every run and for every repeat."""
    percent = int.from_bytes(hashlib.blake2b(identity(text).encode(), digest_size=8).digest(), "big") % 100
    if percent < HELD_OUT_PERCENT:
        return "test"
    return "validation" if percent < 2 * HELD_OUT_PERCENT else "train"


def _questions(example: Example) -> Iterator[Example]:
    """The example; where it is a rated turn of a conversation and tells sentiment or tones, too, one for either."""
    if not example.is_turn:
        yield example
        return
    yield example._replace(label=UNKNOWN, tones=NO_TONES)
    if (example.label, *example.tones) != (UNKNOWN, *NO_TONES):
        yield example._replace(satisfaction=UNKNOWN)


def _single(examples: Iterable[Example]) -> Iterator[Example]:
    """One example for each text, in the order of first sight; texts whose labels contradict each other are left out. Every rated turn
    stays, and service lines differ by a smile as well. Texts of somebody's own that differ by a smile or a mark only contradict nobody:
    each of 好的😊 and 好的😡 has its label."""
    spelt: dict[object, Example | None] = {}
    for number, example in enumerate(examples):
        key: object = identity(example.text)
        if example.is_turn:
            key = number
        elif example.source == SERVICE_LINES:
            key = (SERVICE_LINES, example.text)
        elif example.source not in PUBLIC and example.source not in MADE:
            key = key and (key, _spelling(example.text))
        if key == "":
            continue
        earlier = spelt.setdefault(key, example)
        if earlier is not None and earlier is not example:
            spelt[key] = _merged(earlier, example)
    found: dict[object, list[Example]] = {}
    for key, each in spelt.items():
        if each is not None:
            _add(found.setdefault(key if each.is_turn or each.source == SERVICE_LINES else identity(each.text), []), each)
    yield from chain.from_iterable(found.values())


def _add(alike: list[Example], example: Example) -> None:
    """Put an example to those of its text: into one that it doesn't contradict, or beside them where they are spelt otherwise; where one is
    spelt alike, neither is believed."""
    for at, earlier in enumerate(alike):
        merged = _merged(earlier, example)
        if merged is not None:
            alike[at] = merged
            return
    others = [earlier for earlier in alike if _spelling(earlier.text) != _spelling(example.text)]
    alike[:] = others if len(others) < len(alike) else [*alike, example]


def _spelling(text: str) -> str:
    return " ".join(text.split()).lower()


def _merged(one: Example, other: Example) -> Example | None:
    """What two sets tell of one text; None if they contradict each other."""
    pairs = [
        (one.label, other.label), (one.satisfaction, other.satisfaction), *zip(one.tones, other.tones, strict=True)
    ]  # fmt: skip
    if any(UNKNOWN not in pair and pair[0] != pair[1] for pair in pairs):
        return None
    label, satisfaction, *heard = (max(pair) for pair in pairs)
    return one._replace(label=label, satisfaction=satisfaction, tones=tuple(heard), shop=one.shop or other.shop)
