"""The pure side of the job on its own: events in, records out, watermarks by hand.

State is packed between all steps; with `at_hand` it is packed too, but what was unpacked goes on being used, as in the
job's operator. `forget` then drops that, as the operator does with conversations long unheard of.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import orjson

from models.scorer import NullScorer
from tests.strategies import Watermark
from udfs.conversation import NO_TIMER, Conversation
from udfs.converse import Context, advance, hear, wake_at
from udfs.events import unpack
from udfs.limits import Limits
from udfs.parsing import NO_LIMIT, TimeLimits
from udfs.phrase_rules import PhraseMatcher
from udfs.privacy import Masker
from udfs.reading import Reader
from udfs.rules import RuleSet

KEY = b"a secret of the tests only"


def rules_with(**limits: Any) -> RuleSet:
    """A rule set of the named kinds: `slow_reply=60`, `monologue=5`, `abandonment=True`, `phrases=[…]`, …"""
    rules: list[dict[str, Any]] = []
    for kind, value in limits.items():
        rule: dict[str, Any] = {"id": kind, "kind": kind}
        if kind in ("slow_reply", "silence", "promised_return"):
            rule["limit_seconds"] = value
        elif kind in ("monologue", "negative_streak"):
            rule["count"] = value
        elif kind == "phrases":
            rule.update(phrases=value, sender="any")
        rules.append(rule)
    return RuleSet.model_validate({"schema_version": 1, "rules": rules})


DEFAULT_RULES = rules_with(slow_reply=60, silence=120, abandonment=True, monologue=5, phrases=["爱买不买"])


class Talk:
    """Conversations without a cluster. `advance` rings timers as Flink does: in order, before what comes next."""

    def __init__(
        self, rules: RuleSet = DEFAULT_RULES, scorer: Any = None, at_hand: bool = False, **limits: Any
    ) -> None:
        self.context = Context(
            replace(Limits(**rules.thresholds()), **limits), rules, "none", "Asia/Shanghai", "conversation.messages"
        )
        self.reader = Reader(
            scorer or NullScorer(),
            PhraseMatcher(rules.phrase_rules()),
            Masker(),
            KEY,
            "conversation.messages",
            TimeLimits(oldest_accepted_ms=NO_LIMIT, future_ms=2**50),
        )
        self.packed: dict[str, str] = {}
        self._at_hand: dict[str, Conversation] | None = {} if at_hand else None
        self.watermark = 0
        self.offset = 0
        self.alerts: list[dict[str, Any]] = []
        self.sessions: list[dict[str, Any]] = []
        self.late: list[dict[str, Any]] = []
        self.duplicates: list[dict[str, Any]] = []
        self.dead: list[dict[str, Any]] = []

    def states(self) -> dict[str, Conversation]:
        return {key: Conversation.unpack(packed) for key, packed in self.packed.items()}

    def hear(self, event: dict[str, Any] | bytes, record_ms: int | None = None) -> Talk:
        body = event if isinstance(event, bytes) else orjson.dumps(event)
        if record_ms is None:
            record_ms = event["sent_at"] if isinstance(event, dict) and isinstance(event["sent_at"], int) else 0
        batch = self.reader.read([body], [0], [self.offset], [record_ms])
        self.offset += 1
        key, value = batch.keys[0], batch.values[0]
        if key is None or value is None:
            return self
        if key.startswith("\x1f"):
            self.dead.append(orjson.loads(value))
            return self
        state = self._take(key)
        out = hear(state, key, unpack(value), self.watermark, 0, self.context)
        due = max(wake_at(state, self.watermark, self.context.limits), self.watermark + 1)
        if state.armed == NO_TIMER or due < state.armed:
            state.armed = due
        self.packed[key] = state.pack()
        self._keep(out)
        return self

    def advance(self, watermark: int) -> Talk:
        """Raise the watermark; every timer up to it rings."""
        self.watermark = max(self.watermark, watermark)
        for key in list(self.packed):
            state = self._take(key)
            if state.armed != NO_TIMER and state.armed <= self.watermark:
                self._keep(advance(state, key, self.watermark, 0, self.context))
                state.armed = max(wake_at(state, self.watermark, self.context.limits), self.watermark + 1)
                self.packed[key] = state.pack()
        return self

    def say(self, events: list[dict[str, Any]]) -> Talk:
        """Events in the order given, the watermark a millisecond behind each, then far ahead."""
        for event in events:
            self.advance(event["sent_at"] - 1)
            self.hear(event)
        return self.advance(self.watermark + 100 * 3_600_000)

    def play(self, steps: Iterable[dict[str, Any] | Watermark]) -> Talk:
        """Events and watermarks as `tests.strategies.arrivals` draws them."""
        for step in steps:
            if isinstance(step, Watermark):
                self.advance(step.at)
            else:
                self.hear(step)
        return self

    def by_id(self) -> list[list[dict[str, Any]]]:
        """The alerts of each id, in order."""
        found: dict[str, list[dict[str, Any]]] = {}
        for alert in self.alerts:
            found.setdefault(alert["alert_id"], []).append(alert)
        return list(found.values())

    def forget(self) -> Talk:
        """From here on every conversation is read from its packed state again."""
        if self._at_hand is not None:
            self._at_hand = {}
        return self

    def _take(self, key: str) -> Conversation:
        state = None if self._at_hand is None else self._at_hand.get(key)
        if state is None:
            state = Conversation.unpack(self.packed.get(key))
            if self._at_hand is not None:
                self._at_hand[key] = state
        return state

    def _keep(self, out: list[Any]) -> None:
        for stream, _, value, _ in out:
            getattr(self, {"alerts": "alerts", "sessions": "sessions", "late": "late", "duplicates": "duplicates"}[stream]).append(
                orjson.loads(value)
            )
