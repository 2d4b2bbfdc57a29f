"""The life of an alert, whatever comes in whatever order: one at a time under a key, told once each, and the same every time."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import pytest

from models.scorer import Score
from tests.chat import MINUTE, SECOND, T0, Chat, Event
from tests.conversing import Talk, rules_with
from udfs.rules import RuleSet

RULES = RuleSet.model_validate(
    {
        "schema_version": 1,
        "rules": [
            {"id": "slow", "kind": "slow_reply", "limit_seconds": 60},
            {"id": "silence", "kind": "silence", "limit_seconds": 120},
            {"id": "return", "kind": "promised_return", "limit_seconds": 90},
            {"id": "monologue", "kind": "monologue", "count": 3},
            {"id": "mood", "kind": "negative_streak", "count": 2},
            {"id": "left", "kind": "abandonment"},
            {"id": "abuse", "kind": "phrases", "sender": "agent", "phrases": ["闭嘴", "滚"]},
            {"id": "complaint", "kind": "phrases", "sender": "any", "phrases": ["投诉"]},
        ],
    }
)
CUSTOMER_WRITES = ("在吗？", "什么时候发货？", "好的谢谢", "烂", "太烂", "烂透了", "烂透了，投诉", "")
SHOP_WRITES = ("今天发", "稍等，我查一下", "请稍等", "闭嘴", "滚，闭嘴", "还有什么可以帮您的吗？", "")
SHORT_STEPS = (0, 1, SECOND, 2 * SECOND, 5 * SECOND, 10 * SECOND, 61 * SECOND, 2 * MINUTE)
LONG_STEPS = (*SHORT_STEPS, 6 * MINUTE, 30 * MINUTE - 1, 30 * MINUTE, 31 * MINUTE, 36 * MINUTE)
KINDS = (*["message"] * 16, "resolve", "reopen", "merge", "transfer", "assign")
LIMITS: tuple[dict[str, int], ...] = ({}, {}, {"max_session_messages": 4}, {"max_session_ms": 5 * MINUTE})

CONVERSATIONS = 200

Step = tuple[str, Any]  # what happens, see `Life.play`


class Mood:
    """What calls a text bad is in it."""

    version = "mood"

    def score(self, texts: Sequence[str]) -> list[Score | None]:
        return [Score("negative", -0.9) if "烂" in text else Score("neutral", 0.0) for text in texts]


class Life:
    """Conversations played, with every alert held against those before. strict: no two may fire under one key, not even within a step, as
    may those of two sessions (see DESIGN.md)."""

    def __init__(self, strict: bool, at_hand: bool, limits: dict[str, int]) -> None:
        self.talk = Talk(RULES, Mood(), at_hand=at_hand, **limits)
        self.strict = strict
        self._last: dict[str, dict[str, Any]] = {}
        self._firing: dict[str, set[str]] = {}
        self._seen = 0

    def play(self, steps: Sequence[Step], repeats: bool = True) -> list[dict[str, Any]]:
        for what, step in steps:
            if what == "watermark":
                self.talk.advance(step)
            elif what == "forget":
                self.talk.forget()
            elif what == "event" or repeats:
                self.talk.hear(step)
            self._look()
        assert not any(self._firing.values())
        return self.talk.alerts

    def _look(self) -> None:
        for alert in self.talk.alerts[self._seen :]:
            before = self._last.get(alert["alert_id"])
            if before is None:
                assert (alert["revision"], alert["status"]) == (0, "firing")
            else:
                assert alert["revision"] == before["revision"] + 1
                assert alert["status"] != before["status"]
                for same in ("dedup_key", "rule", "tenant", "source", "conversation_id", "scope"):
                    assert alert[same] == before[same]
            self._last[alert["alert_id"]] = alert
            firing = self._firing.setdefault(alert["dedup_key"], set())
            if alert["status"] == "firing":
                assert not (self.strict and firing)
                firing.add(alert["alert_id"])
            else:
                firing.remove(alert["alert_id"])
        assert all(len(firing) < 2 for firing in self._firing.values())
        self._seen = len(self.talk.alerts)


def written(rng: Random, conversation: str, one_session: bool) -> list[Event]:
    """What is written in one conversation, in order."""
    events: list[Event] = []
    at = T0
    customers = rng.choice((0.2, 0.5, 0.8))
    for number in range(rng.randrange(2, 13)):
        at += rng.choice(SHORT_STEPS if one_session else LONG_STEPS)
        sender = "customer" if rng.random() < customers else rng.choice(("agent", "agent", "agent", "bot", "system"))
        event: Event = {
            "tenant": "t1",
            "source": "default",
            "conversation_id": conversation,
            "message_id": f"m{number}",
            "sent_at": at,
            "kind": rng.choice(KINDS),
            "sender": sender,
            "visibility": "public" if rng.random() < 0.9 else "internal",
            "text": rng.choice(CUSTOMER_WRITES if sender == "customer" else SHOP_WRITES),
        }
        if sender == "agent":
            event |= rng.choice(({}, {"agent_id": "A"}, {"agent_id": "B"}))
        if sender == "bot":
            event["bot_mode"] = rng.choice(("auto", "assist", "preset"))
        if rng.random() < 0.2:
            event["queue"] = rng.choice(("q1", "q2"))
        events.append(event)
        messages = [each for each in events if each["kind"] == "message"]
        if messages and rng.random() < 0.2:
            first = rng.choice(messages)
            changed_at = max(at, first["sent_at"]) + (0 if one_session else rng.choice((0, 1, MINUTE, 33 * MINUTE)))
            text = rng.choice((*CUSTOMER_WRITES, *SHOP_WRITES))
            events.append({**first, "kind": rng.choice(("edit", "edit", "delete")), "sent_at": changed_at, "text": text})
    return events


def arriving(rng: Random, events: list[Event]) -> list[Step]:
    """One way in which it arrives: some late, some again, watermarks before and behind, and states that are read again."""
    delay = rng.choice((0, 5 * SECOND, MINUTE, 4 * MINUTE, 20 * MINUTE))
    lag = rng.choice((1, SECOND, 2 * MINUTE, 10 * MINUTE))
    watermarks, again = rng.choice((0.1, 0.7)), rng.choice((0, 0.3))
    arrived: list[Event] = []
    steps: list[Step] = []
    for event in sorted(events, key=lambda event: event["sent_at"] + rng.randrange(delay + 1)):
        arrived.append(event)
        if rng.random() < watermarks:
            steps.append(("watermark", max(each["sent_at"] for each in arrived) + rng.choice((-lag, -lag, MINUTE))))
        steps.append(("event", event))
        if rng.random() < again:
            steps.append(("repeat", rng.choice(arrived)))
        if rng.random() < 0.2:
            steps.append(("forget", None))
    return [*steps, ("watermark", max(event["sent_at"] for event in events) + 100 * 60 * MINUTE)]


def live(seed: int) -> list[dict[str, Any]]:
    """Two conversations, played three times; their alerts."""
    rng = Random(seed)
    limits = rng.choice(LIMITS)
    one_session = rng.random() < 0.5
    strict = one_session and not limits
    steps = arriving(rng, written(rng, "c1", one_session) + written(rng, "c2", one_session))
    alerts = Life(strict, True, limits).play(steps)
    assert Life(strict, False, limits).play(steps) == alerts
    assert Life(strict, True, limits).play(steps, repeats=False) == alerts
    return alerts


def test_one_alert_at_a_time_fires_under_a_key_and_each_is_told_once() -> None:
    rules = {alert["rule"] for seed in range(CONVERSATIONS // 2) for alert in live(seed)}
    assert rules == {rule.id for rule in RULES.rules}


def late_run() -> list[Event]:
    """Three lines of the shop's, and then, late, three before them and the customer's line between the two runs."""
    chat = Chat().customer(0, "在吗")
    for seconds in (20, 30, 40, 5, 6, 7):
        chat.agent(seconds, "请稍等")
    return chat.customer(10, "好").events


def told(talk: Talk) -> list[tuple[str, str, str | None]]:
    return [(alert["evidence"][0], alert["status"], alert["resolve_reason"]) for alert in talk.alerts]


@pytest.mark.parametrize(("ends_with", "reason"), [("customer", "customer_spoke"), (None, "session_closed")])
def test_a_breach_that_late_lines_reveal_is_told_when_the_one_that_goes_on_is_over(ends_with: str | None, reason: str) -> None:
    """Told at once, its end would be taken for the end of what goes on: both have one `dedup_key`."""
    talk = Talk(rules_with(monologue=3)).advance(T0 + 50 * SECOND)
    for event in late_run():
        talk.hear(event)
    assert told(talk) == [("m2", "firing", None)]
    if ends_with:
        talk.hear(Chat().customer(60, "嗯", message_id="m9").events[0])
    else:
        talk.advance(T0 + 100 * MINUTE)
    over = [("m2", "firing", None), ("m2", "resolved", reason), ("m5", "firing", None), ("m5", "resolved", "customer_spoke")]
    assert told(talk) == over
    talk.advance(T0 + 100 * MINUTE)
    assert told(talk) == over
