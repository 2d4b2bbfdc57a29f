"""A builder for the events of a test conversation.

A test should read like the conversation that it is about: who said what after how many seconds. Everything that the
rule under test does not depend on is filled in here, in the canonical form that the decoder produces.
"""

from __future__ import annotations

from typing import Any

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

T0 = 1_772_416_800_000
"""2026-03-02T02:00:00Z, a Monday, 10:00 in Shanghai. Epoch milliseconds."""

Event = dict[str, Any]


class Chat:
    """One conversation, written line by line; every method returns the chat, so that calls chain.

    Seconds count from `start_ms` and may be fractions (rounded to the millisecond) or negative. Ids are m1, m2, … in
    the order written. Keyword arguments become fields of the event and win over what is filled in: `message_id="m1"`
    on the third line makes it a repeat, `sent_at=…` sets an absolute time.
    """

    def __init__(
        self,
        start_ms: int = T0,
        conversation: str = "c1",
        tenant: str = "t1",
        source: str = "default",
    ) -> None:
        self.start_ms = start_ms
        self.conversation = conversation
        self.tenant = tenant
        self.source = source
        self.events: list[Event] = []

    def customer(self, seconds: float, text: str = "", **fields: Any) -> Chat:
        """The customer writes."""
        return self._write(seconds, sender="customer", text=text, **fields)

    def agent(self, seconds: float, text: str = "", agent_id: str | None = "A", **fields: Any) -> Chat:
        """A human agent writes to the customer; `agent_id=None` leaves the field out."""
        identity = {} if agent_id is None else {"agent_id": agent_id}
        return self._write(seconds, sender="agent", text=text, **{**identity, **fields})

    def bot(self, seconds: float, text: str = "", bot_mode: str = "auto", **fields: Any) -> Chat:
        """A bot writes: `auto` by itself, `assist` sent by a person, `preset` a canned greeting."""
        return self._write(seconds, sender="bot", bot_mode=bot_mode, text=text, **fields)

    def system(self, seconds: float, text: str = "", **fields: Any) -> Chat:
        """A line of the system, such as "an agent has joined"."""
        return self._write(seconds, sender="system", text=text, **fields)

    def note(self, seconds: float, text: str = "", agent_id: str = "A", **fields: Any) -> Chat:
        """An agent's internal note, which the customer never sees."""
        return self.agent(seconds, text, agent_id, **{"visibility": "internal", **fields})

    def event(self, seconds: float, kind: str, **fields: Any) -> Chat:
        """Something other than a new message: `resolve`, `reopen`, `edit`, …; from the system by default."""
        return self._write(seconds, kind=kind, **{"sender": "system", "text": "", **fields})

    def _write(self, seconds: float, **fields: Any) -> Chat:
        self.events.append(
            {
                "tenant": self.tenant,
                "source": self.source,
                "conversation_id": self.conversation,
                "message_id": f"m{len(self.events) + 1}",
                "sent_at": self.start_ms + round(seconds * SECOND),
                "kind": "message",
                "visibility": "public",
                **fields,
            }
        )
        return self
