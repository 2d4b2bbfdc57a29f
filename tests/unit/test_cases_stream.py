"""Order, lateness, repeats and restarts: the same conversation, however its messages arrive."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import orjson
import pytest

from models.scorer import NullScorer
from tests.chat import HOUR, MINUTE, SECOND, T0, Chat, Event
from tests.conversing import KEY, Talk, rules_with
from udfs.conversation import Conversation
from udfs.events import conversation_key, identifier
from udfs.phrase_rules import PhraseMatcher
from udfs.privacy import Masker
from udfs.reading import Reader

GAP = 30 * MINUTE
TEN_MINUTES_LATE = 10 * MINUTE
END = T0 + 30 * HOUR


def bridge() -> list[Event]:
    """Two lines further apart than a session's gap, and one between them that joins them."""
    chat = Chat().customer(0, "在吗，订单没动静").customer(1_560, "还是没动静").agent(2_640, "帮您催了")
    return chat.events


def test_a_line_that_comes_late_joins_the_two_sessions_it_lies_between() -> None:
    first, between, last = bridge()
    talk = Talk(rules_with(slow_reply=60, silence=120), allowed_lateness_ms=TEN_MINUTES_LATE)
    talk.hear(first).hear(last).advance(T0 + 2_100 * SECOND)
    assert talk.sessions == []
    talk.hear(between).advance(END)
    (record,) = talk.sessions
    assert (record["reply_latencies_ms"], record["turns"], record["waits_unanswered"]) == ([2_640_000], 2, 0)
    assert [(a["rule"], a["status"], a["resolve_reason"]) for a in talk.alerts] == [
        ("slow_reply", "firing", None),
        ("silence", "firing", None),
        ("slow_reply", "resolved", "answered"),
        ("silence", "resolved", "answered"),
    ]
    assert talk.late == []


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_any_order_of_arrival_within_lateness_ends_in_the_same_session(order: tuple[int, ...]) -> None:
    events = bridge()
    talk = Talk(allowed_lateness_ms=TEN_MINUTES_LATE)
    for at in order:
        talk.hear(events[at])
    assert talk.advance(END).sessions == Talk(allowed_lateness_ms=TEN_MINUTES_LATE).say(events).sessions
    assert len(talk.sessions) == 1


@pytest.mark.parametrize(("apart", "count"), [(GAP, 2), (GAP - 1, 1), (GAP + 1, 2)])
def test_a_gap_of_exactly_the_session_gap_splits(apart: int, count: int) -> None:
    events = Chat().customer(0, "在吗").customer(apart / SECOND, "还在吗").events
    for order in permutations(events):
        talk = Talk()
        for event in order:
            talk.hear(event)
        assert len(talk.advance(END).sessions) == count


def test_a_session_is_published_once_at_gap_and_lateness_after_its_last_line_and_not_before() -> None:
    talk = Talk().hear(Chat().customer(0, "在吗").events[0])
    assert talk.advance(T0 + GAP + 5 * MINUTE - 1).sessions == []
    assert len(talk.advance(T0 + GAP + 5 * MINUTE).sessions) == 1
    assert len(talk.advance(END).sessions) == 1


def test_what_arrives_late_is_given_its_lateness_before_its_session_is_published() -> None:
    talk = Talk().advance(T0 + 6 * HOUR).hear(Chat().customer(0, "断网时写的").events[0])
    assert talk.advance(T0 + 6 * HOUR + 5 * MINUTE - 1).sessions == []
    assert len(talk.advance(T0 + 6 * HOUR + 5 * MINUTE).sessions) == 1
    assert talk.late == []


def test_what_sorts_before_a_settled_message_is_late_and_changes_nothing() -> None:
    chat = Chat().customer(0, "在吗").agent(600, "在").customer(300, "人呢，我手机13800138000")
    first, answer, straggler = chat.events
    talk = Talk().hear(first).hear(answer).advance(T0 + 900 * SECOND).hear(straggler).advance(END)
    (late,) = talk.late
    assert (late["message_id"], late["sent_at"], late["sender"], late["kind"]) == (
        "m3",
        T0 + 300_000,
        "customer",
        "message",
    )
    assert "13800138000" not in late["text"] and late["text"].startswith("人呢")
    (record,) = talk.sessions
    assert (record["messages"], record["reply_latencies_ms"]) == (2, [600_000])


def test_nothing_is_late_only_because_the_watermark_has_passed() -> None:
    talk = Talk().advance(T0 + 3 * HOUR)
    for event in Chat().customer(0, "在吗").agent(60, "在").customer(3_600, "还有件事").events:
        talk.hear(event)
    assert talk.late == [] and len(talk.advance(END).sessions) == 2


@pytest.mark.parametrize(("seconds", "late"), [(-60, 1), (1_799.999, 1), (1_800, 0), (4_000, 0)])
def test_within_the_gap_of_a_published_session_everything_is_late(seconds: float, late: int) -> None:
    chat = Chat().customer(0, "在吗").customer(seconds, "喂")
    talk = Talk().hear(chat.events[0]).advance(T0 + 2 * HOUR)
    assert len(talk.sessions) == 1
    talk.hear(chat.events[1]).advance(END)
    assert len(talk.late) == late and len(talk.sessions) == 2 - late


def test_a_late_id_is_remembered_and_its_repeat_is_a_repeat() -> None:
    chat = Chat().customer(0, "在吗").customer(60, "喂")
    talk = Talk().hear(chat.events[0]).advance(T0 + 2 * HOUR).hear(chat.events[1]).hear(chat.events[1])
    assert (len(talk.late), len(talk.duplicates)) == (1, 1)


# --- Clocks that run ahead -------------------------------------------------------------------------------------------


def test_one_message_from_the_future_is_set_aside_and_everybody_else_is_served() -> None:
    reader = Reader(NullScorer(), PhraseMatcher([]), Masker(), KEY, "conversation.messages")
    ahead = Chat(conversation="c2").customer(86_400, "明天见").events[0]
    honest = Chat().customer(0, "在吗").agent(30, "在").events
    bodies = [orjson.dumps(event) for event in (honest[0], ahead, honest[1])]
    batch = reader.read(bodies, [0, 0, 0], [0, 1, 2], [T0, T0 + SECOND, T0 + 30 * SECOND])
    assert orjson.loads(batch.values[1] or "")["reason"] == "time_in_future"
    assert (batch.events, batch.dead_letters) == (2, 1)


def test_a_clock_that_is_a_little_fast_moves_nobody_elses_time() -> None:
    fast = Chat(conversation="c2").customer(240, "我的表快").events[0]
    first, answer = Chat().customer(0, "在吗").agent(30, "在").events
    talk = Talk().hear(first).hear(fast).advance(T0 + 29 * SECOND).hear(answer).advance(END)
    assert talk.late == []
    assert sorted(len(record["reply_latencies_ms"]) for record in talk.sessions) == [0, 1]


# --- Repeats ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hours", [0.005, 1, 6, 7.1])
def test_a_repeat_hours_later_is_a_repeat_though_its_session_is_long_closed(hours: float) -> None:
    first, answer = Chat().customer(0, "退货怎么退").agent(30, "我发您地址").events
    talk = Talk().hear(first).hear(answer).advance(T0 + round(hours * HOUR))
    talk.hear({**first, "event_id": "another"}).advance(END)
    (repeat,) = talk.duplicates
    assert repeat["message_id"] == "m1" and "text" not in repeat
    (record,) = talk.sessions
    assert (record["messages"], record["turns"], record["reopened"]) == (2, 2, False)
    assert talk.late == []


def test_a_repeat_in_the_session_is_counted_in_its_record() -> None:
    chat = Chat().customer(0, "退货怎么退").agent(30, "我发您地址")
    (record,) = Talk().say([*chat.events, chat.events[0], chat.events[1]]).sessions
    assert (record["messages"], record["duplicates"]) == (2, 2)


def test_the_first_of_two_versions_under_one_id_stays() -> None:
    first = Chat().customer(0, "好的谢谢").events[0]
    talk = Talk(rules_with(phrases=["投诉"])).say([first, {**first, "text": "我要投诉"}])
    assert talk.alerts == [] and len(talk.duplicates) == 1


# --- Restart and replay ----------------------------------------------------------------------------------------------


def busy_day() -> list[Event]:
    events: list[Event] = []
    for number in range(6):
        chat = Chat(T0 + number * 7 * SECOND, conversation=f"c{number}")
        chat.customer(0, "东西坏了").agent(20 + 40 * number, "爱买不买").customer(200 + 40 * number, "投诉你").event(
            420, "resolve"
        )
        events += chat.customer(600, "没人管吗").events
    return sorted(events, key=lambda event: event["sent_at"])


RULES = rules_with(slow_reply=60, silence=120, abandonment=True, phrases=["爱买不买", "投诉"])


def play(talk: Talk, events: list[Event]) -> Talk:
    """Live: a tick each second, as the clock process gives it."""
    for event in events:
        while talk.watermark < event["sent_at"] - 1:
            talk.advance(min(max(talk.watermark, T0 - SECOND) + SECOND, event["sent_at"] - 1))
        talk.hear(event)
    while talk.watermark < T0 + 2 * HOUR:
        talk.advance(talk.watermark + 10 * SECOND)
    return talk


def by_identity(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(records, key=lambda alert: (alert["alert_id"], alert["revision"]))


def test_after_a_restart_the_same_alerts_and_sessions_come_again_with_the_same_ids_and_bodies() -> None:
    events = busy_day()
    once = play(Talk(RULES), events)
    for cut in (3, 11, 20):
        before = Talk(RULES)
        for event in events[:cut]:
            before.advance(event["sent_at"] - 1).hear(event)
        restored = Talk(RULES)
        restored.packed, restored.watermark = dict(before.packed), before.watermark
        play(restored, events[cut:])
        every = before.alerts + restored.alerts
        assert by_identity(every) == by_identity(once.alerts)
        assert restored.sessions == once.sessions


def test_a_replay_at_any_pace_raises_the_alerts_that_were_raised_live() -> None:
    events = busy_day()
    live, replayed = play(Talk(RULES), events), Talk(RULES).say(events)
    assert by_identity(replayed.alerts) == by_identity(live.alerts)
    assert sorted(replayed.sessions, key=orjson.dumps) == sorted(live.sessions, key=orjson.dumps)


def test_a_webhooks_backlog_keeps_its_latencies_and_raises_no_flood_of_slow_replies() -> None:
    chat = Chat()
    for minute in range(0, 10, 2):
        chat.customer(minute * 60, f"问题{minute}？").agent(minute * 60 + 70, "答复")
    delivered = T0 + HOUR
    talk = Talk(rules_with(slow_reply=60, silence=120)).advance(delivered)
    for event in chat.events:
        talk.hear(event, record_ms=delivered)
    (record,) = talk.advance(END).sessions
    assert record["reply_latencies_ms"] == [70_000] * 5
    assert talk.alerts == []


def test_a_state_that_is_packed_and_unpacked_at_every_step_is_the_state() -> None:
    talk = play(Talk(RULES), busy_day()[:12])
    for packed in talk.packed.values():
        assert Conversation.unpack(packed).pack() == packed


@pytest.mark.parametrize("order", [(0, 1, 2, 3, 4, 5, 6), (6, 5, 4, 3, 2, 1, 0), (3, 0, 6, 2, 5, 1, 4)])
@pytest.mark.parametrize("at_hand", [False, True])
def test_sessions_that_are_cut_within_a_millisecond_have_an_id_each_and_the_same_in_every_run(order: tuple[int, ...], at_hand: bool) -> None:
    chat = Chat().customer(-1, "在吗")
    for number in range(5):
        chat.customer(0, f"第{number}行")
    events = chat.customer(60, "人呢").events

    def ids(order: tuple[int, ...], **limits: Any) -> list[str]:
        talk = Talk(rules_with(slow_reply=60), at_hand=at_hand, **limits)
        for at in order:
            talk.hear(events[at])
        talk.advance(END)
        return [session["session_id"] for session in sorted(talk.sessions, key=lambda session: (session["opened_at"], session["closed_at"]))]

    cut = ids(order, max_session_messages=1)
    assert len(set(cut)) == len(cut) == 7
    assert sorted(cut) == sorted(ids(tuple(range(7)), max_session_messages=1))
    # An ordinary session, and the first of a millisecond, have the id that they always had.
    key = conversation_key("t1", "default", "c1")
    assert ids(order) == [identifier("session", key, str(T0 - SECOND))]
    assert {identifier("session", key, str(at)) for at in (T0 - SECOND, T0, T0 + MINUTE)} < set(cut)
