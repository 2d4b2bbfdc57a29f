"""A key group does for its conversations what each alone would do, from fresh or restored state; its agenda keeps time."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.chat import HOUR, SECOND, T0, Chat
from tests.conversing import Talk, rules_with
from udfs.agenda import Agenda
from udfs.alerts import iso
from udfs.converse import Output
from udfs.events import unpack
from udfs.key_group import KeyGroup, Step


class Group:
    """A key group with its state in a dict, as the operator keeps it in Flink's; `restore` starts anew from the state."""

    def __init__(self, talk: Talk) -> None:
        self.talk = talk
        self.stored: dict[str, str] = {}
        self.out: list[Output] = []
        self.restore()

    def restore(self) -> None:
        self.group = KeyGroup(self.talk.context, self.stored)

    def hear(self, events: list[dict[str, Any]], now: int) -> None:
        read = self.talk.reader.read([orjson.dumps(e) for e in events], [0] * len(events), list(range(len(events))),
                                     [e["sent_at"] for e in events])
        conversations: dict[str, list[Any]] = {}
        for key, value in zip(read.keys, read.values, strict=True):
            conversations.setdefault(str(key), []).append(unpack(str(value)))
        self._keep(self.group.hear(conversations.items(), now, 0))

    def advance(self, now: int) -> None:
        due = self.group.next_due()
        if due is not None and due <= now:
            self._keep(self.group.advance(now, 0))
            following = self.group.next_due()
            assert following is None or following > now

    def _keep(self, step: Step) -> None:
        self.stored.update(step.written)
        for key in step.forgotten:
            del self.stored[key]
        self.out += step.out


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_group_restored_at_any_time_says_what_conversations_alone_say(data: st.DataObject) -> None:
    chats = [Chat(T0 + number * 7_000, f"c{number}") for number in range(3)]
    for chat in chats:
        chat.customer(0, "在吗").agent(data.draw(st.integers(1, 300)), "在").customer(400, "还没发货？")
    events = sorted((event for chat in chats for event in chat.events), key=lambda event: event["sent_at"])
    alone, group = Talk(), Group(Talk())
    for event in events:
        now = event["sent_at"] - 1
        alone.advance(now).hear(event)
        group.advance(now)
        without_watermark = data.draw(st.booleans())  # as Flink begins again
        if without_watermark:
            group.restore()
        group.hear([event], 0 if without_watermark else now)
        if data.draw(st.booleans()):
            group.restore()
    for hours in (1, 2, 12):
        alone.advance(T0 + hours * HOUR)
        group.advance(T0 + hours * HOUR)
    told = sorted(output.value for output in group.out if output.stream == "alerts")
    assert told == sorted(orjson.dumps(alert).decode() for alert in alone.alerts)
    closed = sorted(output.value for output in group.out if output.stream == "sessions")
    assert closed == sorted(orjson.dumps(session).decode() for session in alone.sessions)
    assert len(closed) == 3
    assert group.stored == {}


@pytest.mark.parametrize("in_order", [True, False])
def test_a_conversation_is_remembered_until_nothing_can_follow_within_its_memory_any_more(in_order: bool) -> None:
    *first, last = Chat(T0).customer(0, "水壶漏水").agent(30, "换").customer(30 + 8 * 3_600 - 1, "又漏了").events
    group = Group(Talk())
    group.hear(first[:: 1 if in_order else -1], T0 - 1)
    now = last["sent_at"] + 5 * 60_000 - 1  # as late as a message may be
    group.advance(now)
    group.hear([last], now)
    group.advance(now + 12 * HOUR)
    reopened = [orjson.loads(output.value)["reopened"] for output in group.out if output.stream == "sessions"]
    assert reopened == [False, True]
    assert group.stored == {}


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 20)), max_size=40), st.integers(0, 20))
def test_an_agenda_gives_each_name_once_at_its_latest_instant(entries: list[tuple[str, int]], now: int) -> None:
    agenda = Agenda()
    for name, at in entries:
        agenda.set(name, at)
    due = dict(entries)
    expected = sorted((at, name) for name, at in due.items() if at <= now)
    found = list(agenda.take_due(now))
    assert sorted(found) == sorted(name for _, name in expected)
    assert [due[name] for name in found] == [at for at, _ in expected]
    assert agenda.earliest() == min((at for at in due.values() if at > now), default=None)
    assert len(agenda) == len(due) - len(found)


def test_an_agenda_does_not_grow_with_what_was_moved() -> None:
    agenda = Agenda()
    for at in range(10_000):
        agenda.set("a", at)
    assert len(agenda._heap) < 2_000
    assert agenda.earliest() == 9_999


def test_what_fires_when_a_job_starts_again_without_a_watermark_goes_on_firing() -> None:
    asked, bot, answer = Chat(T0).customer(0, "我的快递到哪了？").bot(180, "正在为您转接").agent(200, "在的").events
    group = Group(Talk())
    group.hear([asked], T0 - 1)
    group.advance(T0 + 130_000)
    group.restore()
    group.hear([bot], 0)
    group.advance(T0 + 181_000)
    group.hear([answer], T0 + 199_000)
    group.advance(T0 + 2 * HOUR)
    alerts = [orjson.loads(output.value) for output in group.out if output.stream == "alerts"]
    told = [(alert["rule"], alert["revision"], alert["status"], alert["resolve_reason"]) for alert in alerts]
    assert told == [
        ("slow_reply", 0, "firing", None), ("silence", 0, "firing", None),
        ("slow_reply", 1, "resolved", "answered"), ("silence", 1, "resolved", "answered"),
    ]  # fmt: skip


def test_a_backlog_that_meets_a_restored_group_before_the_first_watermark_is_not_taken_for_settled() -> None:
    first, *rest = Chat(T0 + 8 * HOUR).customer(0, "在吗").agent(70, "在").customer(100, "几天到").agent(120, "三天").events
    group = Group(Talk())
    now = T0 + 10 * HOUR  # the backlog is two hours old
    group.hear(Chat(T0 + 10 * HOUR, "other").customer(0, "你好").events, now)
    group.restore()
    group.hear([first, rest[0]], 0)
    group.advance(now + 200)
    group.hear(rest[1:], now + 200)
    group.advance(now + 2 * HOUR)
    sessions = [orjson.loads(output.value) for output in group.out if output.stream == "sessions"]
    assert sorted(session["messages"] for session in sessions) == [1, 4]
    assert not [output for output in group.out if output.stream == "late"]


def test_a_stricter_rule_reaches_who_waits_already_and_a_restart_counts_who_is_open() -> None:
    lenient, strict = (Talk(rules_with(slow_reply=limit)) for limit in (1_200, 60))
    group = Group(lenient)
    group.hear(Chat().customer(0, "在吗").events, T0)
    group.advance(T0 + 300 * SECOND)
    assert group.out == [] and group.group.restored_open == 0
    group.talk = strict
    group.restore()
    assert group.group.restored_open == 1
    group.advance(T0 + 301 * SECOND)
    (fired,) = [orjson.loads(output.value) for output in group.out]
    assert (fired["rule"], fired["status"], fired["event_time"]) == ("slow_reply", "firing", iso(T0 + 60 * SECOND))


def test_a_line_in_the_gap_of_a_forgotten_session_is_late_and_no_session_of_its_own() -> None:
    """It may be as late as the memory of ids lasts."""
    group = Group(Talk())
    group.hear(Chat().customer(0, "在吗").events, T0)
    late = Chat().customer(1_200, "还在吗", message_id="m2").events
    now = T0 + 1_200 * SECOND + 8 * HOUR - SECOND
    while (due := group.group.next_due()) is not None and due <= now:
        group.advance(due)
    group.hear(late, now)
    assert [output.stream for output in group.out if output.stream in ("late", "sessions")] == ["sessions", "late"]
