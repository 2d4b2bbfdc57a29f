"""The engine's own ceiling: the same topic through Flink SQL's SESSION window, all in Java.

Counts and first and last times of each session go nowhere, so that nothing but reading, decoding, keying and windowing is
measured. Run by the Flink client: `flink run -pym flink_session --bootstrap-servers … --topic … --group …`.
"""

from __future__ import annotations

import argparse
import sys

SOURCE = """
CREATE TEMPORARY TABLE messages (
    conversation_id STRING,
    sender STRING,
    sent_at BIGINT,
    rowtime TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
    WATERMARK FOR rowtime AS rowtime - INTERVAL '0.001' SECOND
) WITH (
    'connector' = 'kafka',
    'topic' = '{topic}',
    'properties.bootstrap.servers' = '{servers}',
    'properties.group.id' = '{group}',
    'properties.auto.offset.reset' = 'earliest',
    'scan.startup.mode' = 'group-offsets',
    'format' = 'json',
    'json.ignore-parse-errors' = 'true'
)
"""
SINK = """
CREATE TEMPORARY TABLE sessions (
    conversation_id STRING, opened TIMESTAMP_LTZ(3), closed TIMESTAMP_LTZ(3), messages BIGINT,
    first_at BIGINT, last_at BIGINT
) WITH ('connector' = 'blackhole')
"""
# A tick has no conversation. It has moved the watermark in the source before it is dropped here.
SPOKEN = "CREATE TEMPORARY VIEW spoken AS SELECT * FROM messages WHERE conversation_id IS NOT NULL"
SESSIONS = """
INSERT INTO sessions
SELECT conversation_id, window_start, window_end, COUNT(*), MIN(sent_at), MAX(sent_at)
FROM TABLE(SESSION(
    TABLE spoken PARTITION BY conversation_id, DESCRIPTOR(rowtime), INTERVAL '{gap}' SECOND({digits})))
GROUP BY conversation_id, window_start, window_end
"""
OPERATOR = "WindowAggregate"
"""What the name of the keyed operator holds."""


def main(arguments: list[str]) -> None:
    """Hand the statement to the cluster."""
    from pyflink.table import EnvironmentSettings, TableEnvironment

    parser = argparse.ArgumentParser(prog="flink_session", description=__doc__)
    for name in ("--bootstrap-servers", "--topic", "--group", "--gap-seconds"):
        parser.add_argument(name, required=True)
    options = parser.parse_args(arguments)
    tables = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
    tables.get_config().set("parallelism.default", "1")
    tables.get_config().set("pipeline.name", "flink sql session")
    tables.execute_sql(SOURCE.format(topic=options.topic, servers=options.bootstrap_servers, group=options.group))
    tables.execute_sql(SINK)
    tables.execute_sql(SPOKEN)
    gap = options.gap_seconds
    tables.execute_sql(SESSIONS.format(gap=gap, digits=len(gap)))


if __name__ == "__main__":
    main(sys.argv[1:])
