"""What the Flink client runs: `flink run -pym jobs.submit`. Settings come as one JSON argument, secrets never do."""

from __future__ import annotations

import argparse
import sys

from pyflink.common import Configuration
from pyflink.datastream import StreamExecutionEnvironment
from pyflink.table import StreamTableEnvironment

from jobs import monitor
from jobs.kafka_tables import read_messages
from jobs.settings import Settings
from udfs.rules import RuleSet

BUFFER_TIMEOUT_MS = 5
"""How long a half-full network buffer waits between two steps. Flink's 100 ms would be most of an alert's latency; full
buffers don't wait."""


def flink_options(settings: Settings) -> dict[str, str]:
    """Flink options that the job itself depends on; they must be set before the first Table is made."""
    flink = settings.flink
    return {
        "python.execution-mode": "thread",
        "python.fn-execution.bundle.size": str(flink.bundle_size),
        "python.fn-execution.bundle.time": str(flink.bundle_time_ms),
        "python.fn-execution.arrow.batch.size": str(flink.batch_size),
        "execution.buffer-timeout.interval": f"{BUFFER_TIMEOUT_MS} ms",
        "pipeline.max-parallelism": str(flink.max_parallelism),
        "pipeline.name": settings.job_name,
        "execution.checkpointing.interval": f"{round(flink.checkpoint_seconds * 1_000)} ms",
        "table.local-time-zone": "UTC",
    }


def environment(settings: Settings) -> tuple[StreamExecutionEnvironment, StreamTableEnvironment]:
    """The two environments of a job with its options set."""
    configuration = Configuration()
    for name, value in flink_options(settings).items():
        configuration.set_string(name, value)
    env = StreamExecutionEnvironment.get_execution_environment(configuration)
    env.set_parallelism(settings.flink.parallelism)
    return env, StreamTableEnvironment.create(env)


def main(arguments: list[str]) -> None:
    """Build the monitor and hand it to the cluster."""
    parser = argparse.ArgumentParser(prog="jobs.submit", description=__doc__)
    parser.add_argument("--settings", required=True, help="effective settings as JSON, without secrets")
    parser.add_argument("--rules", required=True, help="rules as JSON")
    options = parser.parse_args(arguments)
    settings = Settings.model_validate_json(options.settings)
    rules = RuleSet.model_validate_json(options.rules)
    env, tables = environment(settings)
    streams = monitor.build(tables, read_messages(tables, settings), settings, rules)
    monitor.publish(env, tables, streams, settings)
    env.execute(settings.job_name)


if __name__ == "__main__":
    main(sys.argv[1:])
