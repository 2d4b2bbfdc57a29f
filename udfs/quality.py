"""How good a session was: the customer's likely satisfaction, and the quality score with what each category added.

Quality is the published internal quality score (Zendesk QA's IQS): the weighted mean of categories on 0…100, and 0 where a
critical category is below one half. A category of which a session tells nothing is left out.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any, Final, NamedTuple

from models.satisfaction import LOGARITHMS, Contribution, SatisfactionModel, features_of, never_answered
from models.scorer import SATISFACTIONS
from udfs.rules import Phrases, RuleSet, SlowReply

SHOWN: Final = 4
CRITICAL_BELOW: Final = 50.0


class Category(NamedTuple):
    """One part of the quality score; `value` 0…100."""

    name: str
    weight: float
    value: float
    critical: bool = False


def rated(
    record: Mapping[str, Any], model: SatisfactionModel, rules: RuleSet, broken_by_agents: Collection[str]
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
                {"feature": each.feature, "value": round(_shown(each), 4), "points": round(each.points, 4)}
                for each in found.contributions[:SHOWN]
            ],
            "model_version": model.version,
        }
    return {"satisfaction": satisfaction, "quality": quality(categories(record, score, rules, broken_by_agents))}


def _shown(contribution: Contribution) -> float:
    """A feature's value as people read it: a count, not its logarithm."""
    return math.expm1(contribution.value) if contribution.feature in LOGARITHMS else contribution.value


def categories(
    record: Mapping[str, Any], satisfaction: float | None, rules: RuleSet, broken_by_agents: Collection[str]
) -> list[Category]:
    """A session's categories, from its record.

    satisfaction: as rated; replies: the share of waits that were answered within the shortest limit of a slow-reply rule;
    answered: whether anybody answered, and the last message as well; conduct (critical): whether an agent's words broke a rule of severity
    critical. What the session, or no enabled rule, tells anything of is left out.
    """
    enabled = [rule for rule in rules.rules if rule.enabled]
    limits = [rule.limit_seconds * 1_000 for rule in enabled if isinstance(rule, SlowReply)]
    insults = {
        rule.id
        for rule in enabled
        if isinstance(rule, Phrases) and rule.sender in ("agent", "any") and rule.severity == "critical"
    }
    told = [Category("satisfaction", 40, 100 * satisfaction)] if satisfaction is not None else []
    in_time = _answered_in_time(record, min(limits)) if limits else None
    if in_time is not None:
        told.append(Category("replies", 30, in_time))
    told.append(Category("answered", 20, 0.0 if record["abandoned"] or never_answered(record) else 100.0))
    if insults and record["agent_messages"]:
        told.append(Category("conduct", 10, 100.0 if insults.isdisjoint(broken_by_agents) else 0.0, critical=True))
    return told


def _answered_in_time(record: Mapping[str, Any], limit_ms: float) -> float | None:
    """Per cent of the session's waits; None where nobody waited. A wait without an answer is not in time."""
    latencies = record["reply_latencies_ms"]  # bounded; reply_count tells how many there were
    replies, unanswered = record["reply_count"], record["waits_unanswered"]
    if not replies + unanswered:
        return None
    in_time: float = replies * sum(each <= limit_ms for each in latencies) / len(latencies) if latencies else 0.0
    share: float = in_time / (replies + unanswered)
    return 100 * share


def quality(found: list[Category]) -> dict[str, Any]:
    """The score, 0…100, and what each category added."""
    total = sum(each.weight for each in found)
    failed = [each.name for each in found if each.critical and each.value < CRITICAL_BELOW]
    score = sum(each.weight * each.value for each in found) / total
    return {
        "score": 0.0 if failed else round(score, 1),
        "failed": failed,
        "contributions": [
            {
                "category": each.name,
                "value": round(each.value, 1),
                "points": round(each.weight * each.value / total, 1),
                "of": round(100 * each.weight / total, 1),
            }
            for each in found
        ],
    }
