"""Topics on a real Kafka: made with the time that they need, refused where they have another, and a clock that outlasts outages."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from rich.console import Console

from jobs import clock
from jobs.doctor import check_kafka
from jobs.local.jars import fetch_jars
from jobs.local.java import find_java
from jobs.local.kafka import KafkaServer
from jobs.produce import EventProducer, ProduceError
from jobs.replaying import replay_file
from jobs.settings import Settings
from jobs.settings_file import load_settings
from jobs.topics import TopicError, check_partitions, create_topics, latest_time
from tests.integration.test_local_services import eventually


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaServer]:
    server = Generous(tmp_path_factory.mktemp("kafka"), find_java(), fetch_jars().kafka)
    server.start()
    server.wait()
    yield server
    server.stop()


class Generous(KafkaServer):
    """A broker as it comes: whoever names a topic makes it."""

    def settings(self) -> dict[str, object]:
        return {**super().settings(), "auto.create.topics.enable": "true"}


def settings_of(kafka: KafkaServer, namespace: str) -> Settings:
    return load_settings(kafka__bootstrap_servers=kafka.bootstrap_servers, namespace=namespace)


def test_a_producer_makes_no_topic_and_what_is_there_is_not_made_again(
    kafka: KafkaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_of(kafka, "early")
    for _ in range(2):
        with pytest.raises(ProduceError, match=r"does not exist; run `replywatch submit` first"):
            EventProducer(settings, settings.topic("messages"))
    assert len(create_topics(settings)) == 7
    with monkeypatch.context() as of_a_user_without_the_right:
        of_a_user_without_the_right.setattr(AdminClient, "create_topics", None)
        assert create_topics(settings) == []
    assert EventProducer(settings, settings.topic("messages")).partitions == settings.kafka.partitions
    assert check_kafka(settings).ok


def test_a_live_topic_with_its_producers_time_is_refused_with_what_to_do(kafka: KafkaServer) -> None:
    settings = settings_of(kafka, "made_by_others")
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    name = settings.topic("messages")
    admin.create_topics([NewTopic(name, 1, 1)])[name].result(20)
    told = rf"{name}: message.timestamp.type is CreateTime, LogAppendTime is needed: kafka-configs.sh .* --topic {name} --add-config"
    with pytest.raises(TopicError, match=told):
        create_topics(settings)
    check = check_kafka(settings)
    assert not check.ok
    assert "message.timestamp.type=LogAppendTime" in check.remedy


def test_more_readers_than_partitions_are_refused_and_what_a_topic_holds_is_known(kafka: KafkaServer, tmp_path: Path) -> None:
    settings = settings_of(kafka, "few")
    create_topics(settings)
    assert settings.kafka.partitions < 9
    check_partitions(settings)
    many = settings.model_copy(update={"flink": settings.flink.model_copy(update={"parallelism": 9})})
    with pytest.raises(TopicError, match=r"flink.parallelism is 9, and topic .* has \d partitions"):
        check_partitions(many)
    replay = settings.topic("replay")
    assert latest_time(settings, replay) is None
    events = [{"message_id": f"m{at}", "conversation_id": "c", "sent_at": 1_772_416_800_000 + at, "sender": "customer", "text": "?"} for at in range(3)]
    file = tmp_path / "messages.jsonl"
    file.write_bytes(b"\n".join(map(orjson.dumps, events)))
    page = io.StringIO()
    for expected in (False, True):
        replay_file(settings, file, 0.0, Console(file=page, width=200))
        assert ("take another --namespace" in page.getvalue()) is expected
    assert (latest_time(settings, replay) or 0) > 1_772_416_800_002


def test_the_clock_ticks_on_after_an_outage(kafka: KafkaServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "PAUSE_S", 0.2)
    settings = settings_of(kafka, "clock")
    create_topics(settings)
    stop = threading.Event()
    ticking = threading.Thread(target=clock.run_clock, args=(settings, 0.1, stop, 2))
    ticking.start()
    try:
        eventually(lambda: ticks(settings) > 0, 30)
        kafka.stop()
        assert not stop.wait(5)  # longer than a tick may be under way
        assert ticking.is_alive()
        kafka.start()
        kafka.wait()
        eventually(lambda: ticks(settings) > 0, 30)
        before = ticks(settings)
        eventually(lambda: ticks(settings) > before, 30)
    finally:
        stop.set()
        ticking.join(30)
    assert not ticking.is_alive()


def ticks(settings: Settings) -> int:
    """Records on the live topic; none while its partitions have no leader."""
    consumer = Consumer({"bootstrap.servers": settings.kafka.bootstrap_servers, "group.id": "ticks"})
    parts = [TopicPartition(settings.topic("messages"), partition) for partition in range(settings.kafka.partitions)]
    try:
        return sum(consumer.get_watermark_offsets(part, timeout=10)[1] for part in parts)
    except KafkaException as error:
        assert error.args[0].code() == KafkaError.NOT_LEADER_FOR_PARTITION
        return 0
    finally:
        consumer.close()
