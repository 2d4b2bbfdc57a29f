"""Who talks in one simulated conversation: the customer, the bot and the agent, their clocks and their tempers.

Every method that says something moves the conversation's clock and builds one record. What is going wrong at that
instant has its effect here: who is silent, slow or rude is so in whatever the conversation is about.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any, Final

from udfs.incidents import (
    AGENT_SILENT,
    ANGRY_CUSTOMERS,
    PROMOTION_FLOOD,
    QUEUE_SLOW,
    RUDE_AGENT,
    Incident,
    IncidentSchedule,
)
from udfs.simulate_script import Script, Topic, pick, slots, typo
from udfs.simulate_settings import SimulationSettings

Event = dict[str, Any]

LONGEST_DELAY_MS: Final = 1_200_000
"""No reply takes longer, whatever the distribution says: incidents are planned only so far ahead."""

SLOW_FACTOR: Final = 5.0  # a slow queue
SLOW_AT_LEAST_MS: Final = 75_000  # over the usual limit of a minute
FLOOD_FACTOR: Final = 1.8  # the agents of a shop with a flood
AFTER_BOT_FACTOR: Final = 0.5  # who is handed over has an agent who was free
NIGHT_BUSYNESS: Final = 0.1
HELD_BACK_MS: Final = 120_000
"""A reply that a silent agent held back is an effect of the incident if the customer waited that long."""

CHANNELS: Final = ("app", "web", "wechat", "whatsapp")


@dataclass(frozen=True, slots=True)
class Desk:
    """Where a conversation takes place: a queue of a shop and who works there at that hour."""

    shop: str
    queue: str
    on_duty: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Returning:
    """A closed conversation whose customer may come back."""

    conversation_id: str
    messages: int
    customer_id: str
    language: str
    shop: str
    queue: str
    closed_ms: int


class People:
    """The people of one conversation and its state; what they talk about is the conversation's business."""

    __slots__ = tuple(
        "desk id _after_bot _agent _angry _asked_ms _busyness _common _count _desks _gone _insulted _last_asked _now"
        " _returning _rng _schedule _script _settings _silenced _slots _topic".split()
    )

    def __init__(
        self,
        settings: SimulationSettings,
        rng: random.Random,
        schedule: IncidentSchedule,
        script: Script,
        topic: Topic,
        desks: tuple[Desk, ...],
        desk: Desk,
        conversation_id: str,
        start_ms: int,
        busyness: float,
        cause: Incident | None = None,
        returning: Returning | None = None,
    ) -> None:
        """`desks` are all of the shop; `cause` is the incident that brought this customer, if one did."""
        self.id = conversation_id
        self.desk = desk
        self._settings, self._rng, self._schedule = settings, rng, schedule
        self._script, self._topic, self._desks = script, topic, desks
        self._now, self._busyness, self._returning = start_ms, busyness, returning
        self._count = returning.messages if returning else 0
        self._slots = slots(script.language, rng)
        self._agent = pick(desk.on_duty, rng)
        self._asked_ms: int | None = None
        self._last_asked = ""
        self._gone = self._silenced = self._insulted = self._after_bot = False
        self._angry = cause is not None and cause.kind == ANGRY_CUSTOMERS
        customer = returning.customer_id if returning else f"customer-{int(rng.random() * 1e9)}"
        self._common: Event = {
            "tenant": settings.tenant,
            "source": settings.source,
            "conversation_id": conversation_id,
            "visibility": "public",
            "shop": desk.shop,
            "queue": desk.queue,
            "channel": pick(CHANNELS, rng),
            "customer_id": customer,
            "url": f"https://example.com/conversations/{conversation_id}",
            "lang": script.language,
            "schema_version": 1,
        }
        if cause is not None:
            if cause.agent_id is not None:
                self._agent = cause.agent_id
            if cause.kind in (PROMOTION_FLOOD, ANGRY_CUSTOMERS):
                cause.affect(conversation_id)

    def remembered(self) -> Returning:
        """What is needed to continue the conversation later."""
        customer, language = self._common["customer_id"], self._script.language
        return Returning(self.id, self._count, customer, language, self.desk.shop, self.desk.queue, self._now)

    def _due(self, asked_ms: int) -> int:
        """When the agent replies to what was asked at `asked_ms`: the usual delay, and what is going wrong."""
        settings = self._settings
        factor = 1.0 + 0.15 * self._busyness
        if self._busyness < NIGHT_BUSYNESS:
            factor += 0.4
        if self._after_bot:
            factor *= AFTER_BOT_FACTOR
            self._after_bot = False
        delay = settings.reply_median_s * 1_000 * factor * self._rng.lognormvariate(0.0, settings.reply_sigma)
        shop, queue, agent = self.desk.shop, self.desk.queue, self._agent
        for incident in self._schedule.current:
            if incident.covers(asked_ms, shop, queue, agent):
                if incident.kind == QUEUE_SLOW:
                    delay = max(delay * SLOW_FACTOR, SLOW_AT_LEAST_MS)
                    incident.affect(self.id)
                elif incident.kind == PROMOTION_FLOOD:
                    delay *= FLOOD_FACTOR
        due = asked_ms + int(min(delay, LONGEST_DELAY_MS))
        for incident in self._schedule.current:
            if incident.kind == AGENT_SILENT and incident.covers(due, shop, queue, agent):
                due = incident.end_ms + int(5_000 + 35_000 * self._rng.random())
                if due - asked_ms >= HELD_BACK_MS:
                    self._silenced = True
                    incident.affect(self.id)
        return due

    def _silent(self) -> Incident | None:
        """The incident that keeps the agent from writing now, if one does."""
        for incident in self._schedule.current:
            if incident.kind == AGENT_SILENT and incident.covers(
                self._now, self.desk.shop, self.desk.queue, self._agent
            ):
                return incident
        return None

    def _keep_silent(self) -> None:
        """Move the clock behind the silence, if there is one: what the agent was about to write is written then."""
        if incident := self._silent():
            self._now = incident.end_ms + int(5_000 + 35_000 * self._rng.random())

    def _turns_angry(self) -> bool:
        for incident in self._schedule.current:
            if (
                incident.kind == ANGRY_CUSTOMERS
                and incident.covers(self._now, self.desk.shop, self.desk.queue, self._agent)
                and self._rng.random() < 0.6
            ):
                incident.affect(self.id)
                self._angry = True
        return self._angry

    # Single events. Each moves the clock and builds one record.

    def _customer(self, text: str, pause_s: float) -> Event:
        chance = self._rng.random()
        self._now += int(pause_s * 1_000)
        line = self._filled(text)
        if chance < self._settings.typo_share:
            line = typo(line, self._script.language, self._rng)
        elif chance > 0.94 and line:
            line += pick(self._script.emoji, self._rng)
        if self._asked_ms is None:
            self._asked_ms = self._now
        event = self._event("customer", line, "message")
        self._last_asked = event["message_id"]
        return event

    def _agent_says(self, text: str, pause_s: float) -> Event:
        self._now += int(pause_s * 1_000)
        self._keep_silent()
        for incident in self._schedule.current:
            if (
                incident.kind == RUDE_AGENT
                and incident.covers(self._now, self.desk.shop, self.desk.queue, self._agent)
                and (not self._insulted or self._rng.random() < 0.5)
            ):
                text = pick(self._script.rude, self._rng)
                self._insulted = True
                incident.affect(self.id)
        event = self._event("agent", self._filled(text), "message", self._agent)
        if self._last_asked and self._rng.random() < 0.08:
            event["reply_to"] = self._last_asked
        self._asked_ms = None
        return event

    def _bot(self, text: str, mode: str, pause_s: float) -> Event:
        self._now += int(pause_s * 1_000)
        event = self._event("bot", text, "message")
        event["bot_mode"] = mode
        if mode == "preset":
            event["automated"] = True
        return event

    def _event(self, sender: str, text: str, kind: str, agent_id: str | None = None) -> Event:
        self._count += 1
        event = {
            **self._common,
            "message_id": f"{self.id}-{self._count}",
            "sent_at": self._now,
            "sender": sender,
            "kind": kind,
            "text": text,
        }
        if agent_id is not None:
            event["agent_id"] = agent_id
        # Two events of a conversation never share an instant: their order must not hang on how ties are broken.
        self._now += 1
        return event

    def _filled(self, text: str) -> str:
        return text.format_map(self._slots) if "{" in text else text
