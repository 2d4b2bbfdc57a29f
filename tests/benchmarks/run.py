"""Measures the monitor and what it is measured against: `python -m tests.benchmarks.run`.

Starts Kafka, Redis and a Flink cluster with one TaskManager, writes one topic, and runs everything over it: a warm-up, then
`--runs` rounds in which each benchmark runs once, so that a slow minute of the machine meets all of them. Prints a table
and writes build/bench.json.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import sys
import tempfile
import time
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console

from jobs.local.stack import LocalStack
from jobs.package import application
from jobs.settings import Settings
from jobs.settings_file import load_settings
from jobs.topics import create_topics
from tests.benchmarks import latency, report
from tests.benchmarks.bars import progress_bar, task
from tests.benchmarks.flink_jobs import Bench
from tests.benchmarks.own_process import BYTEWAX, provide_bytewax
from tests.benchmarks.plan import BUILD, LATENCY, NAMES, Plan, parse
from tests.benchmarks.rounds import rounds
from tests.benchmarks.topic import write_topic

ABOUT = {
    "job_null": "the whole job with the null scorer: Kafka to Kafka and Redis, to the last session",
    "job_model": "the whole job with the model, over the first messages of the topic",
    "flink_sql_session": "Flink SQL's SESSION window in Java, JSON in, counts and times out to a black hole",
    "bytewax_session": "Bytewax's fold_window over a SessionWindower, one worker, the first messages of the topic",
}
NOTES = [
    "A run is measured from the first look at which records had passed the keyed step to the end; start-up is left out.",
    "CPU seconds of the Flink rows: the TaskManager with all of its Python processes, user and system. The JobManager is "
    "counted apart (job_manager_cpu_seconds in the runs); Kafka, Redis and this program are not counted.",
    "Flink: parallelism 1, one TaskManager, hashmap state, checkpoints as in conf/settings.yaml. Ticks are not counted as messages.",
    "Bytewax: CPU seconds of its one process, its Kafka client's threads included; no recovery is switched on.",
    "Simulated texts of 12 characters and more end with a made-up word, so that they don't repeat; shorter ones do, and the "
    "scorer remembers 4,096 texts, in the job and bare alike: see unique_texts beside texts, and bare_model.unseen_texts.",
    "scoring_share: job_model's messages a second by the bare model's over the same messages, batches and threads, median of "
    "the rounds' ratios. No process is pinned to a core; torch has the same number of threads in both.",
    "alert_latency_ms: LogAppendTime of an insulting message to a Redis subscriber; with the model of job_model.",
]


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, write."""
    plan = parse(sys.argv[1:] if arguments is None else arguments)
    console = Console()
    if plan.wants("bytewax_session"):
        provide_bytewax(console)
    document: dict[str, Any] = {
        "measured_at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "machine": report.machine(),
    }
    started = time.monotonic()
    os.environ.setdefault("REPLYWATCH_HASH_KEY", secrets.token_hex(16))
    with tempfile.TemporaryDirectory(prefix="replywatch-bench-") as scratch:
        try:
            document |= measure(plan, Path(scratch), console)
        except Exception:
            logs, kept = Path(scratch) / "stack" / "flink" / "log", BUILD / "bench" / "log"
            if logs.is_dir():
                shutil.copytree(logs, kept, dirs_exist_ok=True)
                console.print(f"the cluster's logs are kept in {kept}")
            raise
    document["seconds"] = round(time.monotonic() - started)
    document["marks"] = report.marks(document)
    plan.output.parent.mkdir(parents=True, exist_ok=True)
    plan.output.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    show(document, plan.output, console)
    return 0


def measure(plan: Plan, scratch: Path, console: Console) -> dict[str, Any]:
    """Start the services and run everything; the figures."""
    with (
        progress_bar(console) as bar,
        LocalStack(scratch / "stack", metrics=True, console=console) as stack,
    ):
        settings = load_settings(
            input="replay",
            kafka__bootstrap_servers=stack.bootstrap_servers,
            redis__url=stack.redis_url,
            flink__rest_url=stack.flink_url,
        )
        facts = write_topic(settings, plan.messages, task(bar, "write the topic", plan.messages))
        create_topics(settings)
        bench = Bench(stack, application(scratch / "application"), settings, facts)
        runs, bare = rounds(plan, bench, bar)
        rate = plan.rate
        if not rate and plan.wants(LATENCY):
            rate = median(run.messages_per_second for run in runs["job_model"]) / 3
        times = None
        if plan.wants(LATENCY):
            with bench.monitor(input="live", scoring__model=plan.model):
                live = settings.model_copy(update={"input": "live"})
                advance = task(bar, f"alert latency at {rate:,.0f} messages/s", plan.latency_samples)
                times = latency.measure(live, rate, plan.latency_samples, advance)
    sizes = {"job_model": plan.model_messages, "bytewax_session": plan.bytewax_messages}
    for run, alone in zip(runs["job_model"], bare, strict=True):
        run.notes["bare_model_messages_per_second"] = alone["messages"] / alone["seconds"]
    rows = [report.row(name, runs[name], sizes.get(name, plan.messages), ABOUT[name]) for name in NAMES if runs[name]]
    return {
        "rows": rows,
        "alert_latency_ms": times,
        "scoring_share": report.scoring_share(runs["job_model"]) if bare else None,
        "bare_model": bare,
        "sizes": {
            **facts.to_json(),
            "runs": plan.runs,
            "job_model_messages": plan.model_messages,
            "bytewax_messages": plan.bytewax_messages,
            "model": plan.model,
        },
        "settings": shown(settings),
        "notes": NOTES,
    }


def shown(settings: Settings) -> dict[str, Any]:
    """The settings that the figures depend on, and the versions of what was measured."""
    values = settings.model_dump(mode="json", include={"flink": True, "time": True, "scoring": True})
    versions = {name: version(name) for name in ("apache-flink", "torch", "transformers", "confluent-kafka", "orjson")}
    return {
        **values,
        "state_backend": "hashmap",
        "partitions": 1,
        "versions": {**versions, "bytewax": BYTEWAX.partition("==")[2]},
    }


def show(document: dict[str, Any], path: Path, console: Console) -> None:
    """The table, and the figures with a mark."""
    console.print(report.table(document))
    if times := document["alert_latency_ms"]:
        console.print(
            f"alert latency: p50 {times['p50']} ms, p99 {times['p99']} ms over {times['samples']} alerts at {times['rate']:,} messages/s"
        )
    for name, mark in document["marks"].items():
        console.print(
            f"{name}: {mark['value']} ({'at most' if name.endswith('_ms') else 'at least'} {mark['mark']}: {'met' if mark['met'] else 'not met'})"
        )
    console.print(f"written to {path}")


if __name__ == "__main__":
    sys.exit(main())
