"""The satisfaction of a session: what moves it, how it is kept, and how it is fitted."""

from __future__ import annotations

import gzip
import io
import json
import random
import re
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from models.corpus import DataError
from models.labels import sided
from models.own_data import RowError
from models.satisfaction import FEATURES, SatisfactionModel, features_of, load_satisfaction
from models.satisfaction_training import (
    HELPDESK,
    JDDC,
    course,
    fit_satisfaction,
    helpdesk_dialogues,
    jddc_dialogues,
    judged,
    rated_dialogues,
    read_records,
)
from models.scorer import SATISFACTIONS, ModelError, Score

CONSOLE = Console(file=io.StringIO())


def record(mean: float | None = 0.0, **changes: Any) -> dict[str, Any]:
    """What of a session record is looked at."""
    sentiment = {"mean": mean, "first_third": mean, "last_third": mean, "shift": None, "negative": 0, "scored": 4}
    told = {"sentiment": sentiment, "abandoned": None, "customer_messages": 4, "exchanges": 3}
    return told | {"first_response_ms": 5_000, "reply_count": 3, "waits_unanswered": 0} | changes


class Says:
    """A scorer that takes a text for the number it holds."""

    version = "says"

    def score(self, texts: list[str]) -> list[Score | None]:
        return [sided(float(text), 0.3) if text else None for text in texts]


@pytest.fixture(scope="module")
def shipped() -> SatisfactionModel:
    model = load_satisfaction("default")
    assert model is not None
    return model


def test_a_worse_mood_and_a_wait_at_the_end_lower_the_score(shipped: SatisfactionModel) -> None:
    bad, plain, good = (shipped.rate(features_of(record(mood))).score for mood in (-0.8, 0.0, 0.8))
    assert 0 <= bad < plain - 0.2 < good - 0.4 <= 0.6
    waiting = [
        shipped.rate(features_of(record(0.0, **told))).score
        for told in (
            {},
            {"abandoned": "after_reply", "waits_unanswered": 1},
            {"abandoned": "before_reply", "waits_unanswered": 1, "first_response_ms": None, "reply_count": 0},
        )
    ]
    assert waiting == sorted(waiting, reverse=True) and len(set(waiting)) == 3


def test_a_contribution_is_what_would_be_missing(shipped: SatisfactionModel) -> None:
    values = features_of(record(-0.7))
    found = shipped.rate(values)
    assert found.contributions[0].feature == "last_mood"
    assert abs(found.contributions[0].points) >= abs(found.contributions[-1].points)
    without = shipped.rate(values | {"last_mood": None})
    assert found.score - without.score == pytest.approx(found.contributions[0].points)
    assert sum(found.probabilities) == pytest.approx(1.0)


def test_what_a_session_does_not_tell_is_an_average(shipped: SatisfactionModel) -> None:
    nothing = shipped.rate({})
    assert nothing.contributions == []
    assert nothing.score == shipped.rate(dict(zip(FEATURES, shipped.means, strict=True))).score


def test_the_last_third_is_the_whole_where_messages_are_few() -> None:
    sentiment = {"mean": 0.4, "first_third": None, "last_third": None, "shift": None, "negative": 1, "scored": 2}
    found = features_of(record(0.0, sentiment=sentiment))
    assert (found["last_mood"], found["shift"], found["negative_share"]) == (0.4, None, 0.5)
    empty = {**sentiment, "mean": None, "negative": 0, "scored": 0}
    assert features_of(record(0.0, sentiment=empty))["negative_share"] is None


def test_nobody_answered_also_where_a_session_was_resolved_without_a_word() -> None:
    told = record(first_response_ms=None, reply_count=0, waits_unanswered=1)
    assert features_of(told)["never_answered"] == 1.0
    assert features_of(told | {"reply_count": 1})["never_answered"] == 0.0  # to a wait that went on from the session before
    assert features_of(told | {"waits_unanswered": 0})["never_answered"] == 0.0  # a thanks that waited for nothing


def test_the_file_is_read_as_it_was_written(shipped: SatisfactionModel, tmp_path: Path) -> None:
    shipped.write(tmp_path / "model.json")
    assert SatisfactionModel.read(tmp_path / "model.json") == shipped
    assert load_satisfaction("none") is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 2}, "is no satisfaction model of format 1"),
        ({"features": {}}, "features: exactly mood, last_mood"),
        ({"features": dict.fromkeys(FEATURES, 1)}, r"model\.json, mood: an object with mean, scale and weights is needed"),
        ({"bias": [0, 1]}, "bias: 3 numbers are needed"),
        ({"bias": [0, 1, "a"]}, "bias: .* is no finite number"),
    ],
)
def test_a_file_of_another_kind_is_refused(
    shipped: SatisfactionModel, tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    path = tmp_path / "model.json"
    shipped.write(path)
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | change), "utf-8")
    with pytest.raises(ModelError, match=message):
        load_satisfaction(str(path))
    path.write_text("{", "utf-8")
    with pytest.raises(ModelError, match="cannot read a satisfaction model"):
        load_satisfaction(str(path))


def test_the_public_sets_are_read_as_dialogues(tmp_path: Path) -> None:
    jddc, helpdesk = tmp_path / JDDC, tmp_path / HELPDESK
    jddc.mkdir()
    helpdesk.mkdir()
    rows = [
        "['a|||x', 'b|||']\t[1, 2]\t1",
        "['a|||x', 'b|||y', 'OVERALL|||']\t[1, 2, 3]\t2",
        "['c|||']\t[1]\t0",
    ]
    (jddc / "valid_jddc.txt").write_text("\n".join(rows) + "\n", "utf-8")
    found = list(jddc_dialogues(jddc))
    assert [(each.customer, each.exchanges, each.rating, each.group) for each in found] == [
        (["a", "b"], 1, 1, f"{JDDC} 0"),
        (["a", "b"], 2, 2, f"{JDDC} 0"),
        (["c"], 0, 0, f"{JDDC} 1"),
    ]
    turns = [{"sender": "customer", "utterances": ["a", "b"]}, {"sender": "helpdesk", "utterances": ["x"]}]
    told = [
        {"id": "1", "turns": turns, "quality": {"S": [2, 1, 0]}},
        {"id": "2", "turns": turns[:1], "quality": {"S": [-2, -1, 0]}},
        {"id": "3", "turns": turns, "quality": {"S": [0, 1, 0]}},
    ]
    (helpdesk / "train_cn.json.gz").write_bytes(gzip.compress(json.dumps(told).encode()))
    assert [(each.rating, each.left_waiting, each.exchanges) for each in helpdesk_dialogues(helpdesk)] == [
        (2, False, 1), (0, True, 0), (1, False, 1),
    ]  # fmt: skip


def test_a_dialogue_is_recorded_as_the_job_would() -> None:
    assert course([1.0, 0.0, -1.0]) == {"mean": 0.0, "first_third": 1.0, "last_third": -1.0, "shift": -2.0, "scored": 3}
    assert course([0.5])["shift"] is None
    assert course([])["mean"] is None


def test_fitting_finds_what_ratings_follow(tmp_path: Path) -> None:
    chance = random.Random(4)
    lines = []
    for number in range(400):
        mood = chance.uniform(-1, 1)
        rating = 1 if mood < -0.3 else 5 if mood > 0.3 else 3
        lines.append(json.dumps(record(mood, rating=rating, conversation_id=f"c{number}")))
    path = tmp_path / "rated.jsonl"
    path.write_text("\n".join(lines), "utf-8")
    report = fit_satisfaction([path], Says(), "own", CONSOLE)
    assert report.macro_f1 > 0.85
    assert report.calibration_error < 0.15
    assert judged(report.model, list(read_records(path)))[0] > 0.85
    assert str(report).startswith("400 sessions, 5 parts: macro-F1 0.")
    assert 0.3 < report.shipped_macro_f1 < report.macro_f1  # it has not seen these customers, and has an idea all the same
    assert f"comes with the project: {report.shipped_macro_f1:.3f}" in str(report)
    assert re.fullmatch(r"own@[0-9a-f]{12}", report.model.version)
    path.write_text(lines[0].replace('"rating": ', '"rating": 9'), "utf-8")
    with pytest.raises(RowError, match=r"rated\.jsonl, line 1: rating is 9\d: a whole number from 1 to 5"):
        fit_satisfaction([path], Says(), "own", CONSOLE)
    with pytest.raises(DataError, match="holds no rated sessions: a file of session records"):
        fit_satisfaction([tmp_path], Says(), "own", CONSOLE)
    path.write_text("\n".join(line for line in lines if '"rating": 3' not in line), "utf-8")
    with pytest.raises(DataError, match="no session is rated as neither"):
        fit_satisfaction([path], Says(), "own", CONSOLE)
    path.write_text("\n".join(re.sub(r'"c\d+"', '"c1"', line) for line in lines), "utf-8")
    with pytest.raises(DataError, match="of 1 conversations: at least 5"):
        fit_satisfaction([path], Says(), "own", CONSOLE)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"sentiment": None}, "sentiment is null: an object is needed"),
        ({"sentiment": {}}, "sentiment.mean is missing: session records, one JSON object a line"),
        ({"sentiment": {"mean": "0.5"}}, 'sentiment.mean is "0.5": a number from -2 to 2, or null, is needed'),
        ({"sentiment": {"scored": None}}, "sentiment.scored is null: a whole number, 0 or more, is needed"),
        ({"customer_messages": -1}, "customer_messages is -1: a whole number"),
        ({"exchanges": True}, "exchanges is true: a whole number"),
        ({"abandoned": "later"}, 'abandoned is "later": before_reply, after_reply or null is needed'),
        ({"abandoned": []}, "abandoned is []: before_reply"),
        ({"first_response_ms": -5}, "first_response_ms is -5: a whole number, 0 or more, or null, is needed"),
        ({"rating": None}, "rating is null: a whole number from 1 to 5"),
        ({"rating": True}, "rating is true: a whole number from 1 to 5"),
    ],
)
def test_what_a_session_record_lacks_is_told_with_line_and_field(changes: dict[str, Any], told: str, tmp_path: Path) -> None:
    first = record(0.5, rating=5)
    second = {**first, **changes}
    if changes.get("sentiment"):
        second["sentiment"] = {**first["sentiment"], **changes["sentiment"]}
    path = tmp_path / "rated.jsonl"
    path.write_text(f"{json.dumps(first)}\n\n{json.dumps(second)}\n", "utf-8")
    with pytest.raises(RowError, match=re.escape(f"{path}, line 3: {told}")):
        list(read_records(path))


@pytest.mark.parametrize(("line", "told"), [("{", "no JSON ("), ("[]", "no JSON object: "), ('{"rating": NaN}', "no JSON (")])
def test_a_line_that_is_no_record_is_told(line: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "rated.jsonl"
    path.write_text(line, "utf-8")
    with pytest.raises(RowError, match=re.escape(f"{path}, line 1: {told}")):
        list(read_records(path))


def test_texts_are_scored_once_and_in_their_dialogue(tmp_path: Path) -> None:
    (tmp_path / JDDC).mkdir()
    (tmp_path / JDDC / "valid_jddc.txt").write_text("['-0.9|||x', '0.5|||y', '-0.5|||']\t[0]\t0\n", "utf-8")
    (rated,) = rated_dialogues(list(jddc_dialogues(tmp_path / JDDC)), Says())
    assert rated.features["mood"] == pytest.approx(-0.3)
    assert rated.features["shift"] == pytest.approx(0.4)
    assert rated.features["negative_share"] == pytest.approx(2 / 3)
    assert SATISFACTIONS[rated.rating] == "dissatisfied"


def test_ratings_of_too_few_conversations_are_refused_with_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "rated.jsonl"
    ratings = [5] * 200
    ratings[3], ratings[8] = 1, 3
    lines = [json.dumps(record(0.5, rating=rating, conversation_id=f"c{number}")) for number, rating in enumerate(ratings)]
    path.write_text("\ufeff" + "\n".join(lines), "utf-8")  # as some editors save it
    with pytest.raises(DataError, match=r"too few conversations are rated as dissatisfied: .* rate some more of them"):
        fit_satisfaction([path], Says(), "own", CONSOLE)
