"""Alerts of a conversation: when they fire and resolve, under which id, whatever order or watermark brings them about."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest

from models.scorer import Score
from tests.chat import HOUR, MINUTE, SECOND, T0, Chat
from tests.conversing import Talk, rules_with
from udfs.alerts import MAX_DEDUP_KEY, dedup_key, iso
from udfs.limits import Limits
from udfs.rules import RuleSet
from udfs.summaries import duration, local_time

END = T0 + 30 * HOUR
TIMED = rules_with(slow_reply=60, silence=120)


class Mood:
    """Scores a text by the number that it is, with the label of its sign, or always the same one."""

    version = "mood"

    def __init__(self, label: str = "") -> None:
        self._label = label

    def score(self, texts: Sequence[str]) -> list[Score | None]:
        return [self._one(text) for text in texts]

    def _one(self, text: str) -> Score | None:
        try:
            value = float(text)
        except ValueError:
            return None
        return Score(self._label or ("negative" if value < 0 else "positive" if value > 0 else "neutral"), value)


def at(seconds: float) -> str:
    return iso(T0 + round(seconds * SECOND))


def steps(talk: Talk, rule: str) -> list[tuple[str, str, str | None]]:
    """(status, event time, reason) of the rule's alerts, in order."""
    return [(a["status"], a["event_time"], a["resolve_reason"]) for a in talk.alerts if a["rule"] == rule]


# --- Promises ---------------------------------------------------------------------------------------------------------


def test_a_customer_who_was_asked_to_wait_is_not_forgotten() -> None:
    chat = Chat().customer(0, "什么时候发货").agent(10, "稍等，我查一下", agent_id="B").customer(20, "好的谢谢").agent(1000, "今天发")
    talk = Talk(rules_with(promised_return=900)).say(chat.events)
    assert steps(talk, "promised_return") == [("firing", at(910), None), ("resolved", at(1000), "answered")]
    fired, resolved = talk.alerts
    assert fired["summary"].endswith(": B asked the customer to wait at 10:00 +08:00 and has not come back for 15 min.")
    assert resolved["summary"].endswith(": the wait for a promised return is over: an agent has answered.")
    assert fired["evidence"] == [chat.events[1]["message_id"]] and resolved["observed"] == {"value": 990_000, "unit": "ms"}
    assert talk.sessions[0]["rules"] == [{"rule": "promised_return", "message_ids": fired["evidence"]}]


def test_who_comes_back_in_time_says_wait_again_or_resolves_raises_nothing() -> None:
    in_time = Chat().customer(0, "在吗").agent(10, "稍等").bot(20, "稍等").agent(800, "请再稍等一下").agent(1600, "好了，已发货")
    assert Talk(rules_with(promised_return=900)).say(in_time.events).alerts == []
    resolved = Chat().customer(0, "在吗").agent(10, "==").event(60, "resolve")
    assert Talk(rules_with(promised_return=900)).say(resolved.events).alerts == []


def test_a_promise_outlives_the_cut_of_a_long_session_and_ends_with_the_last() -> None:
    chat = Chat().customer(0, "在吗").agent(10, "稍等").customer(20, "好的").customer(30, "谢谢")
    talk = Talk(rules_with(promised_return=900), max_session_messages=3).say(chat.events)
    assert steps(talk, "promised_return")[0] == ("firing", at(910), None)
    assert [status for status, _, _ in steps(talk, "promised_return")] == ["firing", "resolved"]


# --- Waiting ---------------------------------------------------------------------------------------------------------


def test_a_slow_reply_fires_when_the_limit_has_passed_and_resolves_with_the_answer() -> None:
    chat = Chat().customer(0, "能便宜吗？").agent(75, "可以减五元")
    talk = Talk(TIMED).say(chat.events)
    assert steps(talk, "slow_reply") == [("firing", at(60), None), ("resolved", at(75), "answered")]
    assert steps(talk, "silence") == []
    fired, resolved = talk.alerts
    assert fired["alert_id"] == resolved["alert_id"] and (fired["revision"], resolved["revision"]) == (0, 1)
    assert fired["observed"] == {"value": 60_000, "unit": "ms"} and fired["threshold"] == {
        "value": 60_000,
        "unit": "ms",
    }
    assert resolved["observed"] == {"value": 75_000, "unit": "ms"}
    assert (fired["opened_at"], resolved["opened_at"]) == (at(60), at(60))
    assert (fired["resolved_at"], resolved["resolved_at"]) == (None, at(75))


@pytest.mark.parametrize(("seconds", "count"), [(59.999, 0), (60, 0), (60.001, 2)])
def test_an_answer_exactly_at_the_limit_is_in_time(seconds: float, count: int) -> None:
    talk = Talk(TIMED).say(Chat().customer(0, "能便宜吗？").agent(seconds, "可以").events)
    assert len(talk.alerts) == count


def test_silence_counts_from_the_customers_last_line_and_slow_reply_from_the_first() -> None:
    talk = Talk(TIMED).say(Chat().customer(0, "能便宜吗？").customer(50, "在吗").agent(300, "可以").events)
    assert steps(talk, "slow_reply")[0] == ("firing", at(60), None)
    assert steps(talk, "silence") == [("firing", at(170), None), ("resolved", at(300), "answered")]


@pytest.mark.parametrize("kind", ["bot", "note", "system"])
def test_what_is_no_answer_does_not_put_off_the_silence(kind: str) -> None:
    chat = Chat().customer(0, "能便宜吗？")
    getattr(chat, kind)(100, "请稍候")
    assert steps(Talk(TIMED).say(chat.events), "silence")[0] == ("firing", at(120), None)


def test_silence_that_a_further_line_broke_off_had_been_a_silence() -> None:
    talk = Talk(TIMED).say(Chat().customer(0, "能便宜吗？").customer(200, "没人？").agent(210, "在").events)
    assert steps(talk, "silence") == [("firing", at(120), None), ("resolved", at(210), "answered")]
    assert talk.alerts[0]["evidence"] == ["m1"]


@pytest.mark.parametrize(("kind", "reason"), [("resolve", "resolved"), ("merge", "merged")])
def test_what_ends_the_wait_resolves_its_alerts_with_that_reason(kind: str, reason: str) -> None:
    talk = Talk(TIMED).say(Chat().customer(0, "能便宜吗？").event(130, kind).events)
    assert [s[2] for s in steps(talk, "slow_reply")] == [s[2] for s in steps(talk, "silence")] == [None, reason]


def test_each_wait_has_an_alert_of_its_own_under_one_dedup_key() -> None:
    chat = Chat().customer(0, "能便宜吗？").agent(70, "可以").customer(100, "包邮吗？").agent(190, "包")
    talk = Talk(TIMED).say(chat.events)
    assert [a["evidence"] for a in talk.alerts] == [["m1"], ["m1"], ["m3"], ["m3"]]
    assert len({a["alert_id"] for a in talk.alerts}) == 2 and len({a["dedup_key"] for a in talk.alerts}) == 1


def test_nothing_fires_before_its_time() -> None:
    talk = Talk(TIMED).hear(Chat().customer(0, "能便宜吗？").events[0])
    assert talk.advance(T0 + 60 * SECOND - 1).alerts == []
    assert [a["rule"] for a in talk.advance(T0 + 60 * SECOND).alerts] == ["slow_reply"]
    assert [a["rule"] for a in talk.advance(T0 + 120 * SECOND - 1).alerts] == ["slow_reply"]
    assert [a["rule"] for a in talk.advance(T0 + 120 * SECOND).alerts] == ["slow_reply", "silence"]


def test_several_limits_of_one_kind_each_fire_at_their_own() -> None:
    rules = RuleSet.model_validate(
        {
            "schema_version": 1,
            "rules": [
                {"id": "soon", "kind": "slow_reply", "limit_seconds": 30, "severity": "info"},
                {"id": "much_too_late", "kind": "slow_reply", "limit_seconds": 300, "severity": "critical"},
            ],
        }
    )
    talk = Talk(rules).say(Chat().customer(0, "能便宜吗？").agent(400, "可以").events)
    assert [(a["rule"], a["severity"], a["event_time"]) for a in talk.alerts if a["status"] == "firing"] == [
        ("soon", "info", at(30)),
        ("much_too_late", "critical", at(300)),
    ]


# --- Without timers, with jumps, out of order ------------------------------------------------------------------------


def test_a_wait_over_its_limit_that_no_timer_saw_fires_and_resolves_at_once_as_of_when_it_was_due() -> None:
    talk = Talk(TIMED)
    for event in Chat().customer(0, "能便宜吗？").agent(200, "可以").events:
        talk.hear(event)
    assert steps(talk, "slow_reply") == [("firing", at(60), None), ("resolved", at(200), "answered")]
    assert steps(talk, "silence") == [("firing", at(120), None), ("resolved", at(200), "answered")]


@pytest.mark.parametrize("second", ["repeat", "late", "reaction"])
def test_an_alarm_that_is_due_is_raised_by_whatever_is_heard_next(second: str) -> None:
    talk = Talk(TIMED).hear(Chat().customer(0, "能便宜吗？").events[0])
    talk.watermark = T0 + 400 * SECOND  # the watermark has risen, and no timer has run
    news = {
        "repeat": Chat().customer(0, "能便宜吗？"),
        "late": Chat().customer(0, "早些时候", message_id="m0", sent_at=T0 - HOUR),
        "reaction": Chat().event(3, "reaction"),
    }[second]
    talk.hear(news.events[0])
    assert [(a["rule"], a["status"]) for a in talk.alerts] == [("slow_reply", "firing"), ("silence", "firing")]


def test_one_leap_of_the_watermark_raises_everything_in_the_order_of_time() -> None:
    chat = Chat().customer(0, "能便宜吗？")
    slow, leap = (
        Talk(rules_with(slow_reply=60, silence=120, abandonment=True)),
        Talk(rules_with(slow_reply=60, silence=120, abandonment=True)),
    )
    slow.hear(chat.events[0])
    leap.hear(chat.events[0])
    for second in range(0, 3 * 3_600, 5):
        slow.advance(T0 + second * SECOND)
    leap.advance(END)
    assert leap.alerts == slow.alerts
    assert [a["event_time"] for a in leap.alerts] == sorted(a["event_time"] for a in leap.alerts)
    assert [a["status"] for a in leap.alerts].count("firing") == 3 == len(leap.alerts) // 2


def test_an_answer_that_comes_late_takes_the_alert_back_as_corrected() -> None:
    question, answer = Chat().customer(0, "能便宜吗？").agent(30, "可以").events
    talk = Talk(TIMED).hear(question).advance(T0 + 130 * SECOND).hear(answer)
    assert [(a["rule"], a["status"], a["resolve_reason"]) for a in talk.alerts] == [
        ("slow_reply", "firing", None),
        ("silence", "firing", None),
        ("slow_reply", "resolved", "corrected"),
        ("silence", "resolved", "corrected"),
    ]
    assert talk.alerts[2]["event_time"] == at(130)
    assert talk.advance(END).sessions[0]["rules"] == []


def test_an_earlier_question_that_comes_late_keeps_the_alerts_id_and_names_the_new_opener() -> None:
    earlier, question, answer = Chat().customer(0, "你好？").customer(20, "能便宜吗？").agent(300, "可以").events
    talk = Talk(rules_with(slow_reply=60)).hear(question).advance(T0 + 90 * SECOND).hear(earlier)
    assert len(talk.alerts) == 1
    talk.hear(answer)
    fired, resolved = talk.alerts
    assert resolved["alert_id"] == fired["alert_id"] and resolved["revision"] == 1
    assert (fired["evidence"], resolved["evidence"]) == (["m2"], ["m1"])
    assert resolved["observed"]["value"] == 300_000


def test_every_order_of_arrival_leaves_no_alert_open_and_numbers_revisions_without_a_gap() -> None:
    chat = (
        Chat().customer(0, "能便宜吗？").agent(70, "可以").customer(90, "包邮吗？").customer(230, "？").agent(260, "包")
    )
    for order in permutations(chat.events):
        talk = Talk(TIMED)
        for event in order:
            talk.hear(event)
            talk.advance(talk.watermark or T0 + 100 * SECOND)
        talk.advance(END)
        for alerts in talk.by_id():
            assert [a["revision"] for a in alerts] == list(range(len(alerts)))
            assert [a["status"] for a in alerts] == ["firing", "resolved"] * (len(alerts) // 2)


def test_a_cause_that_comes_back_goes_on_under_the_same_id() -> None:
    question = Chat().customer(0, "能便宜吗？").events[0]
    thanks = Chat().agent(-20, "可以的", message_id="a1").customer(-30, "能便宜吗？", message_id="m0")
    talk = Talk(TIMED).hear(question).advance(T0 + 61 * SECOND)
    for event in thanks.events:
        talk.hear(event)
    talk.advance(END)
    revisions = [a["revision"] for a in talk.alerts if a["rule"] == "slow_reply" and a["evidence"] == ["m1"]]
    assert revisions == list(range(len(revisions)))


def test_what_arrives_in_a_backlog_has_its_grace_before_it_is_slow() -> None:
    talk = Talk(TIMED).advance(T0 + HOUR).hear(Chat().customer(0, "能便宜吗？").events[0])
    assert talk.alerts == []
    assert talk.advance(T0 + HOUR + 5 * SECOND - 1).alerts == []
    assert {a["event_time"] for a in talk.advance(T0 + HOUR + 5 * SECOND).alerts} == {at(3_605)}


def test_a_rule_heard_in_two_conversations_has_two_alerts() -> None:
    talk = Talk(rules_with(slow_reply=60))
    for conversation in ("c1", "c2"):
        talk.hear(Chat(conversation=conversation).customer(0, "能便宜吗？").events[0])
    talk.advance(T0 + 2 * MINUTE)
    assert len({a["alert_id"] for a in talk.alerts}) == len({a["dedup_key"] for a in talk.alerts}) == 2


# --- The end of a session --------------------------------------------------------------------------------------------


def test_an_unanswered_session_resolves_its_alerts_when_it_is_published_and_is_abandoned() -> None:
    talk = Talk(rules_with(slow_reply=60, abandonment=True)).say(Chat().customer(0, "能便宜吗？").events)
    published = at(35 * 60)
    assert steps(talk, "slow_reply") == [("firing", at(60), None), ("resolved", published, "session_closed")]
    assert steps(talk, "abandonment") == [("firing", published, None), ("resolved", published, "session_closed")]
    fired, resolved = (a for a in talk.alerts if a["rule"] == "abandonment")
    assert fired["alert_id"] == resolved["alert_id"] and (fired["revision"], resolved["revision"]) == (0, 1)
    assert fired["observed"] == {"value": 30 * MINUTE, "unit": "ms"} and fired["evidence"] == ["m1"]


def test_a_session_record_names_every_rule_that_stood_at_its_end() -> None:
    talk = Talk(rules_with(slow_reply=60, silence=120, abandonment=True, phrases=["投诉"]))
    talk.say(Chat().customer(0, "我要投诉").customer(30, "听到没有？").events)
    (record,) = talk.sessions
    assert {rule["rule"] for rule in record["rules"]} == {a["rule"] for a in talk.alerts}
    assert {rule["rule"]: rule["message_ids"] for rule in record["rules"]} == {
        "phrases": ["m1"],
        "slow_reply": ["m1"],
        "silence": ["m2"],
        "abandonment": ["m1"],
    }


def test_a_wait_that_a_cut_hands_on_keeps_its_alert() -> None:
    chat = Chat()
    for number in range(5):
        chat.customer(number * 400, f"第{number}次问")
    talk = Talk(rules_with(slow_reply=60), max_session_messages=3).say(chat.agent(1_700, "在").events)
    assert len(talk.sessions) == 2
    assert steps(talk, "slow_reply") == [("firing", at(60), None), ("resolved", at(1_700), "answered")]
    assert len({a["alert_id"] for a in talk.alerts}) == 1


# --- Runs of messages ------------------------------------------------------------------------------------------------


def test_a_monologue_fires_with_its_fifth_message_and_ends_when_the_customer_speaks() -> None:
    chat = Chat().customer(0, "你好")
    for second in range(10, 70, 10):
        chat.agent(second, f"第{second}句")
    talk = Talk(rules_with(monologue=5)).say(chat.customer(90, "慢点说").events)
    assert steps(talk, "monologue") == [("firing", at(50), None), ("resolved", at(90), "customer_spoke")]
    fired, resolved = talk.alerts
    assert fired["observed"] == {"value": 5, "unit": "messages"} == fired["threshold"]
    assert resolved["observed"] == {"value": 6, "unit": "messages"}
    assert (fired["evidence"], fired["agent_id"]) == (["m2", "m3", "m4", "m5", "m6"], "A")


def test_notes_bots_and_system_lines_neither_lengthen_nor_break_a_monologue() -> None:
    chat = Chat().customer(0, "你好").agent(1, "一").note(2, "二").bot(3, "三").system(4, "四").agent(5, "五")
    assert Talk(rules_with(monologue=3)).say(chat.events).alerts == []
    assert len(Talk(rules_with(monologue=2)).say(chat.events).alerts) == 2


def test_a_monologue_that_a_late_customer_line_breaks_is_corrected() -> None:
    chat = Chat().agent(0, "一").agent(10, "二").agent(20, "三").customer(15, "听着呢")
    talk = Talk(rules_with(monologue=3))
    for event in chat.events:
        talk.hear(event)
    assert [s[0::2] for s in steps(talk, "monologue")] == [("firing", None), ("resolved", "corrected")]


def test_a_streak_of_bad_mood_fires_and_ends_when_the_mood_turns() -> None:
    chat = Chat().customer(0, "-0.5").agent(5, "x").customer(10, "-0.3").customer(20, "-0.9").customer(30, "-0.4")
    talk = Talk(rules_with(negative_streak=3), scorer=Mood()).say(chat.customer(40, "0.5").events)
    assert steps(talk, "negative_streak") == [("firing", at(20), None), ("resolved", at(40), "mood_changed")]
    assert [a["observed"]["value"] for a in talk.alerts] == [3, 4]
    assert talk.alerts[0]["agent_id"] == "A"


def test_one_line_that_is_not_low_ends_no_alert_of_a_low_mood_but_two_do() -> None:
    chat = Chat().customer(0, "-0.9").customer(10, "-0.8").customer(20, "-0.9").agent(30, "x").customer(40, "0").customer(50, "-0.9")
    chat.customer(60, "0.1").customer(70, "-0.5").customer(80, "0").customer(90, "0.1").customer(100, "-0.9").customer(110, "-0.9")
    talk = Talk(rules_with(negative_streak=3), scorer=Mood()).say(chat.events)
    assert steps(talk, "negative_streak") == [("firing", at(20), None), ("resolved", at(90), "mood_changed")]
    assert talk.alerts[-1]["observed"]["value"] == 5
    # Before it has become an alert, a run is of messages one after the other.
    apart = Chat().customer(0, "-0.9").customer(10, "-0.8").customer(20, "0").customer(30, "-0.9")
    assert Talk(rules_with(negative_streak=3), scorer=Mood()).say(apart.events).alerts == []


def test_a_line_without_a_score_neither_lengthens_nor_breaks_a_streak() -> None:
    chat = Chat().customer(0, "-0.5").customer(10, "-0.5").customer(20, "图片").customer(30, "-0.5").agent(40, "-1")
    talk = Talk(rules_with(negative_streak=3), scorer=Mood()).say(chat.events)
    assert steps(talk, "negative_streak")[0] == ("firing", at(30), None)
    assert Talk(rules_with(negative_streak=4), scorer=Mood()).say(chat.events).alerts == []


@pytest.mark.parametrize("label", ["neutral", "unknown", "positive"])
def test_a_streak_is_of_scores_whatever_their_labels(label: str) -> None:
    """A score is how likely a side is; a label only which of three answers is the likeliest, if the model is sure enough at all."""
    chat = Chat().customer(0, "-0.4").customer(10, "-0.45").customer(20, "-0.4").agent(25, "x").customer(30, "-0.2").customer(40, "-0.2")
    talk = Talk(rules_with(negative_streak=3), scorer=Mood(label)).say(chat.events)
    assert steps(talk, "negative_streak") == [("firing", at(20), None), ("resolved", at(40), "mood_changed")]
    assert talk.sessions[0]["sentiment"]["negative"] == 0
    fired, over = (alert["summary"] for alert in talk.alerts)
    assert fired.endswith(": the customer's mood was low in 3 messages in a row by 10:00 +08:00; nobody is answering.")
    assert over.endswith(": the customer's low mood is over: the customer's mood has changed.")
    assert "negative" not in fired + over


def test_what_is_called_negative_with_a_score_above_the_limit_is_no_streak() -> None:
    chat = Chat().customer(0, "-0.2").customer(10, "0.1").customer(20, "-0.29")
    talk = Talk(rules_with(negative_streak=3), scorer=Mood("negative")).say(chat.events)
    assert talk.alerts == []
    assert talk.sessions[0]["sentiment"]["negative"] == 3


def test_a_fall_of_mood_is_the_last_third_against_the_first_once_a_session() -> None:
    chat = Chat()
    for number, score in enumerate([0.6, 0.4, 0.0, 0.0, -0.2, -0.6, -0.9]):
        chat.customer(number * 10, str(score))
    talk = Talk(rules_with(sentiment_shift=True), scorer=Mood()).say(chat.events)
    assert steps(talk, "sentiment_shift") == [
        ("firing", at(50), None),
        ("resolved", at(60 + 35 * 60), "session_closed"),
    ]
    assert talk.alerts[0]["observed"] == {"value": -0.9, "unit": "points"}
    assert talk.alerts[0]["threshold"] == {"value": -0.8, "unit": "points"}
    assert "has fallen by 0.90 points" in talk.alerts[0]["summary"]
    assert talk.sessions[0]["sentiment"]["shift"] == -1.25


@pytest.mark.parametrize(
    ("before", "after", "seen", "title"),
    [
        ({"phrases": ["爱买不买"]}, {"slow_reply": 60}, {"value": "爱买不买", "unit": "phrase"}, "the alert on wording"),
        ({"monologue": 2}, {"slow_reply": 60}, {"value": 2, "unit": "messages"}, "the agent's monologue"),
        ({"monologue": 2}, {}, {"value": 2, "unit": "messages"}, "the agent's monologue"),
        ({"slow_reply": 60}, {}, {"value": None, "unit": "ms"}, "the long wait"),
    ],
)
def test_an_alert_whose_rule_is_another_or_none_after_a_restart_is_told_as_what_it_was(
    before: dict[str, Any], after: dict[str, Any], seen: dict[str, Any], title: str
) -> None:
    name = next(iter(before))
    talk = Talk(rules_with(**before))
    for event in Chat().agent(1, "您好").agent(5, "爱买不买").customer(*((9, "在吗") if name == "slow_reply" else (0, "在吗"))).events:
        talk.hear(event)
    talk.advance(T0 + 100 * SECOND)
    kept = [{**rule, "id": name} for rule in rules_with(**after).model_dump()["rules"]]
    rules = RuleSet.model_validate({"schema_version": 1, "rules": kept})
    talk.context = replace(talk.context, rules=rules, limits=Limits(**rules.thresholds()))
    talk.advance(END)
    fired, resolved = talk.alerts
    assert (fired["status"], resolved["status"]) == ("firing", "resolved")
    assert (resolved["observed"], resolved["threshold"]) == (seen, None)
    assert f": {title} is over: " in resolved["summary"]


def test_an_alert_that_is_taken_back_observes_nothing() -> None:
    chat = Chat()
    for number, score in enumerate([0.6, 0.4, 0.0, 0.0, -0.2, -0.6]):
        chat.customer(number * 10, str(score))
    talk = Talk(rules_with(sentiment_shift=True), scorer=Mood())
    for event in [*chat.events, *Chat().customer(-1, "-1", message_id="x").customer(-2, "-1", message_id="y").events]:
        talk.hear(event)
    fired, resolved = talk.alerts
    assert (fired["status"], resolved["status"], resolved["resolve_reason"]) == ("firing", "resolved", "corrected")
    assert resolved["observed"] == {"value": None, "unit": "points"}
    assert resolved["contributions"] == [{"rule": "sentiment_shift", "message_id": fired["evidence"][0]}]


def test_under_six_scores_there_is_no_fall_and_under_three_no_trajectory() -> None:
    five = Chat()
    for number, score in enumerate([1, 1, -1, -1, -1]):
        five.customer(number, str(score))
    assert Talk(rules_with(sentiment_shift=True), scorer=Mood()).say(five.events).alerts == []
    two = Chat().customer(0, "1").customer(1, "-1")
    mood = Talk(scorer=Mood()).say(two.events).sessions[0]["sentiment"]
    assert (mood["shift"], mood["first_third"], mood["mean"], mood["scored"], mood["negative"]) == (
        None,
        None,
        0.0,
        2,
        1,
    )


# --- Words -----------------------------------------------------------------------------------------------------------


def words(sender: str, *phrases: str) -> RuleSet:
    rule = {"id": "words", "kind": "phrases", "sender": sender, "phrases": list(phrases), "severity": "critical"}
    return RuleSet.model_validate({"schema_version": 1, "rules": [rule]})


def test_a_forbidden_word_fires_at_once_and_resolves_when_the_session_is_published() -> None:
    chat = Chat().customer(0, "能便宜吗？").agent(20, "爱买不买").customer(30, "？").agent(40, "就是爱买不买")
    talk = Talk(words("agent", "爱买不买"))
    talk.hear(chat.events[0]).hear(chat.events[1])
    assert steps(talk, "words") == [("firing", at(20), None)]
    talk.hear(chat.events[2]).hear(chat.events[3])
    assert len(talk.alerts) == 1
    fired, resolved = talk.advance(END).alerts
    assert (fired["evidence"], resolved["evidence"]) == (["m2"], ["m2", "m4"])
    assert (resolved["resolve_reason"], resolved["event_time"]) == ("session_closed", at(40 + 35 * 60))
    assert (fired["severity"], fired["agent_id"], fired["observed"]) == (
        "critical",
        "A",
        {"value": "爱买不买", "unit": "phrase"},
    )
    assert [entry["message_id"] for entry in resolved["contributions"]] == ["m2", "m4"]


def test_the_next_session_has_an_alert_of_its_own() -> None:
    chat = Chat().agent(0, "爱买不买").agent(4_000, "爱买不买")
    talk = Talk(words("agent", "爱买不买")).say(chat.events)
    assert [a["status"] for a in talk.alerts] == ["firing", "resolved"] * 2
    assert len({a["alert_id"] for a in talk.alerts}) == 2


def test_an_earlier_hit_that_comes_late_leaves_the_alert_as_it_is() -> None:
    chat = Chat().agent(20, "爱买不买").agent(10, "爱买不买").agent(30, "好")
    talk = Talk(words("agent", "爱买不买"))
    for event in chat.events:
        talk.hear(event)
    assert len(talk.alerts) == 1
    fired, resolved = talk.advance(END).alerts
    assert fired["alert_id"] == resolved["alert_id"] and resolved["evidence"] == ["m2", "m1"]


def test_a_customer_who_asks_for_the_regulator_escalates_and_an_agent_who_names_it_does_not() -> None:
    rules = words("customer", "12315", "speak to a manager")
    assert len(Talk(rules).say(Chat().customer(0, "我打12315了").events).alerts) == 2
    assert len(Talk(rules).say(Chat().customer(0, "Let me SPEAK to a manager").events).alerts) == 2
    assert Talk(rules).say(Chat().agent(0, "您可以打12315").events).alerts == []
    assert Talk(rules).say(Chat().customer(0, "单号 7123151").events).alerts == []


def test_bots_templates_and_notes_are_not_held_to_an_agents_words() -> None:
    chat = Chat().bot(0, "爱买不买").agent(1, "爱买不买", automated=True).note(2, "爱买不买").system(3, "爱买不买")
    assert Talk(words("agent", "爱买不买")).say(chat.events).alerts == []


# --- The record ------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["UTC", "America/New_York", "Asia/Kolkata"])
def somewhere(request: pytest.FixtureRequest) -> Iterator[str]:
    """The process runs in this time zone."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = request.param
    time.tzset()
    yield request.param
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


def test_times_are_utc_with_z_and_clock_times_in_the_text_the_queues_wherever_the_process_runs(somewhere: str) -> None:
    talk = Talk(rules_with(silence=120)).say(Chat().customer(0, "能便宜吗？").agent(130, "可以").events)
    fired, _ = talk.alerts
    assert "10:00 +08:00" in fired["summary"] and "02:00" not in fired["summary"]
    assert (fired["opened_at"], fired["event_time"]) == ("2026-03-02T02:02:00.000Z", "2026-03-02T02:02:00.000Z")
    assert fired["detected_at"].endswith("Z")


@pytest.mark.parametrize(
    ("zone", "text"),
    [
        ("Asia/Shanghai", "10:00 +08:00"),
        ("UTC", "02:00 +00:00"),
        ("Asia/Kolkata", "07:30 +05:30"),
        ("America/New_York", "21:00 -05:00"),
    ],
)
def test_a_clock_time_shows_its_offset(zone: str, text: str) -> None:
    assert local_time(T0, zone) == text


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (59_499, "59 s"),
        (60_000, "1 min"),
        (125_000, "2 min 5 s"),
        (3_600_000, "1 h"),
        (3_780_000, "1 h 3 min"),
    ],
)
def test_durations_read_as_people_say_them(ms: int, text: str) -> None:
    assert duration(ms) == text


def test_a_dedup_key_is_readable_where_it_fits_and_never_longer_than_a_pager_allows() -> None:
    assert dedup_key("silence", "t1", "web", "conversation", "85") == "silence|t1|web|conversation|85"
    long = dedup_key("silence", "租" * 200, "web", "conversation", "x" * 200)
    other = dedup_key("silence", "租" * 200, "web", "conversation", "x" * 199 + "y")
    assert len(long.encode()) <= MAX_DEDUP_KEY and long.startswith("silence|租") and long != other


def test_a_bar_in_an_id_does_not_make_two_scopes_one() -> None:
    assert dedup_key("silence", "a|b", "c", "conversation", "1") != dedup_key(
        "silence", "a", "b|c", "conversation", "1"
    )


def test_an_alert_says_where_and_by_whom() -> None:
    fields = {"shop": "灯具店", "queue": "售后", "url": "https://desk.example/c/85"}
    chat = Chat().customer(0, "能便宜吗？", **fields).agent(10, "可以").customer(20, "包邮吗？").agent(200, "包")
    fired = Talk(TIMED).say(chat.events).alerts[0]
    assert (fired["shop"], fired["queue"], fired["url"], fired["agent_id"]) == ("灯具店", "售后", fields["url"], "A")
    assert fired["scope"] == {"type": "conversation", "id": "c1"}
    assert fired["summary"].startswith("Conversation c1 (灯具店 / 售后): ") and "A spoke last" in fired["summary"]


def test_an_alert_of_a_rule_that_the_file_no_longer_has_still_resolves() -> None:
    talk = (
        Talk(rules_with(monologue=2))
        .hear(Chat().agent(0, "一").events[0])
        .hear(Chat().agent(0, "一").agent(5, "二").events[1])
    )
    assert len(talk.alerts) == 1
    later = Talk(rules_with(slow_reply=60))
    later.packed, later.watermark = talk.packed, talk.watermark
    (resolved,) = later.advance(END).alerts
    assert (resolved["rule"], resolved["status"], resolved["alert_id"]) == (
        "monologue",
        "resolved",
        talk.alerts[0]["alert_id"],
    )
    assert resolved["threshold"] is None
