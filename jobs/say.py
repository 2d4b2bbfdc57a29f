"""One live message by hand: `replywatch say CONVERSATION customer "人呢？"`."""

from __future__ import annotations

import time
import uuid
from typing import Any

from jobs.produce import EventProducer, packed
from jobs.settings import Settings
from udfs.parsing import parse


def say(
    settings: Settings, conversation: str, sender: str, text: str, agent: str | None = None, kind: str = "message"
) -> dict[str, Any]:
    """Put one event on the live topic, written now; returns it. Raises `udfs.parsing.Refused` for what the job would refuse."""
    now_ms = time.time_ns() // 1_000_000
    event: dict[str, Any] = {
        "source": "say",
        "message_id": f"say-{uuid.uuid4().hex[:12]}",
        "conversation_id": conversation,
        "sent_at": now_ms,
        "sender": sender,
        "kind": kind,
        "text": text,
    }
    if sender == "agent":
        event["agent_id"] = agent or "you"
    parse(packed(event), now_ms, settings.time_limits())
    producer = EventProducer(settings, settings.topic("messages"))
    producer.send(event, now_ms)
    producer.flush()
    return event
