"""The messages that everything is measured on: simulated once, and written once to a topic of one partition.

One partition keeps "the first N messages" the same ones in the same order for every reader. The records carry the times
at which they were written, so a reader goes through hours of simulated conversation as fast as it can.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

from confluent_kafka.admin import AdminClient, NewTopic

from jobs.produce import EventProducer
from jobs.replay import Replayer
from jobs.settings import Settings
from jobs.topics import REPLAYED
from udfs.simulate import Simulation, SimulationSettings

SIMULATED = SimulationSettings(seed=7, shops=20, conversations_per_hour=30_000.0, daily_rhythm=False)
"""As busy as thirty thousand conversations an hour, all the time: 600,000 messages are some 45,000 conversations."""

CREATE_TIMEOUT_S = 30.0
LONG_TEXT = 12
"""Characters from which on people hardly ever write the same line twice; "thanks" and "在吗" they do write."""

SYLLABLES = [consonant + vowel for consonant in "bdfghjklmnprstvz" for vowel in "aeiou"]


@dataclass(slots=True)
class TopicFacts:
    """What lies in the topic. `texts` are messages with text, `unique_texts` the different ones among them."""

    messages: int = 0
    ticks: int = 0
    conversations: int = 0
    texts: int = 0
    unique_texts: int = 0
    simulated_minutes: float = 0.0
    last_tick_ms: int = 0

    def to_json(self) -> dict[str, Any]:
        """The facts as they are reported."""
        return asdict(self)


def simulated(messages: int) -> Iterator[dict[str, Any]]:
    """The first `messages` events of the simulation, always the same; no two of the longer texts are alike."""
    return (varied(event, number) for number, event in enumerate(islice(Simulation(SIMULATED).events(), messages)))


def varied(event: dict[str, Any], number: int) -> dict[str, Any]:
    """The event with a made-up word at the end of its text, a longer one's only.

    The simulator has a few thousand sentences. A scorer that remembers texts would hardly be measured on them.
    """
    text = event.get("text", "")
    return {**event, "text": f"{text} {made_up_word(number)}"} if len(text) >= LONG_TEXT else event


def made_up_word(number: int) -> str:
    """A word for a number below 40 million: four syllables, another word for each number."""
    base = len(SYLLABLES)
    return "".join(SYLLABLES[number // base**place % base] for place in range(4))


def write_topic(settings: Settings, messages: int, advance: Callable[[int], None] = lambda sent: None) -> TopicFacts:
    """Make the input topic and write `messages` events with the ticks that a replay has; `advance` hears the number sent."""
    admin = AdminClient({"bootstrap.servers": settings.kafka.bootstrap_servers})
    made = admin.create_topics([NewTopic(settings.input_topic, 1, 1, config=dict(REPLAYED))])
    made[settings.input_topic].result(CREATE_TIMEOUT_S)
    producer = _Counting(settings, settings.input_topic)
    facts = TopicFacts()
    conversations: set[str] = set()
    texts: set[int] = set()
    first_ms = 0

    def noted() -> Iterator[tuple[int, dict[str, Any]]]:
        nonlocal first_ms
        for event in simulated(messages):
            first_ms = first_ms or event["sent_at"]
            facts.messages += 1
            conversations.add(event["conversation_id"])
            if text := event.get("text"):
                facts.texts += 1
                texts.add(hash(text))
            if facts.messages % 1_000 == 0:
                advance(facts.messages)
            yield event["sent_at"], event

    replayer = Replayer(producer)
    replayer.run(noted())
    facts.simulated_minutes = round((replayer.now_ms - first_ms) / 60_000, 1)
    replayer.finish(settings)
    facts.conversations, facts.unique_texts = len(conversations), len(texts)
    facts.ticks, facts.last_tick_ms = producer.ticks, replayer.now_ms
    advance(facts.messages)
    return facts


class _Counting(EventProducer):
    """A producer that counts its ticks, too."""

    ticks = 0

    def tick(self, at_ms: int) -> None:
        """Tell every partition what time it is."""
        super().tick(at_ms)
        self.ticks += self.partitions
