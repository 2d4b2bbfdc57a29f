"""The monitor: the dataflow, one line a step, the shape behind it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from pyflink.datastream import DataStream, StreamExecutionEnvironment
from pyflink.table import StreamTableEnvironment, Table

from jobs import bridge, reader
from jobs.kafka_tables import write_records
from jobs.key_groups import key_group_names
from jobs.redis_alerts import RedisPublisher
from jobs.settings import Settings
from jobs.topics import OUTPUTS
from models.satisfaction import load_satisfaction
from udfs.converse import Context
from udfs.operators import KEYED, RECORDS, Converse, Publish
from udfs.operators_read import Read
from udfs.rules import RuleSet


@dataclass(frozen=True, slots=True)
class Streams:
    """What the monitor puts out."""

    alerts: DataStream  # (dedup key, alert)
    records: DataStream  # (topic, key, JSON): alerts, sessions, late records, repeats, dead letters


def build(
    tables: StreamTableEnvironment, messages: Table, settings: Settings, rules: RuleSet
) -> Streams:
    """Wire the monitor over a table of messages (body, partition, offset, rowtime). Nothing here opens a connection, but to ask a model
    server for its version."""
    context = Context(
        settings.limits(rules), rules, reader.model_version(settings), settings.time.zone, settings.input_topic,
        load_satisfaction(settings.scoring.satisfaction),
    )  # fmt: skip
    topics = {name: settings.topic(name) for name in OUTPUTS}

    groups = key_group_names(settings.flink.max_parallelism)
    read = Read(partial(reader.make_reader, settings, rules), groups)
    events = bridge.read_vectorised(tables, messages, read, "read")  #      (key group, events)    one process, Arrow batches
    talk = (
        bridge.keyed(events)  #                                              keyed by key group, in Java
        .process(Converse(context, topics), output_type=KEYED)  #            (dedup key, alert)     one state a conversation
        .name("converse")
        .uid("converse")
    )
    records = talk.get_side_output(RECORDS)  #                              (topic, key, JSON)
    return Streams(talk, records)


def publish(env: StreamExecutionEnvironment, tables: StreamTableEnvironment, streams: Streams, settings: Settings) -> None:
    """Send alerts to Redis, and all records to Kafka."""
    told = (
        streams.alerts.process(Publish(partial(RedisPublisher, settings)), output_type=KEYED).name("publish").uid("publish")
    )
    bridge.discard(told, "published")
    write_records(tables, streams.records, settings)
    bridge.name_rest(env, "write")

