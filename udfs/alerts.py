"""The alert as it is published: one JSON record, the same on Redis and Kafka.

Its id is a hash of the rule, the scope and the message that opened it when it first fired: a replay, a restart or a
reordering finds the same id. Nothing that depends on the moment of processing goes into it but `detected_at`.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any, Final

from udfs.events import SEPARATOR, identifier, split_key
from udfs.news import News
from udfs.rules import UNITS
from udfs.summaries import EPOCH, summary
from udfs.wanted import Wanted

SCHEMA_VERSION: Final = 1
MAX_DEDUP_KEY: Final = 255


def alert_record(
    news: News, key: str, url: str, rule: Any, zone: str, model_version: str, clock_ms: int
) -> dict[str, Any]:
    """One change of an alert's status as a record. key: the conversation's, see `udfs.events`; url: where it is read; `rule` is None where the rule
    file no longer has it; zone: of the clock times in the summary; clock_ms: the wall clock, for `detected_at`."""
    want = news.wanted
    tenant, source, conversation_id = split_key(key)
    kind = want.kind or (rule.kind if rule is not None else "unknown")
    unit = UNITS.get(kind, "ms")
    if rule is not None and rule.kind != kind:  # another one has its name now
        rule = None
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
        "about": (rule.about if rule is not None else "") or None,
        "opened_at": iso(news.opened_at),
        "event_time": iso(news.at),
        "detected_at": iso(clock_ms),
        "resolved_at": None if news.firing else iso(news.at),
        "resolve_reason": news.reason or None,
        "observed": {"value": want.observed, "unit": unit},
        "threshold": threshold(rule),
        "baseline": None,
        "contributions": contributions(want, unit),
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


def threshold(rule: Any) -> dict[str, Any] | None:
    """The rule's limit with its unit; None for rules that have none."""
    if rule is None or rule.threshold is None:
        return None
    return {"value": rule.threshold, "unit": rule.unit}


def contributions(want: Wanted, unit: str) -> list[dict[str, Any]]:
    """What led to the alert: the messages, each with the rule, and at the opener what was seen."""
    seen = {} if want.observed is None else {"seen": {"value": want.observed, "unit": unit}}
    return [
        {"rule": want.rule, "message_id": message_id, **(seen if message_id == want.opener else {})}
        for message_id in want.evidence
    ]
