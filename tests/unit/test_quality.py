"""The quality of a session: the published score, and what each category added."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

import pytest

from models.labels import sided
from models.satisfaction import load_satisfaction
from models.scorer import Score
from tests.chat import Chat
from tests.conversing import Talk
from udfs.quality import Category, categories, quality
from udfs.rules import RuleSet

RULES = RuleSet.model_validate(
    {
        "schema_version": 1,
        "rules": [
            {"id": "slow", "kind": "slow_reply", "limit_seconds": 60},
            {"id": "insult", "kind": "phrases", "sender": "agent", "severity": "critical", "phrases": ["闭嘴"]},
            {"id": "complaint", "kind": "phrases", "sender": "customer", "severity": "critical", "phrases": ["投诉"]},
        ],
    }
)


def record(**changes: Any) -> dict[str, Any]:
    told = {
        "rules": [],
        "reply_latencies_ms": [5_000, 60_000, 20_000, 30_000],
        "waits_unanswered": 0,
        "first_response_ms": 5_000,
        "abandoned": None,
    }
    told |= {"customer_messages": 5, "agent_messages": 4} | changes
    return {"reply_count": len(told["reply_latencies_ms"]), **told}


def values(broken_by_agents: Collection[str] = (), **changes: Any) -> dict[str, float]:
    return {each.name: each.value for each in categories(record(**changes), 0.75, RULES, broken_by_agents)}


def test_every_category_is_told_by_the_record() -> None:
    assert values() == {"satisfaction": 75.0, "replies": 100.0, "answered": 100.0, "conduct": 100.0}
    assert values(reply_latencies_ms=[5_000, 60_001, 70_000, 10], waits_unanswered=1)["replies"] == 40.0
    # Latencies are kept up to a bound, and stand for all.
    assert values(reply_latencies_ms=[5_000, 90_000], reply_count=200)["replies"] == 50.0
    assert values(reply_latencies_ms=[], waits_unanswered=2)["replies"] == 0.0
    assert values(abandoned="before_reply")["answered"] == 0.0
    assert values(first_response_ms=None, reply_latencies_ms=[], waits_unanswered=1)["answered"] == 0.0, "marked as resolved, and nobody had answered"
    assert values(first_response_ms=None)["answered"] == 100.0, "a thanks that waited for nothing"
    assert values(["insult"])["conduct"] == 0.0
    # What only a customer may not say is not the agent's conduct, nor is a rule that a former file had.
    assert values(["complaint", "gone"]) == values()


def test_what_no_enabled_rule_looks_at_is_not_told() -> None:
    off = RULES.model_copy(update={"rules": [rule.model_copy(update={"enabled": False}) for rule in RULES.rules]})
    for rules in (off, RULES.model_copy(update={"rules": []})):
        told = {each.name: each.value for each in categories(record(), 0.75, rules, ())}
        assert told == {"satisfaction": 75.0, "answered": 100.0}


def test_a_category_of_which_nothing_is_told_is_left_out() -> None:
    assert [each.name for each in categories(record(agent_messages=0, reply_latencies_ms=[]), None, RULES, ())] == ["answered"]
    assert quality([Category("a", 40, 50.0)]) == {
        "score": 50.0, "failed": [], "contributions": [{"category": "a", "value": 50.0, "points": 50.0, "of": 100.0}],
    }  # fmt: skip


def test_the_contributions_add_up_to_the_weighted_mean() -> None:
    found = quality(categories(record(abandoned="after_reply"), 0.75, RULES, ()))
    assert found["score"] == pytest.approx((40 * 75 + 30 * 100 + 20 * 0 + 10 * 100) / 100)
    assert sum(each["points"] for each in found["contributions"]) == pytest.approx(found["score"])
    assert sum(each["of"] for each in found["contributions"]) == pytest.approx(100)


def test_a_critical_category_below_one_half_makes_the_whole_nothing() -> None:
    found = quality(categories(record(), 1.0, RULES, ["insult"]))
    assert (found["score"], found["failed"]) == (0.0, ["conduct"])
    assert found["contributions"][0]["points"] == 40.0


class Moods:
    """Scores by a word."""

    version = "moods"

    def score(self, texts: list[str]) -> list[Score | None]:
        return [sided(-0.9 if "差" in text else 0.9 if "谢" in text else 0.0, 0.3) for text in texts]


def test_a_closed_session_tells_satisfaction_and_quality() -> None:
    def closed(*lines: tuple[str, str]) -> dict[str, Any]:
        talk = Talk(RULES, scorer=Moods())
        talk.context = replace(talk.context, satisfaction=load_satisfaction("default"))
        start = 1_772_416_800_000
        for at, (sender, text) in enumerate(lines):
            talk.hear(
                {
                    "conversation_id": "c1", "message_id": f"m{at}", "sender": sender, "agent_id": "A",
                    "text": text, "sent_at": start + at * 20_000,
                }
            )  # fmt: skip
        talk.advance(start + 10 * 3_600_000)
        (session,) = talk.sessions
        return session

    good = closed(("customer", "在吗"), ("agent", "在的"), ("customer", "谢谢"), ("agent", "不客气"))
    bad = closed(("customer", "在吗"), ("agent", "在的"), ("customer", "太差了"), ("customer", "真差"))
    assert good["satisfaction"]["score"] > 0.6 > 0.35 > bad["satisfaction"]["score"]
    assert good["quality"]["score"] > 80 > 60 > bad["quality"]["score"]
    assert good["satisfaction"]["model_version"] == "by-hand-1"
    assert set(good["satisfaction"]["probabilities"]) == {"dissatisfied", "neither", "satisfied"}
    told = {each["feature"]: each["value"] for each in bad["satisfaction"]["contributions"]}
    assert told.get("messages", 3.0) == 3.0 and told.get("exchanges", 1.0) == 1.0  # counts, as in the record
    campaign = closed(("agent", "您好"))
    assert (campaign["satisfaction"], campaign["quality"]) == (None, None)


def test_words_that_neither_side_may_use_are_the_conduct_of_who_uses_them() -> None:
    rules = RuleSet.model_validate({
        "schema_version": 1,
        "rules": [{"id": "abuse", "kind": "phrases", "sender": "any", "severity": "critical", "phrases": ["闭嘴"]}],
    })  # fmt: skip

    def conduct(chat: Chat) -> float | None:
        talk = Talk(rules)
        talk.context = replace(talk.context, satisfaction=load_satisfaction("default"))
        (session,) = talk.say(chat.events).sessions
        return next((each["value"] for each in session["quality"]["contributions"] if each["category"] == "conduct"), None)

    assert conduct(Chat().customer(0, "在吗").agent(5, "闭嘴")) == 0.0
    assert conduct(Chat().customer(0, "闭嘴").agent(5, "您好")) == 100.0
