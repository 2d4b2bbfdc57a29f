"""The account: is every record that was produced in exactly one of sessions, repeats, late records, dead letters, events?

Read back from the topics alone. Each record of the input topic is read again with the job's own reader; repeats, late
records and dead letters name their origin; what is left must be, by number and by digest, what the sessions hold.
Records are written at least once, so each is counted by its identity.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import orjson
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

from jobs.environment import hash_key
from jobs.settings import Settings
from jobs.topics import OUTPUTS, client_options
from models.scorer import NullScorer
from udfs.events import FLAGS, ID_HASH, KIND_MASK, unpack
from udfs.gathering import is_dead_letter
from udfs.phrase_rules import PhraseMatcher
from udfs.privacy import Masker
from udfs.reading import Reader

MODULUS = 2**64
Origin = tuple[int, int]  # partition, offset

IDENTITY = {
    "sessions": {"session_id", "messages", "message_digest"},
    "alerts": {"alert_id", "revision"},
    **{stream: {"topic", "partition", "offset"} for stream in ("late", "duplicates", "dead-letters")},
}
"""The fields by which a record of an output topic is counted."""


@dataclass
class Account:
    """What has been read from the topics so far; `update` reads on."""

    settings: Settings
    ticks: int = 0
    messages: dict[Origin, int] = field(default_factory=dict)  # origin → hash, of records that are messages
    others: set[Origin] = field(default_factory=set)  # records of other kinds
    refused: set[Origin] = field(default_factory=set)  # what the reader refuses, so must be dead letters
    dead_letters: set[Origin] = field(default_factory=set)
    duplicates: set[Origin] = field(default_factory=set)
    late: set[Origin] = field(default_factory=set)
    sessions: dict[str, tuple[int, int]] = field(default_factory=dict)  # id → messages, digest
    alerts: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        settings = self.settings
        self._reader = Reader(
            NullScorer(), PhraseMatcher([]), Masker(), hash_key(), settings.input_topic, settings.time_limits(), 0
        )
        self._consumer = Consumer(
            {
                **client_options(settings),
                "group.id": f"{settings.kafka.group_id}-account",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
            }
        )
        self._topics = {settings.topic(name): name for name in OUTPUTS}
        names = [settings.input_topic, *self._topics]
        known = self._consumer.list_topics(timeout=30).topics
        missing = [name for name in names if name not in known]
        if missing:
            raise KafkaException(f"topics {', '.join(missing)} do not exist")
        self._parts = [TopicPartition(name, p, OFFSET_BEGINNING) for name in names for p in known[name].partitions]
        self._consumer.assign(self._parts)
        self._read_through: set[tuple[str, int]] = set()

    def close(self) -> None:
        """Leave Kafka."""
        self._consumer.close()

    def update(self, seconds: float = 0.2) -> int:
        """Take what has come since, for about so long; how many records that were."""
        taken = 0
        until = time.monotonic() + seconds
        while records := self._consumer.consume(2_000, timeout=max(0.0, until - time.monotonic())):
            # Where more comes than is taken, whoever waits for the figures must see some.
            inputs = []
            for record in records:
                if record.error():
                    if record.error().code() != KafkaError._PARTITION_EOF:
                        raise KafkaException(record.error())
                    self._read_through.add((record.topic(), record.partition()))
                    continue
                taken += 1
                if record.topic() == self.settings.input_topic:
                    inputs.append(record)
                else:
                    self._output(self._topics[record.topic()], record.value())
            self._input(inputs)
            if time.monotonic() >= until + seconds:
                break
        return taken

    @property
    def read_through(self) -> bool:
        """Whether every partition was read to its end, once at least."""
        return len(self._read_through) == len(self._parts)

    @property
    def produced(self) -> int:
        """Records of the input topic, ticks not counted."""
        return len(self.messages) + len(self.others) + len(self.refused)

    @property
    def events(self) -> int:
        """Records without a message that are neither repeats nor late."""
        return len(self.others - self.duplicates - self.late)

    @property
    def in_sessions(self) -> int:
        """Messages that the sessions hold."""
        return sum(messages for messages, _ in self.sessions.values())

    @property
    def accounted(self) -> bool:
        """Whether every record produced is in exactly one of the five."""
        apart = self.duplicates | self.late
        left = {origin: digest for origin, digest in self.messages.items() if origin not in apart}
        return (
            self.refused == self.dead_letters
            and not self.duplicates & self.late
            and len(left) == self.in_sessions
            and sum(left.values()) % MODULUS == sum(digest for _, digest in self.sessions.values()) % MODULUS
        )

    def _input(self, records: list[Any]) -> None:
        batch = self._reader.read(
            [record.value() for record in records],
            [record.partition() for record in records],
            [record.offset() for record in records],
            [record.timestamp()[1] for record in records],
        )
        for record, key, value in zip(records, batch.keys, batch.values, strict=True):
            origin = record.partition(), record.offset()
            if key is None or value is None:
                self.ticks += 1
            elif is_dead_letter(key):
                self.refused.add(origin)
            elif (row := unpack(value))[FLAGS] & KIND_MASK:
                self.others.add(origin)
            else:
                self.messages[origin] = int(row[ID_HASH], 16)

    def _output(self, stream: str, value: bytes | None) -> None:
        record = readable_output(stream, value)
        if record is None:
            return
        if stream == "sessions":
            self.sessions[record["session_id"]] = record["messages"], record["message_digest"]
        elif stream == "alerts":
            self.alerts[record["alert_id"], record["revision"]] = record
        else:
            target = {"late": self.late, "duplicates": self.duplicates, "dead-letters": self.dead_letters}[stream]
            if record["topic"] == self.settings.input_topic:
                target.add((record["partition"], record["offset"]))


def readable_output(stream: str, value: bytes | None) -> dict[str, Any] | None:
    """A record of an output topic; None for a tombstone, and for what somebody else has written there."""
    try:
        record = orjson.loads(value or b"null")
    except orjson.JSONDecodeError:
        return None
    return record if isinstance(record, dict) and record.keys() >= IDENTITY[stream] else None
