"""How good a session was: the customer's likely satisfaction, and the quality score with what each category added.

Quality is the published internal quality score (Zendesk QA's IQS): the weighted mean of categories on 0…100, and 0 where a
critical category is below one half. A category of which a session tells nothing is left out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final, NamedTuple

from models.satisfaction import SatisfactionModel, features_of
from models.scorer import SATISFACTIONS
from udfs.rules import Phrases, RuleSet, SlowReply

SHOWN: Final = 4
CRITICAL_BELOW: Final = 50.0


class Category(NamedTuple):
    """One part of the quality score; `value` 0…100, None where the session tells nothing of it."""

    name: str
    weight: float
    value: float | None
    critical: bool = False


def rated(
    record: Mapping[str, Any], model: SatisfactionModel, rules: RuleSet, broken_by_agents: Collection[str] = ()
) -> dict[str, Any]:
    """The fields `satisfaction` and `quality` of a session record. broken_by_agents: the rules that words of the shop's have broken."""
    satisfaction = None
    score = None
    if not record["customer_messages"]:
        return {"satisfaction": None, "quality": None}  # a campaign's line is no service that could be good or bad
    # Without a scored message the numbers beside it would rate a customer who said nothing.
    if record["sentiment"]["scored"]:
        found = model.rate(features_of(record))
        score = found.score
        satisfaction = {
            "score": round(found.score, 4),
            "probabilities": {name: round(probability, 4) for name, probability in zip(SATISFACTIONS, found.probabilities, strict=True)},
            "contributions": [
                {"feature": each.feature, "value": round(each.value, 4), "points": round(each.points, 4)}
                for each in found.contributions[:SHOWN]
            ],
            "model_version": model.version,
        }
    return {"satisfaction": satisfaction, "quality": quality(categories(record, score, rules, broken_by_agents))}


def categories(
    record: Mapping[str, Any], satisfaction: float | None, rules: RuleSet, broken_by_agents: Collection[str] = ()
) -> list[Category]:
    """A session's categories, from its record.

    satisfaction: as rated; replies: the share of waits that were answered within the shortest limit of a slow-reply rule;
    answered: whether anybody answered, and the last message as well; conduct (critical): whether an agent's words broke a rule of severity
    critical. What no enabled rule looks at is not told.
    """
    enabled = [rule for rule in rules.rules if rule.enabled]
    limits = [rule.limit_seconds * 1_000 for rule in enabled if isinstance(rule, SlowReply)]
    insults = {
        rule.id: rule.sender
        for rule in enabled
        if isinstance(rule, Phrases) and rule.sender in ("agent", "any") and rule.severity == "critical"
    }
    # The record doesn't tell whose words have broken a rule for both sides.
    insulted = any(
        insults.get(hit["rule"]) == "agent" or (hit["rule"] in insults and hit["rule"] in broken_by_agents) for hit in record["rules"]
    )
    conduct = (0.0 if insulted else 100.0) if insults and record["agent_messages"] else None
    return [
        Category("satisfaction", 40, None if satisfaction is None else 100 * satisfaction),
        Category("replies", 30, _answered_in_time(record, min(limits)) if limits else None),
        Category("answered", 20, 0.0 if record["abandoned"] or _never_answered(record) else 100.0),
        Category("conduct", 10, conduct, critical=True),
    ]


def _never_answered(record: Mapping[str, Any]) -> bool:
    return record["first_response_ms"] is None and record["waits_unanswered"] > 0


def _answered_in_time(record: Mapping[str, Any], limit_ms: float) -> float | None:
    """Per cent of the session's waits; None where nobody waited. A wait without an answer is not in time."""
    latencies = record["reply_latencies_ms"]  # bounded; reply_count tells how many there were
    replies, unanswered = record["reply_count"], record["waits_unanswered"]
    if not replies + unanswered:
        return None
    in_time: float = replies * sum(each <= limit_ms for each in latencies) / len(latencies) if latencies else 0.0
    share: float = in_time / (replies + unanswered)
    return 100 * share


def quality(found: list[Category]) -> dict[str, Any] | None:
    """The score, 0…100, and what each category added; None where no category is told."""
    told = [each for each in found if each.value is not None]
    if not told:
        return None
    total = sum(each.weight for each in told)
    failed = [each.name for each in told if each.critical and (each.value or 0.0) < CRITICAL_BELOW]
    score = sum(each.weight * (each.value or 0.0) for each in told) / total
    return {
        "score": 0.0 if failed else round(score, 1),
        "failed": failed,
        "contributions": [
            {
                "category": each.name,
                "value": round(each.value or 0.0, 1),
                "points": round(each.weight * (each.value or 0.0) / total, 1),
                "of": round(100 * each.weight / total, 1),
            }
            for each in told
        ],
    }
