"""The records that leave a conversation for the topics: sessions, late records, repeats.

Their fields are a contract (DESIGN.md, "Records"): a change bumps `SCHEMA_VERSION` and is tested with golden files.
"""

from __future__ import annotations

from typing import Any, Final

import orjson

from models.scorer import TONES
from udfs.conversation import Conversation
from udfs.events import (
    AGENT,
    CHANNEL,
    FLAGS,
    HITS,
    KIND_MASK,
    MESSAGE_ID,
    OFFSET,
    PARTITION,
    QUEUE,
    SENDER,
    SENT_AT,
    SHOP,
    TEXT,
    URL,
    Flag,
    Kind,
    Row,
    identifier,
    split_key,
)
from udfs.limits import NEVER, Limits
from udfs.measures import Measures
from udfs.wanted import waiting

SCHEMA_VERSION: Final = 1
MAX_EVIDENCE: Final = 50


def session(key: str, measures: Measures, state: Conversation, model_version: str, limits: Limits) -> dict[str, Any]:
    """The final record of a session. Times epoch ms UTC, durations ms, sentiment -1…1."""
    tenant, source, conversation_id = split_key(key)
    shop, queue, channel, url = state.place(measures)
    waited = None
    abandoned = None
    replies = measures.replies
    unanswered = replies.unanswered
    if replies.wait is not None:
        if measures.cut:
            waited = measures.last_at - replies.wait.start
        else:
            waited = measures.last_at + limits.session_gap_ms - replies.wait.start
            # Not by whether somebody spoke: a greeting before the customer's first word answers nothing.
            abandoned = "after_reply" if replies.first_response_ms != NEVER or replies.count else "before_reply"
            unanswered += 1
    first = replies.first_response_ms != NEVER
    return {
        # More of one millisecond than a session may hold make several that opened in it.
        "session_id": identifier("session", key, str(measures.opened_at), *([str(measures.part)] if measures.part else [])),
        "tenant": tenant,
        "source": source,
        "conversation_id": conversation_id,
        "shop": shop or None,
        "queue": queue or None,
        "channel": channel or None,
        "url": url or None,
        "opened_at": measures.opened_at,
        "closed_at": measures.last_at,
        "agents": measures.agents,
        "messages": measures.messages,
        "message_digest": measures.digest,
        "customer_messages": measures.customer_messages,
        "agent_messages": measures.agent_messages,
        "bot_messages": measures.bot_messages,
        "turns": measures.turns.count,
        "exchanges": measures.turns.exchanges,
        "first_response_ms": replies.first_response_ms if first else None,
        "first_response_by": replies.first_response_by if first else None,
        "reply_latencies_ms": replies.latencies,
        "reply_latencies_by": replies.latency_agents,
        "reply_count": replies.count,
        "reply_sum_ms": replies.sum_ms,
        "holding_replies": replies.holding,
        "waits_unanswered": unanswered,
        "open_wait_ms": waited,
        "abandoned": abandoned,
        "resolved": replies.resolved,
        "reopened": measures.reopened,
        "sentiment": sentiment(measures),
        "languages": measures.languages,
        "rules": rules_hit(measures, limits),
        "duplicates": sum(measures.opened_at <= at <= measures.last_at for at in state.repeats),
        "tone": tone(measures),
        "intent": None,
        "keywords": None,
        "satisfaction": None,
        "quality": None,
        "csat": None,
        "profiles": None,
        "model_version": model_version,
        "schema_version": SCHEMA_VERSION,
    }


def tone(measures: Measures) -> dict[str, dict[str, int]] | None:
    """How many messages of the customer, and of agents, have each tone with a probability of a half at least; None where none was told."""
    counts = measures.mood.tones
    if not counts:
        return None
    sides = {"customer": counts[: len(TONES)], "agent": counts[len(TONES) :]}
    return {side: dict(zip(TONES, told, strict=True)) for side, told in sides.items()}


def sentiment(measures: Measures) -> dict[str, Any]:
    """Mean, trajectory and counts of the customer's scored messages; None where there are too few."""
    mood = measures.mood
    scored = len(mood.scores)
    thirds = mood.thirds()
    first, last = thirds if thirds else (None, None)
    return {
        "mean": round(mood.mean(), 4) if scored else None,
        "first_third": None if first is None else round(first, 4),
        "last_third": None if last is None else round(last, 4),
        "shift": None if first is None or last is None else round(last - first, 4),
        "negative": mood.negative,
        "scored": scored,
    }


def rules_hit(measures: Measures, limits: Limits) -> list[dict[str, Any]]:
    """Per rule, in order of its first appearance, the messages at which it hit or that opened its breaches.

    A wait that is open at the end has broken the limits that were due before the session was published.
    """
    found: dict[str, list[str]] = {}
    unanswered = [breach for breach in waiting(measures, limits) if breach.due <= measures.final_at(limits)]
    wait, findings = measures.replies.wait, measures.findings
    abandoned = [] if wait is None or measures.cut else [(rule, wait.opener) for rule in limits.abandonment]
    for rule, message_id in (
        *((hit.rule, hit.message_id) for hit in findings.hits),
        *((breach.rule, breach.opener) for breach in (*findings.breaches, *findings.running, *unanswered)),
        *abandoned,
    ):
        ids = found.setdefault(rule, [])
        if message_id not in ids and len(ids) < MAX_EVIDENCE:
            ids.append(message_id)
    return [{"rule": rule, "message_ids": ids} for rule, ids in found.items()]


def duplicate(key: str, row: Row, topic: str) -> str:
    """A repeat: ids and origin only."""
    tenant, source, conversation_id = split_key(key)
    return orjson.dumps(
        {
            "tenant": tenant,
            "source": source,
            "conversation_id": conversation_id,
            "message_id": row[MESSAGE_ID],
            "kind": Kind(row[FLAGS] & KIND_MASK).name.lower(),
            "sent_at": row[SENT_AT],
            "topic": topic,
            "partition": row[PARTITION],
            "offset": row[OFFSET],
            "schema_version": SCHEMA_VERSION,
        }
    ).decode()


def late(key: str, row: Row, topic: str) -> str:
    """A record that came after its place in the conversation had settled: the masked message and its origin."""
    tenant, source, conversation_id = split_key(key)
    return orjson.dumps(
        {
            "tenant": tenant,
            "source": source,
            "conversation_id": conversation_id,
            "message_id": row[MESSAGE_ID],
            "sent_at": row[SENT_AT],
            "sender": row[SENDER],
            "kind": Kind(row[FLAGS] & KIND_MASK).name.lower(),
            "visibility": "internal" if row[FLAGS] & Flag.INTERNAL else "public",
            "text": row[TEXT],
            "shop": row[SHOP] or None,
            "queue": row[QUEUE] or None,
            "channel": row[CHANNEL] or None,
            "url": row[URL] or None,
            "agent_id": row[AGENT] or None,
            "rules": [rule for rule, _ in row[HITS]],
            "topic": topic,
            "partition": row[PARTITION],
            "offset": row[OFFSET],
            "schema_version": SCHEMA_VERSION,
        }
    ).decode()
