"""One breach is one alert, which resolves in the end and names the right people and places, whatever comes late or is edited."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.chat import MINUTE, SECOND, T0, Chat
from tests.conversing import Talk, rules_with
from tests.strategies import arrivals, conversations
from udfs.alerts import iso
from udfs.rules import RuleSet

ABUSE = {"id": "abuse", "kind": "phrases", "sender": "agent", "phrases": ["闭嘴"]}
ESCALATION = {"id": "escalation", "kind": "phrases", "sender": "customer", "phrases": ["投诉"]}
ANY = {"id": "any", "kind": "phrases", "sender": "any", "phrases": ["微信"]}


def rules(*each: dict[str, Any]) -> RuleSet:
    return RuleSet.model_validate({"schema_version": 1, "rules": each})


def steps(talk: Talk) -> list[tuple[str, str, str | None]]:
    return [(alert["status"], alert["event_time"], alert["resolve_reason"]) for alert in talk.alerts]


def edited(chat: Chat, seconds: float, message: int, text: str) -> Chat:
    """The chat with a message of it edited after so many seconds."""
    first = chat.events[message - 1]
    chat.events.append({**first, "text": text, "edited_at": T0 + round(seconds * SECOND), "sent_at": T0 + round(seconds * SECOND)})
    return chat


def test_what_an_edit_brings_in_after_the_last_message_resolves_when_the_session_is_published() -> None:
    chat = edited(Chat().customer(0, "在吗").agent(30, "请稍等"), 300, 2, "闭嘴")
    talk = Talk(rules(ABUSE)).say(chat.events)
    published = iso(T0 + 30 * SECOND + 35 * MINUTE)
    assert steps(talk) == [("firing", iso(T0 + 300 * SECOND), None), ("resolved", published, "session_closed")]
    assert talk.alerts[1]["observed"] == {"value": "闭嘴", "unit": "phrase"}
    (session,) = talk.sessions
    assert session["rules"] == [{"rule": "abuse", "message_ids": ["m2"]}]


def test_it_resolves_so_when_another_session_has_begun_as_well() -> None:
    chat = edited(Chat().customer(0, "在吗").agent(30, "请稍等"), 300, 2, "闭嘴").customer(31 * 60, "还在吗")
    talk = Talk(rules(ABUSE)).say(chat.events)
    assert [(status, reason) for status, _, reason in steps(talk)] == [("firing", None), ("resolved", "session_closed")]
    assert len(talk.sessions) == 2


def test_a_monologue_that_a_late_line_makes_begin_earlier_is_one_alert() -> None:
    chat = Chat()
    for number in range(5):
        chat.agent(10 + 10 * number, f"第{number}条")
    chat.customer(60, "知道了吗").agent(70, "知道了").agent(25, "还有一条")
    talk = Talk(rules_with(monologue=5))
    for event in chat.events:
        talk.advance(min(event["sent_at"], T0 + 80 * SECOND) - 1 if event is not chat.events[-1] else T0 + 80 * SECOND)
        talk.hear(event)
    talk.advance(T0 + 100 * MINUTE)
    assert {alert["alert_id"] for alert in talk.alerts} == {talk.alerts[0]["alert_id"]}
    assert [status for status, _, _ in steps(talk)] == ["firing", "resolved"]


def test_a_wait_that_a_late_line_makes_begin_earlier_is_one_alert_though_it_is_over() -> None:
    chat = Chat().customer(10, "什么时候发货？").agent(100, "今天").customer(5, "在吗？")
    talk = Talk(rules_with(slow_reply=60))
    for event in chat.events:
        talk.hear(event)
    talk.advance(T0 + 100 * MINUTE)
    assert [status for status, _, _ in steps(talk)] == ["firing", "resolved"]


def test_two_breaches_of_one_session_are_two_alerts() -> None:
    chat = Chat().customer(0, "什么时候发货？").agent(100, "今天").customer(200, "几点？").agent(300, "十点")
    talk = Talk(rules_with(slow_reply=60)).say(chat.events)
    assert [status for status, _, _ in steps(talk)] == ["firing", "resolved"] * 2
    assert len({alert["alert_id"] for alert in talk.alerts}) == 2


@pytest.mark.parametrize(
    ("rule", "chat", "agent", "words"),
    [
        (ESCALATION, Chat().customer(0, "我要投诉", agent_id="A"), None, "the customer wrote “投诉”"),
        (ABUSE, Chat().agent(0, "闭嘴", agent_id=None), None, "an agent wrote “闭嘴”"),
        (ABUSE, Chat().agent(0, "闭嘴"), "A", "agent A wrote “闭嘴”"),
        (ANY, Chat().customer(0, "加微信吧", agent_id="A"), None, "the customer wrote “微信”"),
        (ANY, Chat().bot(0, "加微信吧", bot_mode="assist", agent_id=None), None, "an agent by a bot's draft wrote “微信”"),
    ],
)
def test_an_alert_names_who_wrote(rule: dict[str, Any], chat: Chat, agent: str | None, words: str) -> None:
    talk = Talk(rules(rule))
    talk.hear(chat.events[0])
    (alert,) = talk.alerts
    assert alert["agent_id"] == agent
    assert words in alert["summary"]


def test_an_agent_without_a_name_has_answered_all_the_same() -> None:
    chat = Chat().customer(0, "在吗？").agent(30, "在的", agent_id=None).customer(40, "什么时候发货？")
    talk = Talk(rules_with(slow_reply=60)).say(chat.events)
    assert "an agent spoke last for the shop" in talk.alerts[0]["summary"]
    unanswered = Talk(rules_with(slow_reply=60)).say(Chat().customer(0, "在吗？").events)
    assert "nobody has answered yet" in unanswered.alerts[0]["summary"]
    lines = Chat()
    for number in range(5):
        lines.agent(number, f"第{number}条", agent_id=None)
    assert "5 messages of the shop in a row" in Talk(rules_with(monologue=5)).say(lines.events).alerts[0]["summary"]


def test_a_line_without_a_queue_is_where_the_conversation_was_named_last() -> None:
    chat = Chat().customer(0, "在吗？", queue="q1").agent(5, "转给同事", queue="q2").agent(8, "在的", queue="q1")
    chat.customer(60, "什么时候发货？")
    talk = Talk(rules_with(slow_reply=60)).say(chat.events)
    assert talk.alerts[0]["queue"] == "q1"
    assert talk.sessions[0]["queue"] == "q1"


def test_an_address_for_each_message_does_not_use_up_the_places() -> None:
    chat = Chat()
    for number in range(40):
        chat.agent(number, "在的", queue="q1", url=f"https://desk.example/c/{number}")
    chat.agent(50, "闭嘴", queue="q2", url="https://desk.example/c/50")
    talk = Talk(rules(ABUSE)).say(chat.events)
    assert (talk.alerts[0]["queue"], talk.alerts[0]["url"]) == ("q2", "https://desk.example/c/50")


def test_many_hits_of_one_rule_hide_no_other_rules() -> None:
    chat = Chat()
    for number in range(201):
        chat.customer(number / 10, "我要投诉")
    talk = Talk(rules(ABUSE, ESCALATION)).say(chat.agent(30, "闭嘴").events)
    assert {alert["rule"] for alert in talk.alerts} == {"abuse", "escalation"}


@pytest.mark.parametrize("published", [False, True])
def test_what_an_edit_brings_in_when_no_session_is_open_fires_and_is_over(published: bool) -> None:
    chat = edited(Chat().customer(0, "在吗").agent(30, "请稍等", queue="q1"), 40 * 60, 2, "闭嘴")
    talk = Talk(rules(ABUSE))
    for event in chat.events:
        if published:
            talk.advance(event["sent_at"] - 1)
        talk.hear(event)
    talk.advance(T0 + 40 * MINUTE + 5 * MINUTE)
    at = T0 + 40 * MINUTE
    assert steps(talk) == [("firing", iso(at), None), ("resolved", iso(at + 5 * MINUTE), "session_closed")]
    fired, resolved = talk.alerts
    assert fired["alert_id"] == resolved["alert_id"]
    assert (fired["queue"], fired["agent_id"], fired["evidence"]) == ("q1", "A", ["m2"])
    assert "agent A wrote “闭嘴”" in fired["summary"]
    talk.advance(T0 + 100 * MINUTE)
    assert (len(talk.alerts), len(talk.sessions), talk.late) == (2, 1, [])


def test_it_is_its_sessions_where_a_late_line_opens_one() -> None:
    chat = edited(Chat().customer(0, "在吗").agent(30, "请稍等"), 40 * 60, 2, "闭嘴")
    talk = Talk(rules(ABUSE))
    for event in chat.events:
        talk.advance(event["sent_at"] - 1)
        talk.hear(event)
    talk.hear(Chat().customer(39 * 60, "人呢？", message_id="m9").events[0])
    talk.advance(T0 + 200 * MINUTE)
    assert [status for status, _, _ in steps(talk)] == ["firing", "resolved"]
    assert [session["rules"] for session in talk.sessions] == [[], [{"rule": "abuse", "message_ids": ["m2"]}]]


def test_an_edit_of_a_published_session_is_told_with_it_and_not_again() -> None:
    """It was sent within the session's gap, and arrived so late that it settles after the session is published."""
    chat = edited(Chat().customer(0, "在吗").agent(30, "闭嘴"), 30 * 60 + 29.999, 2, "请闭嘴").customer(50 * 60, "还在吗")
    talk = Talk(rules(ABUSE))
    for event, watermark in zip(chat.events, (0, 30, 30 * 60 + 31, 50 * 60), strict=True):
        talk.advance(T0 + watermark * SECOND)
        talk.hear(event)
    talk.advance(T0 + 200 * MINUTE)
    assert [status for status, _, _ in steps(talk)] == ["firing", "resolved"]


def test_an_edit_with_two_phrases_of_a_rule_is_one_alert() -> None:
    chat = edited(Chat().customer(0, "在吗").agent(30, "请稍等"), 40 * 60, 2, "闭嘴，滚出去")
    talk = Talk(rules({**ABUSE, "phrases": ["闭嘴", "滚出去"]})).say(chat.events)
    assert [(status, reason) for status, _, reason in steps(talk)] == [("firing", None), ("resolved", "session_closed")]
    assert talk.alerts[0]["observed"]["value"] == "闭嘴"


def test_a_breach_is_told_where_another_was_taken_back() -> None:
    talk = Talk(rules_with(slow_reply=60))
    chat = Chat().customer(0, "在吗？").agent(30, "在的").customer(50, "什么时候发货？").agent(150, "今天")
    talk.hear(chat.events[0]).advance(T0 + 70 * SECOND)
    for event in chat.events[1:]:
        talk.hear(event)
    talk.advance(T0 + 200 * MINUTE)
    assert [(status, reason) for status, _, reason in steps(talk)] == [
        ("firing", None),
        ("resolved", "corrected"),
        ("firing", None),
        ("resolved", "answered"),
    ]
    assert talk.alerts[2]["opened_at"] == iso(T0 + 110 * SECOND)
    assert len({alert["alert_id"] for alert in talk.alerts}) == 2


def test_a_session_keeps_the_address_that_it_had() -> None:
    first, second = "https://desk.example/ticket/1", "https://desk.example/ticket/2"
    chat = Chat().customer(0, "在吗", queue="q", url=first).agent(5, "在的", queue="q", url=first)
    talk = Talk(rules(ABUSE)).say(chat.customer(31 * 60, "又来了", queue="q", url=second).events)
    assert [session["url"] for session in talk.sessions] == [first, second]


@pytest.mark.parametrize("published", [False, True])
def test_a_message_that_is_edited_in_another_session_is_told_there_as_well(published: bool) -> None:
    chat = edited(Chat().customer(0, "在吗").agent(30, "闭嘴").customer(31 * 60, "还在吗"), 32 * 60, 2, "请闭嘴")
    talk = Talk(rules(ABUSE))
    for event in chat.events:
        if published:
            talk.advance(event["sent_at"] - 1)
        talk.hear(event)
    talk.advance(T0 + 200 * MINUTE)
    resolved = [alert["resolved_at"] for alert in talk.alerts if alert["status"] == "resolved"]
    assert len({alert["alert_id"] for alert in talk.alerts}) == 2
    # The first with the next session's first message, as two must not fire under one key.
    assert sorted(resolved) == [iso(T0 + 31 * MINUTE), iso(T0 + (31 + 35) * MINUTE)]


def test_a_message_that_is_edited_in_two_sessions_is_two_alerts() -> None:
    chat = Chat().customer(0, "在吗").agent(30, "爱买不买，闭嘴").customer(100 * 60, "还在吗？")
    talk = Talk(rules(ABUSE)).say(edited(chat, 101 * 60, 2, "请闭嘴").events)
    assert [(alert["revision"], alert["status"]) for alert in talk.alerts] == [(0, "firing"), (1, "resolved")] * 2
    assert len({alert["alert_id"] for alert in talk.alerts}) == 2


@settings(max_examples=4000, deadline=None)
@given(st.data())
def test_every_alert_resolves_and_every_session_s_breaches_were_told(data: st.DataObject) -> None:
    """Whatever the order: an id fires and resolves in turn, its revisions count on, and nothing that a session names was kept back."""
    limits = rules_with(slow_reply=60, silence=120, monologue=2, abandonment=True, phrases=["改过了", "有裂痕"])
    talk = Talk(limits, at_hand=data.draw(st.booleans()))
    talk.play(data.draw(arrivals(data.draw(conversations()))))
    for alerts in talk.by_id():
        assert [alert["revision"] for alert in alerts] == list(range(len(alerts)))
        assert [alert["status"] for alert in alerts] == ["firing", "resolved"] * (len(alerts) // 2)
        assert all(alert["resolved_at"] is None or alert["opened_at"] <= alert["resolved_at"] for alert in alerts)
    stand = [alerts[-1] for alerts in talk.by_id() if alerts[-1]["resolve_reason"] != "corrected"]
    told = Counter((alert["tenant"], alert["conversation_id"], alert["rule"]) for alert in stand)
    named: Counter[tuple[str, str, str]] = Counter()
    for session in talk.sessions:
        for rule in session["rules"]:
            breaches = 1 if rule["rule"] == "phrases" else len(rule["message_ids"])  # words are one alert a session
            named[session["tenant"], session["conversation_id"], rule["rule"]] += breaches
    assert not named - told


@settings(max_examples=1500, deadline=None)
@given(st.data())
def test_a_pager_that_knows_keys_alone_sees_one_alert_after_the_other(data: st.DataObject) -> None:
    """In order, that is: a line that comes late into a session that has a successor fires, and is over at once."""
    events = sorted(data.draw(conversations()), key=lambda event: event["sent_at"])
    talk = Talk(rules_with(slow_reply=60, silence=120, monologue=2, negative_streak=2, abandonment=True, phrases=["有裂痕"]))
    talk.say(events)
    open_keys: set[str] = set()
    for alert in talk.alerts:
        assert (alert["status"] == "resolved") == (alert["dedup_key"] in open_keys)
        open_keys ^= {alert["dedup_key"]}


def test_the_alert_of_the_session_before_is_over_as_soon_as_time_reaches_the_next_one() -> None:
    first, second = Chat().customer(0, "在吗").customer(1900, "有人吗").events
    talk = Talk(rules_with(slow_reply=900))
    talk.hear(first).advance(T0 + 1000 * SECOND)
    talk.hear(second).advance(T0 + 1899 * SECOND)
    assert [alert["status"] for alert in talk.alerts] == ["firing"]
    talk.advance(T0 + 1901 * SECOND)
    assert [(a["status"], a["event_time"]) for a in talk.alerts][1:] == [("resolved", iso(T0 + 1900 * SECOND))]


def test_the_alert_of_the_session_before_is_over_when_the_next_one_waits() -> None:
    talk = Talk(rules_with(slow_reply=60)).say(Chat().customer(0, "在吗").customer(1900, "有人吗").events)
    assert [(alert["status"], alert["event_time"], alert["resolve_reason"]) for alert in talk.alerts] == [
        ("firing", iso(T0 + 60 * SECOND), None),
        ("resolved", iso(T0 + 1900 * SECOND), "session_closed"),
        ("firing", iso(T0 + 1960 * SECOND), None),
        ("resolved", iso(T0 + 1900 * SECOND + 35 * MINUTE), "session_closed"),
    ]
    assert len({alert["dedup_key"] for alert in talk.alerts}) == 1


def test_an_alert_ends_where_it_fired_and_as_grave_as_it_was() -> None:
    chat = Chat().customer(0, "在吗", shop="A", queue="售前").event(70, "transfer", shop="B", queue="售后").agent(100, "在", shop="B")
    talk = Talk(rules_with(slow_reply=60)).say(chat.events)
    assert [(alert["status"], alert["shop"], alert["queue"]) for alert in talk.alerts] == [
        ("firing", "A", "售前"),
        ("resolved", "A", "售前"),
    ]
    moved = Chat().customer(0, "在吗", shop="A", queue="售前").event(10, "transfer", shop="B", queue="售后")
    assert {alert["queue"] for alert in Talk(rules_with(slow_reply=60)).say(moved.events).alerts} == {"售后"}


def test_a_run_s_messages_are_its_evidence_and_it_may_grow() -> None:
    chat = Chat().customer(0, "在吗")
    for at in (10, 20, 30, 40):
        chat.agent(at, "请稍等")
    talk = Talk(rules_with(monologue=3)).say(chat.events)
    fired, resolved = talk.alerts
    assert (fired["evidence"], fired["observed"]["value"]) == (["m2", "m3", "m4"], 3)
    assert (resolved["evidence"], resolved["observed"]["value"]) == (["m2", "m3", "m4", "m5"], 4)
    assert all(any("seen" in part for part in alert["contributions"]) for alert in talk.alerts)


def test_a_long_run_s_evidence_is_its_first_message_and_the_newest() -> None:
    chat = Chat().customer(0, "在吗")
    for at in range(30):
        chat.agent(10 + at, "请稍等")
    fired, resolved = Talk(rules_with(monologue=25)).say(chat.events).alerts
    assert fired["evidence"][:2] == ["m2", "m8"] and fired["evidence"][-1] == "m26" and len(fired["evidence"]) == 20
    assert resolved["evidence"][-1] == "m31" and any("seen" in part for part in resolved["contributions"])


def test_no_alert_ends_before_it_was_raised_whatever_comes_late() -> None:
    """Two late lines end the monologue, and so its fifth line, before the time at which it was told."""
    chat = Chat().customer(0, "在吗")
    for at in (10, 11, 12, 13, 60):
        chat.agent(at, "请稍等")
    chat.agent(20, "马上").customer(30, "好")
    talk = Talk(rules_with(monologue=5))
    for event in chat.events[:6]:
        talk.advance(event["sent_at"] - 1).hear(event)
    talk.advance(T0 + 61 * SECOND)
    for event in chat.events[6:]:
        talk.hear(event)
    talk.advance(T0 + 2 * 60 * MINUTE)
    told = [(alert["status"], alert["opened_at"], alert["resolved_at"]) for alert in talk.alerts]
    at = iso(T0 + 60 * SECOND)
    assert told == [("firing", at, None), ("resolved", at, at)]

    chat = Chat().customer(0, "在吗")
    for at_second in (10, 11, 12, 13, 50):
        chat.agent(at_second, "请稍等")
    chat.customer(45, "好")
    talk = Talk(rules_with(monologue=5)).advance(T0 + 38 * SECOND)  # all of them are ahead of the watermark
    for event in chat.events:
        talk.hear(event)
    at = iso(T0 + 50 * SECOND)
    told = [(alert["status"], alert["opened_at"], alert["resolved_at"]) for alert in talk.alerts]
    assert told == [("firing", at, None), ("resolved", at, at)]
