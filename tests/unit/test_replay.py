"""The replayer: pace, ticks, the end; and what the demonstration feeds."""

from __future__ import annotations

import json
import threading
from functools import reduce
from typing import Any

import orjson
import pytest

from jobs.demo_feed import RUN_OUT_MS, Feed, with_broken_records
from jobs.produce import packed
from jobs.replay import Replayer
from jobs.settings import Settings

T0 = 1_700_000_000_000


class Recorder:
    """Stands where the producer stands and keeps what it is given: ("tick" or the event, time in ms)."""

    def __init__(self) -> None:
        self.given: list[tuple[Any, int]] = []
        self.produced = 0
        self.flushed = 0

    def send(self, event: dict[str, Any] | bytes, at_ms: int, key: str | None = None) -> None:
        self.given.append((event, at_ms))
        self.produced += 1

    def tick(self, at_ms: int) -> None:
        self.given.append(("tick", at_ms))

    def flush(self) -> None:
        self.flushed += 1

    @property
    def sent(self) -> list[Any]:
        return [event for event, _ in self.given if event != "tick"]

    @property
    def ticks(self) -> list[int]:
        return [at_ms for event, at_ms in self.given if event == "tick"]


class Clock:
    """Time that passes only when somebody waits for it, in seconds."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds


def events(*seconds: float) -> list[tuple[int, dict[str, Any]]]:
    return [(T0 + round(at * 1_000), {"sent_at": T0 + round(at * 1_000)}) for at in seconds]


def replayer(speed: float, **options: Any) -> tuple[Replayer, Recorder, Clock]:
    recorder, clock = Recorder(), Clock()
    return Replayer(recorder, speed, clock, clock.pause, **options), recorder, clock  # type: ignore[arg-type]


def test_as_fast_as_possible_waits_for_nothing() -> None:
    replay, recorder, clock = replayer(0)
    assert replay.run(events(0, 5, 86_400)) == 3
    assert clock.now == 100.0
    assert len(recorder.sent) == 3


@pytest.mark.parametrize("speed", [1, 60, 1_000])
def test_the_pace_is_that_of_the_events_divided_by_the_speed(speed: float) -> None:
    replay, _, clock = replayer(speed)
    replay.run(events(0, 30, 600))
    assert clock.now - 100.0 == pytest.approx(600 / speed, abs=0.01)


def test_time_goes_on_where_nobody_writes() -> None:
    replay, recorder, _ = replayer(10)
    replay.run(events(0, 60))
    gaps = [later - earlier for earlier, later in zip(recorder.ticks, recorder.ticks[1:], strict=False)]
    assert gaps and max(gaps) <= 2_000


def test_time_never_goes_back_and_no_tick_overtakes_an_event() -> None:
    replay, recorder, _ = replayer(0)
    replay.run(events(0, 0.2, 3, 3, 90))
    times = [at_ms for _, at_ms in recorder.given]
    assert times == sorted(times)


def test_the_last_ticks_publish_every_session() -> None:
    settings = Settings()
    replay, recorder, _ = replayer(0)
    replay.run(events(0, 10))
    replay.finish(settings)
    needed = settings.time.session_gap_seconds + settings.time.allowed_lateness_seconds
    assert recorder.ticks[-1] > T0 + 10_000 + needed * 1_000
    assert recorder.flushed == 1


def test_a_replay_of_nothing_sends_nothing() -> None:
    replay, recorder, _ = replayer(0)
    assert replay.run([]) == 0
    replay.finish(Settings())
    assert recorder.given == []


def test_a_stop_is_heard_while_waiting_and_nothing_is_sent_after_it() -> None:
    replay, recorder, clock = replayer(1)
    assert replay.run(events(0, 3_600), stop=lambda: clock.now > 105) == 1
    assert clock.now < 106
    assert len(recorder.sent) == 1


def test_what_was_waited_for_at_a_stop_is_sent_first_when_the_replay_goes_on() -> None:
    replay, recorder, clock = replayer(1)
    given = iter(events(0, 3_600, 7_200))
    replay.run(given, stop=lambda: clock.now > 105)
    replay.speed = 0
    assert replay.run(given) == 2
    assert recorder.sent == [event for _, event in events(0, 3_600, 7_200)]


def test_without_ticks_only_events_are_sent() -> None:
    replay, recorder, _ = replayer(0, ticks=False)
    replay.run(events(0, 10, 100))
    assert recorder.ticks == []


def test_broken_records_come_in_addition_to_the_good_ones() -> None:
    good = [
        {"message_id": str(n), "conversation_id": "c", "sent_at": T0 + n, "sender": "customer", "text": "hi"}
        for n in range(200)
    ]
    timed = list(with_broken_records(good, 0.05, seed=3))
    assert [record for _, record in timed if isinstance(record, dict)] == good
    broken = [record for _, record in timed if isinstance(record, bytes)]
    assert len(broken) == int(0.05 * len(timed))
    assert [at_ms for at_ms, _ in timed] == sorted(at_ms for at_ms, _ in timed)
    assert not set(broken) & {orjson.dumps(event) for event in good}


def test_after_the_stop_open_conversations_run_out_and_none_begins() -> None:
    recorder, stop = Recorder(), threading.Event()
    feed = Feed(Settings(), recorder, 5, 100_000, stop)  # type: ignore[arg-type]
    feed.start()
    while len(recorder.sent) < 2_000:
        assert not feed.done.wait(0.01)
    stop.set()
    assert feed.done.wait(60)
    assert feed.fault is None
    sent = [event for event in recorder.sent if isinstance(event, dict)]
    first = {}
    for number, event in enumerate(sent):
        first.setdefault(event["conversation_id"], number)
    stopped_ms = max(sent[number]["sent_at"] for number in first.values())
    ran_out = [event for event in sent if event["sent_at"] > stopped_ms]
    assert ran_out, "somebody was still talking"
    assert max(event["sent_at"] for event in ran_out) <= stopped_ms + RUN_OUT_MS + 60_000
    assert recorder.flushed == 1


def test_a_fault_of_the_producer_is_handed_over() -> None:
    class Broken(Recorder):
        def send(self, event: dict[str, Any] | bytes, at_ms: int, key: str | None = None) -> None:
            raise OSError("no broker")

    feed = Feed(Settings(), Broken(), 1, 0, threading.Event())  # type: ignore[arg-type]
    feed.start()
    assert feed.done.wait(30)
    assert isinstance(feed.fault, OSError)


@pytest.mark.parametrize("odd", ["\ud83d", 2**70, reduce(lambda inner, _: [inner], range(300), [])], ids=["half an emoji", "large", "deep"])
def test_what_only_the_fast_writer_refuses_is_sent_all_the_same(odd: Any) -> None:
    event = {"message_id": "m1", "text": "在吗", "extra": odd}
    assert json.loads(packed(event)) == event
