"""The topics: their names, settings, and how they are made."""

from __future__ import annotations

import logging
import time
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Final

from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic, OffsetSpec, ResourceType
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_fixed

from jobs.kafka_options import check_options
from jobs.kafka_security import client_security
from jobs.settings import Settings

LOG = logging.getLogger(__name__)

OUTPUTS: Final = ("alerts", "sessions", "late", "duplicates", "dead-letters")
TIME: Final = "message.timestamp.type"
BY_BROKER_CLOCK: Final = {TIME: "LogAppendTime"}
REPLAYED: Final = {
    TIME: "CreateTime",
    "retention.ms": "-1",  # retention works on the record's own time: replayed years would be deleted at once
    "message.timestamp.before.max.ms": str(2**63 - 1),
    "message.timestamp.after.max.ms": str(2**63 - 1),
}

LOOK_S = 5.0
"""How long it is looked which topics are there, before whoever makes one is told that nobody answers."""


class TopicError(RuntimeError):
    """Topics can't be made or are unfit; the message says what to do."""


def client_options(settings: Settings) -> dict[str, str | int]:
    """What every Kafka client of ours starts from. The client library keeps its log to itself: faults are raised. FileError for
    options that no client takes."""
    kafka = settings.kafka
    check_options(kafka)
    return {"bootstrap.servers": kafka.bootstrap_servers, "log_level": 0, **client_security(kafka), **kafka.options}


def topic_settings(settings: Settings) -> dict[str, dict[str, str]]:
    """Every topic's full name with the settings it needs."""
    wanted = {settings.topic("messages"): BY_BROKER_CLOCK, settings.topic("replay"): REPLAYED}
    wanted.update({settings.topic(name): BY_BROKER_CLOCK for name in OUTPUTS})
    return wanted


def create_topics(settings: Settings, timeout_seconds: float = 30) -> list[str]:
    """Make the topics that do not exist yet; the names of those made.

    TopicError if the broker refuses, or where a topic that was there has another kind of time than it needs.
    """
    faults: list[KafkaError] = []
    admin = AdminClient({**client_options(settings), "error_cb": faults.append})
    wanted = topic_settings(settings)
    # What is there isn't asked for: a user who may not make topics is refused those, too.
    there = _topics(admin, min(timeout_seconds, LOOK_S))
    new = [
        NewTopic(name, max(settings.kafka.partitions, settings.flink.parallelism), settings.kafka.replication, config=dict(config))
        for name, config in wanted.items()
        if name not in there
    ]
    made = []
    for name, future in (admin.create_topics(new, operation_timeout=timeout_seconds) if new else {}).items():
        try:
            future.result(timeout_seconds)
            made.append(name)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise TopicError(
                    f"topic {name} at {settings.kafka.bootstrap_servers}: {error.args[0].str()}; create it by hand or "
                    "check kafka.bootstrap_servers and the user's rights"
                ) from error
        except FutureTimeout as error:
            admin.poll(0)  # the client tells here what it met meanwhile: nobody there, or a wrong password
            met = f" ({faults[-1].str()})" if faults else ""
            raise TopicError(
                f"topic {name} at {settings.kafka.bootstrap_servers}: no answer for {timeout_seconds:g} s{met}; check "
                "kafka.bootstrap_servers, kafka.security, the user and the password"
            ) from error
    _wait_until_visible(admin, set(wanted), timeout_seconds)
    if faulty := wrong_time(admin, settings, timeout_seconds):
        raise TopicError("\n".join(faulty))
    return made


def check_partitions(settings: Settings, timeout_seconds: float = 30) -> None:
    """Raise TopicError where the job would have more readers than the topic it reads has partitions: one without a partition never
    says how far time has got, and without that no alarm fires and no session ends. Where readers may fall idle, it may be so."""
    name, readers = settings.input_topic, settings.flink.parallelism
    if settings.kafka.idle_timeout_seconds:
        return
    topics = AdminClient(client_options(settings)).list_topics(name, timeout=timeout_seconds).topics
    partitions = len(topics[name].partitions)
    if 0 < partitions < readers:
        raise TopicError(
            f"flink.parallelism is {readers}, and topic {name} has {partitions} partitions: readers without one would hold event time back for "
            f"ever. Give the topic more (kafka-topics.sh --bootstrap-server {settings.kafka.bootstrap_servers} --alter --topic {name} "
            f"--partitions {readers}; before the first message, since a conversation's partition changes), or set flink.parallelism to {partitions}"
        )


def latest_time(settings: Settings, name: str, timeout_seconds: float = 30) -> int | None:
    """The latest time of a topic's records, epoch ms; None where it holds none. KafkaException where the broker does not answer."""
    admin = AdminClient(client_options(settings))
    partitions = admin.list_topics(name, timeout=timeout_seconds).topics[name].partitions
    wanted = {TopicPartition(name, number): OffsetSpec.max_timestamp() for number in partitions}
    retrying = Retrying(
        retry=retry_if_exception(_is_moving), wait=wait_fixed(0.1), stop=stop_after_delay(timeout_seconds), reraise=True
    )
    found = retrying(lambda: [each.result() for each in admin.list_offsets(wanted, request_timeout=timeout_seconds).values()])
    return max((each.timestamp for each in found if each.offset >= 0), default=None)


def _is_moving(error: BaseException) -> bool:
    """Whether a partition has no leader at this moment, as one has that was made just now."""
    codes = (KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE)
    return isinstance(error, KafkaException) and error.args[0].code() in codes


def wrong_time(admin: AdminClient, settings: Settings, timeout_seconds: float) -> list[str]:
    """What is wrong with the time of the topics that are read, and how to mend it; nothing where all is well.

    On the live topic the broker's clock counts: by a producer's, one that is fast would move everybody's time. A topic that a
    client or another program has made mostly has it otherwise. KafkaException where the broker does not answer.
    """
    faulty = []
    wanted = topic_settings(settings)
    read = [ConfigResource(ResourceType.TOPIC, settings.topic(name)) for name in ("messages", "replay")]
    for topic, answer in admin.describe_configs(read, request_timeout=timeout_seconds).items():
        name = topic.name
        try:
            found = answer.result()[TIME].value  # ends with the request's time, as a KafkaException
        except KafkaException as error:
            if error.args[0].code() not in (
                KafkaError.TOPIC_AUTHORIZATION_FAILED,
                KafkaError.CLUSTER_AUTHORIZATION_FAILED,
            ):
                raise
            LOG.warning("topic %s: its settings may not be seen (%s): is its time right?", name, error.args[0].str())
            continue
        needed = wanted[name][TIME]
        if found != needed:
            faulty.append(
                f"topic {name}: {TIME} is {found}, {needed} is needed: kafka-configs.sh --bootstrap-server "
                f"{settings.kafka.bootstrap_servers} --alter --topic {name} --add-config {TIME}={needed}"
            )
    return faulty


def _topics(admin: AdminClient, timeout_seconds: float) -> set[str]:
    """The topics that are there and may be seen; none where the broker does not answer, which whoever makes one is told."""
    try:
        return set(admin.list_topics(timeout=timeout_seconds).topics)
    except KafkaException:
        return set()


def _wait_until_visible(admin: AdminClient, names: set[str], timeout_seconds: float) -> None:
    """A broker learns of new topics a moment after the controller has made them: until then it denies them."""
    deadline = time.monotonic() + timeout_seconds
    while missing := names - set(admin.list_topics(timeout=timeout_seconds).topics):
        if time.monotonic() > deadline:
            raise TopicError(
                f"topic {', '.join(sorted(missing))}: made, but no broker shows it after {timeout_seconds:g} s; check the "
                "brokers' logs"
            )
        time.sleep(0.1)
