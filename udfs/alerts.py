"""The alert as it is published: one JSON record, the same on Redis and Kafka.

Its id is a hash of the rule, the scope and the message that opened it when it first fired: a replay, a restart or a
reordering finds the same id. Nothing that depends on the moment of processing goes into it but `detected_at`.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from udfs.alarms import News
from udfs.events import SEPARATOR, Rank, identifier, split_key

SCHEMA_VERSION: Final = 1
MAX_DEDUP_KEY: Final = 255
EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)


def alert_record(
    news: News, key: str, url: str, rule: Any, zone: str, model_version: str, clock_ms: int
) -> dict[str, Any]:
    """One change of an alert's status as a record. key: the conversation's, see `udfs.events`; url: where it is read; `rule` is None where the rule
    file no longer has it; zone: of the clock times in the summary; clock_ms: the wall clock, for `detected_at`."""
    want = news.wanted
    tenant, source, conversation_id = split_key(key)
    rule = _same(rule, want.observed)
    kind = rule.kind if rule is not None else "unknown"
    return {
        "alert_id": identifier("alert", want.rule, "conversation", key, news.first_opener),
        "revision": news.revision,
        "dedup_key": dedup_key(want.rule, tenant, source, "conversation", conversation_id),
        "status": "firing" if news.firing else "resolved",
        "severity": news.severity,
        "rule": want.rule,
        "scope": {"type": "conversation", "id": conversation_id},
        "tenant": tenant,
        "source": source,
        "shop": news.shop or None,
        "queue": news.queue or None,
        "agent_id": want.agent or None,
        "conversation_id": conversation_id,
        "url": url or None,
        "summary": summary(news, kind, conversation_id, zone),
        "opened_at": iso(news.opened_at),
        "event_time": iso(news.at),
        "detected_at": iso(clock_ms),
        "resolved_at": None if news.firing else iso(news.at),
        "resolve_reason": news.reason or None,
        "observed": observed(want.observed, kind),
        "threshold": threshold(rule),
        "baseline": None,
        "contributions": contributions(news, kind),
        "evidence": list(want.evidence),
        "model_version": model_version,
        "schema_version": SCHEMA_VERSION,
    }


def dedup_key(rule: str, tenant: str, source: str, scope_type: str, scope_id: str) -> str:
    """rule|tenant|source|scope type|scope id where that is unambiguous and fits into 255 bytes, else its start and a hash.

    An id may hold a bar; without the hash, tenant `a|b` of source `c` would share its key with tenant `a` of `b|c`.
    """
    parts = (rule, tenant, source, scope_type, scope_id)
    readable = "|".join(parts)
    if len(readable.encode()) <= MAX_DEDUP_KEY and not any("|" in part for part in parts):
        return readable
    digest = hashlib.sha256(SEPARATOR.join(parts).encode()).hexdigest()[:32]
    prefix = readable.encode()[: MAX_DEDUP_KEY - len(digest) - 1].decode(errors="ignore")
    return f"{prefix}|{digest}"


def iso(at: int) -> str:
    """Epoch ms as ISO-8601 in UTC with milliseconds and Z."""
    return (EPOCH + timedelta(milliseconds=at)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def local_time(at: int, zone: str) -> str:
    """Epoch ms as a clock time in the queue's zone with its offset: `10:00 +08:00`."""
    there = (EPOCH + timedelta(milliseconds=at)).astimezone(_zone(zone))
    offset = there.strftime("%z")
    return f"{there:%H:%M} {offset[:3]}:{offset[3:5]}"


def duration(ms: int) -> str:
    """A duration as people say it: `45 s`, `2 min 5 s`, `1 h 3 min`."""
    seconds = max(0, round(ms / 1_000))
    if seconds < 60:
        return f"{seconds} s"
    minutes, seconds = divmod(seconds, 60)
    if minutes < 60:
        return f"{minutes} min {seconds} s" if seconds else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def _same(rule: Any, value: int | float | str) -> Any:
    """The rule, or None where the file gives its name to one that measures something else now."""
    known = rule is None or not value or rule.kind in _MEASURED[type(value)]  # 0: there is nothing left to measure
    return rule if known else None


def observed(value: int | float | str, kind: str) -> dict[str, Any]:
    """The measured value with its unit."""
    if isinstance(value, str):
        return {"value": value, "unit": "phrase"}
    if isinstance(value, float):
        return {"value": value, "unit": "points"}
    unit = "messages" if kind in ("monologue", "negative_streak") else "ms"
    return {"value": value, "unit": unit}


def threshold(rule: Any) -> dict[str, Any] | None:
    """The rule's limit with its unit; None for rules that have none."""
    if rule is None:
        return None
    if rule.kind in ("slow_reply", "silence"):
        return {"value": round(rule.limit_seconds * 1_000), "unit": "ms"}
    if rule.kind in ("monologue", "negative_streak"):
        return {"value": rule.count, "unit": "messages"}
    if rule.kind == "sentiment_shift":
        return {"value": -rule.drop, "unit": "points"}
    return None


def contributions(news: News, kind: str) -> list[dict[str, Any]]:
    """What led to the alert: the messages, each with the rule and what was seen there."""
    want = news.wanted
    value = observed(want.observed, kind)
    return [
        {"rule": want.rule, "message_id": message_id, **({"seen": value} if message_id == want.opener else {})}
        for message_id in want.evidence
    ]


def summary(news: News, kind: str, conversation_id: str, zone: str) -> str:
    """One sentence for a supervisor; every clock time in it is the queue's."""
    want = news.wanted
    where = " / ".join(part for part in (news.shop, news.queue) if part)
    who = f"Conversation {conversation_id}" + (f" ({where})" if where else "")
    since = local_time(want.at, zone)
    agent = want.agent or "an agent"
    answered = bool(want.agent) or want.session.human_spoke
    last = f"{agent} spoke last for the shop" if answered else "nobody has answered yet"
    answering = agent if answered else "nobody"
    if not news.firing:
        return f"{who}: {_TITLES.get(kind, want.rule)} is over: {_REASONS.get(news.reason, news.reason)}."
    value = want.observed
    if kind == "slow_reply":
        return f"{who}: the customer has waited {duration(int(value))} for a reply since {since}; {last}."
    if kind == "silence":
        return f"{who}: silence for {duration(int(value))} since the customer's last line at {since}; {last}."
    if kind == "abandonment":
        return f"{who}: ended unanswered; the customer had written at {since} and waited {duration(int(value))}."
    if kind == "monologue":
        return f"{who}: {value} message{'' if value == 1 else 's'} of the shop in a row by {since}, the customer none; {agent} wrote the last."
    if kind == "negative_streak":
        return f"{who}: {value} negative message{'' if value == 1 else 's'} in a row from the customer by {since}; {answering} is answering."
    if kind == "sentiment_shift":
        return f"{who}: the customer's mood has fallen by {-float(value):.2f} points by {since}; {answering} is answering."
    if kind == "phrases":
        return f"{who}: {_speaker(news)} wrote “{value}” at {since}."
    return f"{who}: rule {want.rule} since {since}."


_MEASURED: Final[dict[type, frozenset[str]]] = {
    int: frozenset({"slow_reply", "silence", "abandonment", "monologue", "negative_streak"}),
    float: frozenset({"sentiment_shift"}),
    str: frozenset({"phrases"}),
}
_SPEAKERS = {int(Rank.CUSTOMER): "the customer", int(Rank.AGENT): "an agent", int(Rank.BOT): "an agent by a bot's draft"}
_TITLES = {
    "slow_reply": "the long wait",
    "silence": "the silence",
    "abandonment": "the abandoned conversation",
    "monologue": "the agent's monologue",
    "negative_streak": "the run of negative messages",
    "sentiment_shift": "the fall of the customer's mood",
    "phrases": "the alert on wording",
}
_REASONS = {
    "answered": "an agent has answered",
    "resolved": "the conversation was marked as resolved",
    "merged": "the conversation was merged into another",
    "customer_spoke": "the customer has spoken",
    "mood_changed": "the customer's mood has changed",
    "session_closed": "the session is closed",
    "corrected": "what arrived later, or a change of the rule, shows that it was not so",
}


def _speaker(news: News) -> str:
    want = news.wanted
    if want.agent:
        return f"agent {want.agent}"
    return _SPEAKERS.get(want.rank, "somebody")


@lru_cache(maxsize=64)
def _zone(name: str) -> tzinfo:
    return ZoneInfo(name)
