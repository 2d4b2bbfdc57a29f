"""Replays of files and of the simulator, with a progress bar."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

from rich.console import Console

from jobs.produce import EventProducer
from jobs.replay import Replayer, Timed
from jobs.settings import Settings
from jobs.topics import create_topics, latest_time
from models.progress import counted
from udfs.alerts import iso
from udfs.formats import open_messages
from udfs.simulate import Simulation, SimulationSettings

MINUTE_MS = 60_000
AS_IN_LIFE = 1.0


def replay_file(settings: Settings, path: Path, speed: float, console: Console) -> int:
    """Write a file's events to the replay topic, then the last ticks; the number written."""
    reading = open_messages(path)
    for note in reading.notes:
        console.print(f"{reading.path}: {note}", highlight=False)
    if reading.refused_count:
        line, reason = reading.refused[0]
        console.print(f"{reading.refused_count} records refused, the first in line {line}: {reason}", highlight=False)
    create_topics(settings)
    _tell_of_earlier(settings, next((int(event["sent_at"]) for event in reading.events), None), console)
    producer = EventProducer(settings, settings.topic("replay"))
    replayer = Replayer(producer, speed)
    with counted(console) as progress:
        task = progress.add_task(f"replaying {reading.path.name}", total=reading.count)
        events = progress.track(reading.events, total=reading.count, task_id=task)
        sent = replayer.run((event["sent_at"], event) for event in events)
    replayer.finish(settings)
    console.print(f"{sent} events on {producer.topic}", highlight=False)
    return sent


def simulate_replay(settings: Settings, seed: int, speed: float, minutes: float, console: Console) -> int:
    """Write so many simulated minutes to the replay topic, then the last ticks; the number of events."""
    create_topics(settings)
    simulation = Simulation(SimulationSettings(seed=seed))
    _tell_of_earlier(settings, simulation.now_ms, console)
    producer = EventProducer(settings, settings.topic("replay"))
    replayer = Replayer(producer, speed)
    sent = _simulate(simulation, replayer, minutes, console)
    replayer.finish(settings)
    console.print(f"{sent} events on {producer.topic}", highlight=False)
    return sent


def simulate_live(settings: Settings, seed: int, minutes: float, console: Console) -> int:
    """Write so many minutes of simulated conversations to the live topic as they would happen; the number of events."""
    create_topics(settings)
    producer = EventProducer(settings, settings.topic("messages"))
    # The topic has its own clock: this one must not tick in its place.
    replayer = Replayer(producer, AS_IN_LIFE, ticks=False)
    simulation = Simulation(SimulationSettings(seed=seed, start_ms=time.time_ns() // 1_000_000))
    sent = _simulate(simulation, replayer, minutes, console)
    producer.flush()
    console.print(f"{sent} events on {producer.topic}", highlight=False)
    return sent


def _tell_of_earlier(settings: Settings, first_ms: int | None, console: Console) -> None:
    """Say so where the topic holds later records: a job that has read those takes older ones for late, and tells nothing of them."""
    name = settings.topic("replay")
    latest = latest_time(settings, name)
    if latest is not None and first_ms is not None and latest > first_ms:
        console.print(
            f"{name} holds records up to {iso(latest)}, and this begins at {iso(first_ms)}: a job that has read those finds this late; for sessions "
            "and alerts of its own take another --namespace",
            soft_wrap=True,
        )


def _simulate(simulation: Simulation, replayer: Replayer, minutes: float, console: Console) -> int:
    end_ms = simulation.now_ms + round(minutes * MINUTE_MS)
    with counted(console) as progress:
        task = progress.add_task("simulating, minutes", total=round(minutes))

        def watched() -> Iterator[Timed]:
            for event in takewhile(lambda event: event["sent_at"] < end_ms, simulation.events()):
                progress.update(task, completed=minutes - (end_ms - event["sent_at"]) // MINUTE_MS)
                yield event["sent_at"], event

        sent = replayer.run(watched())
    console.print(f"incidents: {len(simulation.incidents)}", highlight=False)
    return sent
