"""Fit the satisfaction model: rated dialogues or session records in, a JSON file and figures out."""

from __future__ import annotations

import gzip
import hashlib
import json
import statistics
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from rich.console import Console
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from models.calibration import calibration_error
from models.corpus import DataError
from models.evaluate import macro_f1
from models.own_data import RowError
from models.satisfaction import FEATURES, SatisfactionModel, features_of, load_satisfaction
from models.scorer import SATISFACTIONS, Scorer
from models.sets import jddc_rows

PARTS = 5
STRENGTH = 1.0
JDDC, HELPDESK = "uss_jddc_satisfaction", "stc3_weibo_helpdesk"
HELPDESK_SIDE = 0.5
"""A mean rating of -2…2 that is beyond this on either side takes a side."""

NEEDED = "session records, one JSON object a line as on the topic, are needed"
MEANS = ("sentiment.mean", "sentiment.last_third", "sentiment.shift")
COUNTS = ("sentiment.scored", "sentiment.negative", "customer_messages", "exchanges", "reply_count", "waits_unanswered")
FIRST_RESPONSE = "first_response_ms"
ABANDONED = "abandoned"
ABANDONMENTS = (None, "before_reply", "after_reply")


class Rated(NamedTuple):
    """The features of a session, how it was rated (an index of SATISFACTIONS), and what it must not be separated from."""

    features: dict[str, float | None]
    rating: int
    group: str


class Dialogue(NamedTuple):
    """The customer's texts, the number of answers, whether the customer had the last word, the rating, the group."""

    customer: list[str]
    exchanges: int
    left_waiting: bool
    rating: int
    group: str


@dataclass(frozen=True, slots=True)
class SatisfactionReport:
    """What came out, by cross-validation in which a dialogue is on one side: on all, and by the name of the data; and what the model
    that comes with the project, which has seen none of it, comes to."""

    model: SatisfactionModel
    sessions: int
    macro_f1: float
    calibration_error: float
    by_source: dict[str, float]
    shipped_macro_f1: float
    shipped_calibration_error: float

    def __str__(self) -> str:
        each = ", ".join(f"{name} {value:.3f}" for name, value in self.by_source.items())
        return (
            f"{self.sessions:,} sessions, {PARTS} parts: macro-F1 {self.macro_f1:.3f} ({each}), "
            f"calibration error {self.calibration_error:.3f}; the model that comes with the project: {self.shipped_macro_f1:.3f} and "
            f"{self.shipped_calibration_error:.3f}"
        )


def fit_satisfaction(data: Sequence[Path], scorer: Scorer, version: str, console: Console) -> SatisfactionReport:
    """Fit on every known folder in `data` and every JSON lines file of session records with a `rating` of 1 to 5.

    Raises DataError where there is nothing to fit on, RowError for a line that can't be used.
    """
    by_source: dict[str, list[Rated]] = {}
    for path in data:
        found = list(_found(path, scorer, console))
        if not found:
            raise DataError(
                f"{path} holds no rated sessions: a file of session records with a field rating is needed, or a folder with "
                f"{JDDC} or {HELPDESK}"
            )
        for name, rated in found:
            by_source.setdefault(name, []).extend(rated)
    every = [rated for part in by_source.values() for rated in part]
    missing = [name for at, name in enumerate(SATISFACTIONS) if all(rated.rating != at for rated in every)]
    if missing:
        raise DataError(f"no session is rated as {missing[0]}: ratings of 1 or 2, of 3, and of 4 or 5 are needed")
    conversations = len({rated.group for rated in every})
    if conversations < PARTS:
        raise DataError(f"the sessions are of {conversations} conversations: at least {PARTS} are needed")
    means, scales = _spread(every)
    table = [[_filled(rated.features, at, means) for at in range(len(FEATURES))] for rated in every]
    ratings = [rated.rating for rated in every]
    folds = list(GroupKFold(PARTS).split(table, ratings, [rated.group for rated in every]))
    for rest, _ in folds:
        lacking = set(range(len(SATISFACTIONS))) - {ratings[at] for at in rest}
        if lacking:
            raise DataError(
                f"too few conversations are rated as {SATISFACTIONS[min(lacking)]}: without a fifth of all, none is left to learn from; "
                "rate some more of them"
            )
    make = make_pipeline(StandardScaler(), LogisticRegression(C=STRENGTH, max_iter=500))
    probabilities = cross_val_predict(make, table, ratings, cv=folds, method="predict_proba")
    answered = probabilities.argmax(axis=1).tolist()
    make.fit(table, ratings)
    regression = make[-1]
    model = SatisfactionModel(
        f"{version}@{_digest(ratings, table)}",
        means,
        scales,
        tuple(map(tuple, regression.coef_.tolist())),
        tuple(regression.intercept_.tolist()),
    )
    figures, at = {}, 0
    for name, part in by_source.items():
        figures[name] = macro_f1(ratings[at : at + len(part)], answered[at : at + len(part)])
        at += len(part)
    right = [a == b for a, b in zip(ratings, answered, strict=True)]
    error = calibration_error(probabilities.max(axis=1).tolist(), right)
    shipped = load_satisfaction("default")
    assert shipped is not None
    return SatisfactionReport(model, len(every), macro_f1(ratings, answered), error, figures, *judged(shipped, every))


def _digest(ratings: Sequence[int], table: Sequence[Sequence[float]]) -> str:
    """A name for what was fitted on, so that two models of one file name can be told apart."""
    return hashlib.sha256(json.dumps([ratings, table]).encode()).hexdigest()[:12]


def judged(model: SatisfactionModel, rated: Sequence[Rated]) -> tuple[float, float]:
    """Macro-F1 of a model's likeliest outcomes, and its calibration error."""
    probabilities = [model.rate(each.features).probabilities for each in rated]
    ratings, answered = [each.rating for each in rated], [each.index(max(each)) for each in probabilities]
    right = [a == b for a, b in zip(ratings, answered, strict=True)]
    return macro_f1(ratings, answered), calibration_error([max(each) for each in probabilities], right)


def _found(path: Path, scorer: Scorer, console: Console) -> Iterator[tuple[str, list[Rated]]]:
    if path.is_file():
        yield path.stem, list(read_records(path))
    for name, read in ((JDDC, jddc_dialogues), (HELPDESK, helpdesk_dialogues)):
        if (path / name).is_dir():
            dialogues = list(read(path / name))
            console.print(f"{name}: {len(dialogues):,} rated dialogues")
            yield name, rated_dialogues(dialogues, scorer)


def rated_dialogues(dialogues: Sequence[Dialogue], scorer: Scorer) -> list[Rated]:
    """Dialogues as the job would have recorded them, with the sentiment of the customer's messages."""
    texts = list(dict.fromkeys(text for dialogue in dialogues for text in dialogue.customer))
    known = dict(zip(texts, scorer.score(texts), strict=True))
    found = []
    for dialogue in dialogues:
        scores = [score for text in dialogue.customer if (score := known[text]) is not None]
        sentiment = course([score.score for score in scores])
        sentiment["negative"] = sum(score.label == "negative" for score in scores)
        record = {
            "sentiment": sentiment,
            "abandoned": ("after_reply" if dialogue.exchanges else "before_reply") if dialogue.left_waiting else None,
            "customer_messages": len(dialogue.customer),
            "exchanges": dialogue.exchanges,
            "first_response_ms": 0 if dialogue.exchanges else None,  # whether, not how long after
            "reply_count": dialogue.exchanges,
            "waits_unanswered": int(dialogue.left_waiting),
        }
        found.append(Rated(features_of(record), dialogue.rating, dialogue.group))
    return found


def course(scores: Sequence[float]) -> dict[str, Any]:
    """Mean, first and last third and their difference, as a session record tells them."""
    third = len(scores) // 3
    first = statistics.fmean(scores[:third]) if third else None
    last = statistics.fmean(scores[-third:]) if third else None
    return {
        "mean": statistics.fmean(scores) if scores else None,
        "first_third": first,
        "last_third": last,
        "shift": None if first is None or last is None else last - first,
        "scored": len(scores),
    }


def jddc_dialogues(folder: Path) -> Iterator[Dialogue]:
    """USS on JDDC: each row is a dialogue up to a customer's turn, rated 0 to 2; the turn `OVERALL` rates the whole."""
    for row in jddc_rows(folder):
        customer = [text for text, _ in row.turns if text.strip()]
        answers = sum(bool(agent.strip()) for _, agent in row.turns)
        yield Dialogue(customer, answers, False, row.rating, f"{JDDC} {row.dialogue}")


def helpdesk_dialogues(folder: Path) -> Iterator[Dialogue]:
    """STC-3 / DialEval: dialogues with a help desk on Weibo, each rated by nineteen people."""
    with gzip.open(folder / "train_cn.json.gz", "rt", encoding="utf-8") as file:
        for told in json.load(file):
            turns = told["turns"]
            mean = statistics.fmean(told["quality"]["S"])
            rating = 0 if mean < -HELPDESK_SIDE else 2 if mean > HELPDESK_SIDE else 1
            customer = [text for turn in turns if turn["sender"] == "customer" for text in turn["utterances"]]
            answers = sum(turn["sender"] != "customer" for turn in turns)
            yield Dialogue(customer, answers, turns[-1]["sender"] == "customer", rating, f"{HELPDESK} {told['id']}")


def read_records(path: Path) -> Iterator[Rated]:
    """Session records as they are on the topic, with a `rating` of 1 to 5. Raises RowError at the first that can't be used."""
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            where = f"{path}, line {number}"
            try:
                record = orjson.loads(line.removeprefix(BOM_UTF8) if number == 1 else line)
            except orjson.JSONDecodeError as error:
                raise RowError(f"{where}: no JSON ({error}): {NEEDED}") from error
            _check_fields(record, where)
            rating = record.get("rating")
            if isinstance(rating, bool) or rating not in (1, 2, 3, 4, 5):
                raise RowError(f"{where}: rating is {json.dumps(rating)}: a whole number from 1 to 5 is needed")
            yield Rated(
                features_of(record), 0 if rating <= 2 else 1 if rating == 3 else 2, str(record.get("conversation_id", number))
            )


def _check_fields(record: Any, where: str) -> None:
    """Raise RowError, naming the field, where a record lacks what `features_of` reads."""
    if not isinstance(record, dict):
        raise RowError(f"{where}: no JSON object: {NEEDED}")
    sentiment = record.get("sentiment")
    if not isinstance(sentiment, dict):
        raise RowError(f"{where}: sentiment is {json.dumps(sentiment)}: an object is needed; {NEEDED}")
    fields = {**{f"sentiment.{name}": value for name, value in sentiment.items()}, **record}
    for name in (*MEANS, *COUNTS, FIRST_RESPONSE, ABANDONED):
        if name not in fields:
            raise RowError(f"{where}: {name} is missing: {NEEDED}")
    for names, usual, needed in (
        (MEANS, _is_mean, "a number from -2 to 2, or null,"),
        (COUNTS, _is_count, "a whole number, 0 or more,"),
        ((FIRST_RESPONSE,), lambda value: value is None or _is_count(value), "a whole number, 0 or more, or null,"),
        ((ABANDONED,), ABANDONMENTS.__contains__, "before_reply, after_reply or null"),
    ):
        for name in names:
            if not usual(fields[name]):
                raise RowError(f"{where}: {name} is {json.dumps(fields[name])}: {needed} is needed")


def _is_mean(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool) and -2 <= value <= 2)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _spread(every: Sequence[Rated]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each feature over the sessions that tell it, once the unknown are average ones."""
    means, scales = [], []
    for name in FEATURES:
        told = [value for rated in every if (value := rated.features[name]) is not None]
        mean = statistics.fmean(told) if told else 0.0
        filled = told + [mean] * (len(every) - len(told))
        means.append(mean)
        scales.append(statistics.pstdev(filled) or 1.0)
    return tuple(means), tuple(scales)


def _filled(features: Mapping[str, float | None], at: int, means: Sequence[float]) -> float:
    value = features[FEATURES[at]]
    return means[at] if value is None else value
