"""The simulator keeps its promises: the same stream for the same seed, honest events, and a truth that holds."""

from __future__ import annotations

import tracemalloc
from collections import defaultdict
from itertools import islice, pairwise
from statistics import median
from typing import Any

import orjson
import pytest

from udfs.incidents import KINDS
from udfs.simulate import DEFECTS, SCRIPTS, Simulation, SimulationSettings, simulate, spoil
from udfs.simulate_settings import DEFAULT_START_MS, busyness

HOUR = 3_600_000
MINUTE = 60_000

FIELDS = frozenset(
    "tenant source message_id conversation_id sent_at sender bot_mode automated text kind visibility shop queue channel"
    " agent_id customer_id product_id order_id url lang attachments reply_to schema_version".split()
)
ALWAYS = frozenset("tenant source message_id conversation_id sent_at sender text kind visibility shop queue".split())

Event = dict[str, Any]


def until(simulation: Simulation, end_ms: int) -> list[Event]:
    """The events before an instant."""
    events = []
    for event in simulation.events():
        if event["sent_at"] >= end_ms:
            break
        events.append(event)
    return events


def by_conversation(events: list[Event]) -> dict[str, list[Event]]:
    talks: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        talks[event["conversation_id"]].append(event)
    return talks


@pytest.fixture(scope="module")
def day() -> tuple[Simulation, list[Event]]:
    """Six hours from ten in the morning, with everything that goes wrong in them."""
    simulation = Simulation(SimulationSettings(seed=5))
    return simulation, until(simulation, DEFAULT_START_MS + 6 * HOUR)


def test_the_same_settings_give_the_identical_stream():
    first, again = (list(islice(simulate(SimulationSettings(seed=9)), 5_000)) for _ in range(2))
    assert first == again


def test_another_seed_gives_another_stream():
    first, other = (list(islice(simulate(SimulationSettings(seed=seed)), 100)) for seed in (1, 2))
    assert [event["text"] for event in first] != [event["text"] for event in other]


def test_two_simulations_side_by_side_do_not_disturb_each_other():
    alone = list(islice(simulate(SimulationSettings(seed=3)), 500))
    left, right = simulate(SimulationSettings(seed=3)), simulate(SimulationSettings(seed=4))
    beside = []
    for _ in range(500):
        beside.append(next(left))
        next(right)
    assert beside == alone


def test_runs_that_begin_at_different_times_share_no_ids():
    first, later = (
        {event["message_id"] for event in islice(simulate(SimulationSettings(start_ms=start)), 500)}
        for start in (DEFAULT_START_MS, DEFAULT_START_MS + HOUR)
    )
    assert not first & later


def test_events_are_sorted_and_those_of_a_conversation_never_share_an_instant(day):
    _, events = day
    assert all(before["sent_at"] <= after["sent_at"] for before, after in pairwise(events))
    for talk in by_conversation(events).values():
        fresh = list({event["message_id"]: event for event in talk}.values())
        assert all(before["sent_at"] < after["sent_at"] for before, after in pairwise(fresh))


def test_conversations_are_interleaved(day):
    _, events = day
    changes = sum(before["conversation_id"] != after["conversation_id"] for before, after in pairwise(events))
    assert changes > 0.8 * len(events)


def test_every_event_is_canonical(day):
    _, events = day
    for event in events:
        assert event.keys() >= ALWAYS and event.keys() <= FIELDS
        assert event["sender"] in ("customer", "agent", "bot", "system")
        assert event["kind"] in ("message", "assign", "transfer", "resolve", "reopen", "csat")
        assert event["visibility"] in ("public", "internal")
        assert type(event["sent_at"]) is int
        assert event["message_id"].startswith("sim-") and event["conversation_id"].startswith("sim-")
        assert event["shop"] and event["queue"]
        assert ("bot_mode" in event) == (event["sender"] == "bot")
        assert event.get("bot_mode", "auto") in ("auto", "preset")
        assert "{" not in event["text"]
        if event["sender"] == "agent":
            assert event["agent_id"].startswith(event["queue"])
        if event["kind"] == "message":
            assert event["text"] or event["attachments"]
    assert orjson.loads(orjson.dumps(events[0])) == events[0]


def test_everything_that_a_shop_knows_occurs(day):
    _, events = day
    assert {event["kind"] for event in events} == {"message", "assign", "transfer", "resolve", "reopen", "csat"}
    assert {event.get("bot_mode") for event in events} == {None, "auto", "preset"}
    assert any(event["visibility"] == "internal" for event in events)
    assert any(event.get("attachments") and not event["text"] for event in events)
    assert any(event.get("reply_to") for event in events)
    assert any("138001380" in event["text"] for event in events)
    assert any("@example.com" in event["text"] for event in events)
    assert any("🙏" in event["text"] for event in events)


def test_there_are_more_than_25_topics_in_each_language():
    for script in SCRIPTS.values():
        assert len({topic.name for topic in script.topics}) >= 25


def test_both_languages_have_their_share(day):
    _, events = day
    languages = [talk[0]["lang"] for talk in by_conversation(events).values()]
    assert languages.count("zh") / len(languages) == pytest.approx(0.6, abs=0.04)
    only = {event["lang"] for event in islice(simulate(SimulationSettings(languages={"en": 1.0})), 500)}
    assert only == {"en"}


def test_an_agent_says_only_what_the_language_of_the_conversation_allows(day):
    _, events = day
    for event in events:
        if event["lang"] == "en":
            assert all(ord(character) < 0x3000 or ord(character) > 0xFFFF for character in event["text"])


def test_conversations_close():
    simulation = Simulation(SimulationSettings(seed=6, incidents_per_hour=0, return_share=0, walkaway_share=0))
    events = until(simulation, DEFAULT_START_MS + 4 * HOUR)
    begun_early = [
        talk for talk in by_conversation(events).values() if talk[0]["sent_at"] < DEFAULT_START_MS + 3 * HOUR
    ]
    assert len(begun_early) > 1_000
    assert all(any(event["kind"] == "resolve" for event in talk) for talk in begun_early)
    lengths = [talk[-1]["sent_at"] - talk[0]["sent_at"] for talk in begun_early]
    assert median(lengths) < 5 * MINUTE
    assert max(lengths) < 40 * MINUTE


def test_a_customer_who_comes_back_reopens_the_same_conversation_after_the_session_gap(day):
    _, events = day
    returns = 0
    for talk in by_conversation(events).values():
        for before, after in pairwise(talk):
            if after["kind"] == "reopen" and before["message_id"] != after["message_id"]:
                returns += 1
                assert after["sent_at"] - before["sent_at"] > 30 * MINUTE
                assert after["customer_id"] == before["customer_id"] and after["shop"] == before["shop"]
    assert returns > 5


def test_agents_reply_in_about_25_seconds_when_nothing_is_wrong():
    events = until(Simulation(SimulationSettings(seed=2, incidents_per_hour=0)), DEFAULT_START_MS + 4 * HOUR)
    latencies = reply_latencies(events)
    assert len(latencies) > 2_000
    assert 18_000 < median(latencies) < 30_000
    assert sum(latency > MINUTE for latency in latencies) / len(latencies) < 0.08
    assert sum(latency > 2 * MINUTE for latency in latencies) / len(latencies) < 0.005


def reply_latencies(events: list[Event]) -> list[int]:
    """Oldest unanswered customer line to the agent's next public message, ms."""
    latencies = []
    waiting: dict[str, int] = {}
    for event in events:
        key = event["conversation_id"]
        if event["kind"] != "message" or event["visibility"] != "public":
            if event["kind"] == "resolve":
                waiting.pop(key, None)
        elif event["sender"] == "customer":
            waiting.setdefault(key, event["sent_at"])
        elif event["sender"] == "agent" and key in waiting:
            latencies.append(event["sent_at"] - waiting.pop(key))
    return latencies


def test_the_night_is_quieter_than_nine_in_the_evening():
    events = until(Simulation(SimulationSettings(seed=1, incidents_per_hour=0)), DEFAULT_START_MS + 24 * HOUR)
    opened: dict[int, int] = defaultdict(int)
    agents: dict[int, set[str]] = defaultdict(set)
    for talk in by_conversation(events).values():
        hour = (talk[0]["sent_at"] + 8 * HOUR) // HOUR % 24
        opened[hour] += 1
        agents[hour] |= {event["agent_id"] for event in talk if event["sender"] == "agent"}
    assert opened[3] + opened[4] < 0.1 * opened[21]
    assert opened[21] == pytest.approx(600 * 0.9, rel=0.15)
    assert opened[11] > opened[12] and opened[15] > opened[17]
    assert len(agents[4]) < 0.5 * len(agents[21])


def test_the_day_peaks_at_eleven_fifteen_and_twenty_one():
    rhythm = [busyness(hour * HOUR - 8 * HOUR) for hour in range(24)]
    peaks = [hour for hour in range(1, 23) if rhythm[hour - 1] < rhythm[hour] > rhythm[hour + 1]]
    assert peaks == [11, 15, 21]
    assert max(rhythm) == rhythm[21] == 1.0


def test_without_the_rhythm_the_pace_is_as_set():
    settings = SimulationSettings(daily_rhythm=False, incidents_per_hour=0, conversations_per_hour=3_000)
    events = until(Simulation(settings), DEFAULT_START_MS + HOUR)
    assert len(by_conversation(events)) == pytest.approx(3_000, rel=0.1)


def test_a_small_share_of_the_records_comes_twice():
    settings = SimulationSettings(seed=1, repeat_share=0.02)
    events = list(islice(simulate(settings), 20_000))
    seen: dict[str, Event] = {}
    repeats = 0
    for event in events:
        if event["message_id"] in seen:
            repeats += 1
            assert seen[event["message_id"]] == event
        seen[event["message_id"]] = event
    assert repeats / len(events) == pytest.approx(0.02, abs=0.005)


def test_memory_is_bounded_by_open_conversations():
    settings = SimulationSettings(daily_rhythm=False, conversations_per_hour=3_000)
    tracemalloc.start()
    try:
        stream = simulate(settings)
        held = []
        for count in (6_000, 14_000):
            for _ in islice(stream, count):
                pass
            held.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert held[1] < 1.5 * held[0]
    assert held[1] < 4_000_000


def test_every_kind_of_incident_comes_within_an_hour_and_hits_somebody():
    for start_ms in (DEFAULT_START_MS, DEFAULT_START_MS + 17 * HOUR):  # in the morning, and at three at night
        simulation = Simulation(SimulationSettings(start_ms=start_ms))
        until(simulation, start_ms + HOUR)
        incidents = [incident for incident in simulation.incidents if incident.start_ms < start_ms + HOUR]
        assert {incident.kind for incident in incidents} == set(KINDS)
        assert len(incidents) == 6
        assert all(incident.conversations for incident in incidents if incident.end_ms < simulation.now_ms)
        assert all(len(set(incident.conversations)) == len(incident.conversations) for incident in incidents)


def test_incidents_are_known_only_once_they_have_begun():
    simulation = Simulation(SimulationSettings())
    assert simulation.incidents == []
    for _ in islice(simulation.events(), 3_000):
        assert all(incident.start_ms <= simulation.now_ms for incident in simulation.incidents)
    assert simulation.incidents


def test_a_silent_agent_says_nothing_and_customers_wait(day):
    simulation, events = day
    incidents = [incident for incident in simulation.incidents if incident.kind == "agent_silent"]
    assert incidents
    talks = by_conversation(events)
    for incident in incidents:
        during = [event for event in events if incident.start_ms <= event["sent_at"] < incident.end_ms]
        said = [event for event in during if event["sender"] == "agent" and event["agent_id"] == incident.agent_id]
        assert [event for event in said if event["kind"] == "message"] == []
        for conversation_id in incident.conversations:
            talk = [event for event in talks[conversation_id] if event["kind"] == "message"]
            waits = longest_wait(talk, incident.end_ms)
            assert waits >= 2 * MINUTE


def longest_wait(talk: list[Event], end_ms: int) -> int:
    longest, since = 0, None
    for event in talk:
        if event["sender"] == "customer" and since is None:
            since = event["sent_at"]
        elif event["sender"] == "agent" and since is not None:
            longest, since = max(longest, event["sent_at"] - since), None
    return max(longest, end_ms - since) if since is not None else longest


def test_a_slow_queue_answers_after_more_than_a_minute(day):
    simulation, events = day
    talks = by_conversation(events)
    incidents = [incident for incident in simulation.incidents if incident.kind == "queue_slow"]
    assert incidents
    for incident in incidents:
        for conversation_id in incident.conversations:
            assert longest_wait(talks[conversation_id], incident.end_ms) > MINUTE
            assert any(event["queue"] == incident.queue for event in talks[conversation_id])


def test_a_flood_brings_the_shop_many_more_customers(day):
    simulation, events = day
    incidents = [incident for incident in simulation.incidents if incident.kind == "promotion_flood"]
    assert incidents
    opened = [(talk[0]["sent_at"], talk[0]["shop"]) for talk in by_conversation(events).values()]
    for incident in incidents:
        length = incident.end_ms - incident.start_ms
        before, during = (
            sum(shop == incident.shop and begin <= at < begin + length for at, shop in opened)
            for begin in (incident.start_ms - length, incident.start_ms)
        )
        assert during > 3 * before and during > 20
        assert len(incident.conversations) > 20


def test_rude_words_are_said_by_rude_agents_only(day):
    simulation, events = day
    rude = tuple(line for script in SCRIPTS.values() for line in script.rude)
    spoken = {event["conversation_id"] for event in events if event["text"] in rude}
    incidents = [incident for incident in simulation.incidents if incident.kind == "rude_agent"]
    assert spoken == {conversation_id for incident in incidents for conversation_id in incident.conversations}
    for incident in incidents:
        for event in events:
            if event["text"] in rude and incident.start_ms <= event["sent_at"] < incident.end_ms:
                assert event["agent_id"] == incident.agent_id


def test_angry_customers_write_several_bad_lines_in_a_row_and_ask_for_more(day):
    simulation, events = day
    talks = by_conversation(events)
    incidents = [incident for incident in simulation.incidents if incident.kind == "angry_customers"]
    assert incidents
    for incident in incidents:
        assert len(incident.conversations) >= 3
        for conversation_id in incident.conversations:
            script = SCRIPTS[talks[conversation_id][0]["lang"]]
            bad = said_from(script.angry, talks[conversation_id])
            assert len(bad) >= 3
    ended = [incident for incident in incidents if incident.end_ms < simulation.now_ms - 10 * MINUTE]
    escalated = sum(
        bool(said_from(SCRIPTS[talks[key][0]["lang"]].escalations, talks[key]))
        for incident in ended
        for key in incident.conversations
    )
    assert escalated >= 0.8 * sum(len(incident.conversations) for incident in ended)


def said_from(lines: tuple[str, ...], talk: list[Event]) -> list[str]:
    """The customer's lines that begin like one of these; the last characters may be an emoji or a slip."""
    starts = {line[:2] for line in lines}
    return [event["text"] for event in talk if event["sender"] == "customer" and event["text"][:2] in starts]


def test_an_incident_is_a_json_object(day):
    simulation, _ = day
    record = orjson.loads(orjson.dumps(simulation.incidents[0].record()))
    assert record.keys() == {"id", "kind", "start_ms", "end_ms", "scope", "conversations"}
    assert record["scope"].keys() == {"shop", "queue", "agent_id"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("shops", 0),
        ("conversations_per_hour", 0),
        ("repeat_share", 1.5),
        ("languages", {"fr": 1.0}),
        ("languages", {"zh": 0.5}),
        ("incident_kinds", ("earthquake",)),
        ("incidents_per_hour", -1),
        ("reply_median_s", 0),
    ],
)
def test_settings_that_make_no_sense_are_refused_by_name(field: str, value: object):
    with pytest.raises(ValueError, match=field):
        SimulationSettings(**{field: value})


@pytest.mark.parametrize("rate", [0.0, 0.003, 0.1, 0.5])
def test_exactly_the_said_share_of_the_records_is_broken(rate: float):
    records = list(islice(spoil(simulate(SimulationSettings()), rate, seed=1), 3_000))
    good = [event_of(record) for record in records]
    assert sum(event is None for event in good) == int(3_000 * rate + 1e-9)


def test_broken_records_take_nothing_good_away():
    events = list(islice(simulate(SimulationSettings()), 900))
    records = spoil(events, 0.1, seed=2)
    assert [event for record in records if (event := event_of(record)) is not None] == events


def test_spoiling_is_the_same_for_the_same_seed_and_uses_every_defect():
    events = list(islice(simulate(SimulationSettings()), 300))
    first, again, other = (list(spoil(events, 0.1, seed=seed)) for seed in (1, 1, 2))
    assert first == again != other
    broken = {defect(events[0]) for defect in DEFECTS.values()}
    assert len(broken) == len(DEFECTS)
    assert all(event_of(record) is None for record in broken)


def test_a_spoiling_rate_that_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match="rate is 2"):
        spoil([], 2, seed=1)


def event_of(record: bytes) -> Event | None:
    """The event of a good record, None of a broken one; times are those of the first hours of a simulation."""
    try:
        event = orjson.loads(record)
    except orjson.JSONDecodeError:
        return None
    fits = event.keys() >= ALWAYS and event["sender"] in ("customer", "agent", "bot", "system")
    timely = fits and type(event["sent_at"]) is int and event["sent_at"] < DEFAULT_START_MS + 40 * HOUR
    return event if timely else None
