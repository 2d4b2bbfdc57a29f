"""The Kafka topics as Flink tables: messages in with their origin, records out with their key."""

from __future__ import annotations

from pyflink.datastream import DataStream
from pyflink.table import Schema, StreamTableEnvironment, Table

from jobs.kafka_security import flink_security
from jobs.settings import Settings
from jobs.topics import OUTPUTS


def read_messages(tables: StreamTableEnvironment, settings: Settings) -> Table:
    """The input topic as a table (body, partition, offset, rowtime); event time is the Kafka record's own time."""
    kafka = settings.kafka
    options = {
        "connector": "kafka",
        "topic": settings.input_topic,
        "properties.bootstrap.servers": kafka.bootstrap_servers,
        "properties.group.id": _group(settings),
        "properties.auto.offset.reset": kafka.start,
        "scan.topic-partition-discovery.interval": "60 s",
        "scan.startup.mode": "group-offsets",
        "format": "raw",
        **_properties(settings),
    }
    if kafka.idle_timeout_seconds:
        options["scan.watermark.idle-timeout"] = f"{round(kafka.idle_timeout_seconds * 1_000)} ms"
    tables.execute_sql(
        f"""
        CREATE TEMPORARY TABLE messages (
            body BYTES,
            `partition` INT METADATA VIRTUAL,
            `offset` BIGINT METADATA VIRTUAL,
            rowtime TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
            WATERMARK FOR rowtime AS rowtime - INTERVAL '0.001' SECOND
        ) WITH ({_with(options)})
        """
    )
    return tables.from_path("messages")


def write_records(tables: StreamTableEnvironment, records: DataStream, settings: Settings) -> None:
    """Send (topic, key, JSON) records to their topics: at least once, the topic taken from the record."""
    options = {
        "connector": "kafka",
        "topic": ";".join(settings.topic(name) for name in OUTPUTS),
        "properties.bootstrap.servers": settings.kafka.bootstrap_servers,
        "key.format": "raw",
        "key.fields": "key",
        "value.format": "raw",
        "value.fields-include": "EXCEPT_KEY",
        "sink.delivery-guarantee": "at-least-once",
        "properties.linger.ms": "5",
        "properties.compression.type": "lz4",
        **_properties(settings),
    }
    tables.execute_sql(
        f"""
        CREATE TEMPORARY TABLE records (
            topic STRING METADATA,
            `key` STRING,
            `value` STRING
        ) WITH ({_with(options)})
        """
    )
    schema = (
        Schema.new_builder().column("f0", "STRING").column("f1", "STRING").column("f2", "STRING").build()
    )
    table = tables.from_data_stream(records, schema)
    statements = tables.create_statement_set()
    statements.add_insert("records", table.alias("topic", "key", "value").select(*_columns()))
    statements.attach_as_datastream()


def _properties(settings: Settings) -> dict[str, str]:
    """What the settings say of the job's Kafka clients, as options of a table."""
    kafka = settings.kafka
    return {f"properties.{name}": value for name, value in (flink_security(kafka) | kafka.flink_options).items()}


def _columns() -> list[object]:
    from pyflink.table.expressions import col

    return [col("topic"), col("key"), col("value")]


def _group(settings: Settings) -> str:
    return f"{settings.namespace}.{settings.kafka.group_id}" if settings.namespace else settings.kafka.group_id


def _with(options: dict[str, str]) -> str:
    return ", ".join(f"'{_quoted(name)}' = '{_quoted(value)}'" for name, value in options.items())


def _quoted(text: str) -> str:
    return text.replace("'", "''")
