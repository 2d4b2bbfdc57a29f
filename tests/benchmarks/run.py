"""Measures the monitor and what it is measured against: `python -m tests.benchmarks.run`.

Starts Kafka, Redis and a Flink cluster with one TaskManager, writes one topic, and runs everything over it: a warm-up, then
`--runs` rounds in which each benchmark runs once, so that a slow minute of the machine meets all of them. Prints a table
and writes build/bench.json.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timezone
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from jobs.local.stack import LocalStack
from jobs.package import application
from jobs.settings import Settings, load_settings
from jobs.topics import create_topics
from tests.benchmarks import flink_session, latency, report
from tests.benchmarks.flink_jobs import MONITOR_OPERATOR, Bench
from tests.benchmarks.report import Run
from tests.benchmarks.topic import write_topic

NAMES = ("job_null", "flink_sql_session", "job_model", "bytewax_session")
LATENCY = "alert_latency"
ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
BYTEWAX = "bytewax==0.21.1"
PROCESS_TIMEOUT_S = 1_800.0
WARM_UP_SHARE = 0.5
"""How much of a benchmark's messages its warm-up reads, at most."""

ABOUT = {
    "job_null": "the whole job with the null scorer: Kafka to Kafka and Redis, to the last session",
    "job_model": "the whole job with the shipped model, over the first messages of the topic",
    "flink_sql_session": "Flink SQL's SESSION window in Java, JSON in, counts and times out to a black hole",
    "bytewax_session": "Bytewax's fold_window over a SessionWindower, one worker, the first messages of the topic",
}
NOTES = [
    "A run is measured from the first look at which records had passed the keyed step to the end; start-up is left out.",
    "CPU seconds of the Flink rows: the TaskManager with all of its Python processes, user and system. The JobManager is "
    "counted apart (job_manager_cpu_seconds in the runs); Kafka, Redis and this program are not counted.",
    "Flink: parallelism 1, one TaskManager, hashmap state, checkpoints as in conf/settings.yaml. Ticks are not counted as messages.",
    "Bytewax: CPU seconds of its one process, its Kafka client's threads included; no recovery is switched on.",
    "Simulated texts repeat. The scorer remembers 4,096 of them, in the job and bare alike: see unique texts beside texts.",
    "scoring_share: job_model's messages a second by the bare model's over the same messages, batches and threads, median of "
    "the rounds' ratios. No process is pinned to a core; torch has the same number of threads in both.",
    "alert_latency_ms: LogAppendTime of an insulting message to a Redis subscriber; with the shipped model.",
]


class Plan(argparse.Namespace):
    """The arguments."""

    messages: int
    model_messages: int
    bytewax_messages: int
    latency_samples: int
    runs: int
    only: list[str]
    output: Path
    rate: float

    def wants(self, *names: str) -> bool:
        """Whether any of these is to be measured."""
        return any(name in self.only for name in names)


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, write."""
    plan = parse(sys.argv[1:] if arguments is None else arguments)
    console = Console()
    if plan.wants("bytewax_session"):
        provide_bytewax(console)
    document = {"measured_at": datetime.now(timezone.utc).isoformat(timespec="seconds"), "machine": report.machine()}
    started = time.monotonic()
    os.environ.setdefault("REPLYWATCH_HASH_KEY", secrets.token_hex(16))
    with tempfile.TemporaryDirectory(prefix="replywatch-bench-") as scratch:
        document |= measure(plan, Path(scratch), console)
    document["seconds"] = round(time.monotonic() - started)
    document["marks"] = report.marks(document)
    plan.output.parent.mkdir(parents=True, exist_ok=True)
    plan.output.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    show(document, plan.output, console)
    return 0


def parse(arguments: list[str]) -> Plan:
    """The arguments; sizes that were not given follow from --messages."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.run", description=__doc__.partition("\n")[0])
    parser.add_argument("--messages", type=int, default=600_000, help="records in the topic")
    parser.add_argument("--model-messages", type=int, help="of them for job_model (default: a fifth)")
    parser.add_argument("--bytewax-messages", type=int, help="of them for Bytewax (default: a tenth)")
    parser.add_argument("--latency-samples", type=int, help="alerts to time (default: 1,500, fewer for a small topic)")
    parser.add_argument(
        "--rate", type=float, default=0, help="messages/s for the latency (default: a third of job_model's)"
    )
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=[*NAMES, LATENCY], default=[*NAMES, LATENCY], metavar="NAME")
    parser.add_argument("--output", type=Path, default=BUILD / "bench.json")
    plan = parser.parse_args(arguments, Plan())
    if plan.messages < 10_000 or plan.runs < 1:
        parser.error("--messages is at least 10000 and --runs at least 1: less measures nothing but the start")
    plan.model_messages = min(plan.messages, plan.model_messages or max(10_000, plan.messages // 5))
    plan.bytewax_messages = min(plan.messages, plan.bytewax_messages or max(10_000, plan.messages // 10))
    plan.latency_samples = plan.latency_samples or min(1_500, max(100, plan.messages // 100))
    if plan.wants(LATENCY) and not plan.rate and "job_model" not in plan.only:
        parser.error("--only alert_latency needs job_model's rate: name it too, or give --rate")
    return plan


def measure(plan: Plan, scratch: Path, console: Console) -> dict[str, Any]:
    """Start the services and run everything; the figures."""
    with (
        progress_bar(console) as bar,
        LocalStack(scratch / "stack", console=console) as stack,
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
            with bench.monitor(input="live", scoring__model="default"):
                live = settings.model_copy(update={"input": "live"})
                advance = task(bar, f"alert latency at {rate:,.0f} messages/s", plan.latency_samples)
                times = latency.measure(live, rate, plan.latency_samples, advance)
    sizes = {"job_model": plan.model_messages, "bytewax_session": plan.bytewax_messages}
    rows = [report.row(name, runs[name], sizes.get(name, plan.messages), ABOUT[name]) for name in NAMES if runs[name]]
    share = None
    if bare:
        for run, alone in zip(runs["job_model"], bare, strict=True):
            run.notes["bare_model_messages_per_second"] = alone["messages"] / alone["seconds"]
        share = round(
            median(
                run.messages_per_second * b["seconds"] / b["messages"]
                for run, b in zip(runs["job_model"], bare, strict=True)
            ),
            3,
        )
    return {
        "rows": rows,
        "alert_latency_ms": times,
        "scoring_share": share,
        "bare_model": bare,
        "sizes": {
            **facts.to_json(),
            "runs": plan.runs,
            "job_model_messages": plan.model_messages,
            "bytewax_messages": plan.bytewax_messages,
        },
        "settings": shown(settings),
        "notes": NOTES,
    }


def rounds(plan: Plan, bench: Bench, bar: Progress) -> tuple[dict[str, list[Run]], list[dict[str, float]]]:
    """Warm-ups, then the rounds; the runs by name, and the bare model's in the order of job_model's."""
    runs: dict[str, list[Run]] = {name: [] for name in NAMES}
    bare: list[dict[str, float]] = []
    for name in [name for name in ("job_null", "flink_sql_session", "job_model") if plan.wants(name)]:
        size = plan.model_messages if name == "job_model" else plan.messages
        flink_run(bench, name, max(5_000, int(size * WARM_UP_SHARE)), bar, "warm-up")
    for number in range(1, plan.runs + 1):
        for name in [name for name in NAMES if plan.wants(name)]:
            what = f"run {number} of {plan.runs}"
            if name == "bytewax_session":
                runs[name].append(bytewax_run(plan, bench, bar, what))
                continue
            size = plan.model_messages if name == "job_model" else plan.messages
            runs[name].append(flink_run(bench, name, size, bar, what))
            if name == "job_model":
                skip = int(runs[name][-1].notes["already_through"])
                bare.append(
                    own_process(
                        "tests.benchmarks.scoring",
                        ["--messages", str(size), "--skip", str(skip)],
                        bar,
                        f"bare model, {what}",
                    )
                )
    return runs, bare


def flink_run(bench: Bench, name: str, messages: int, bar: Progress, what: str) -> Run:
    """One job over the first `messages` messages."""
    advance = task(bar, f"{name}, {what}", messages)
    if name == "flink_sql_session":
        with bench.sql_session() as job:
            return bench.measure(job, flink_session.OPERATOR, messages, advance)
    model = "default" if name == "job_model" else "null"
    with bench.monitor(scoring__model=model) as job:
        return bench.measure(job, MONITOR_OPERATOR, messages, advance)


def bytewax_run(plan: Plan, bench: Bench, bar: Progress, what: str) -> Run:
    """Bytewax over the first messages."""
    settings = bench.settings
    arguments = ["--bootstrap-servers", settings.kafka.bootstrap_servers, "--topic", settings.input_topic]
    arguments += ["--messages", str(plan.bytewax_messages), "--gap-seconds", f"{settings.time.session_gap_seconds:g}"]
    result = own_process("tests.benchmarks.bytewax_session", arguments, bar, f"bytewax_session, {what}")
    return Run(int(result["messages"]), result["seconds"], result["cpu_seconds"], {"sessions": result["sessions"]})


def own_process(module: str, arguments: list[str], bar: Progress, what: str) -> dict[str, float]:
    """Run a module that prints one JSON line at its end; that line."""
    advance = task(bar, what, 1)
    path = os.pathsep.join([str(ROOT), *([str(bytewax_directory())] if find_spec("bytewax") is None else [])])
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        env={**os.environ, "PYTHONPATH": path},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PROCESS_TIMEOUT_S,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{module} failed:\n{done.stderr[-3_000:]}")
    advance(1)
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def bytewax_directory() -> Path:
    """Where Bytewax lies if it is not installed: apart from the project's own environment."""
    return BUILD / "bench" / f"bytewax-py{sys.version_info[0]}{sys.version_info[1]}"


def provide_bytewax(console: Console) -> None:
    """Install Bytewax into a folder of its own, once, unless it is installed."""
    folder = bytewax_directory()
    if find_spec("bytewax") is not None or (folder / "bytewax").is_dir():
        return
    console.print(f"installing {BYTEWAX} into {folder}")
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder), BYTEWAX], check=True)


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


def progress_bar(console: Console) -> Progress:
    """A bar a step."""
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    )


def task(bar: Progress, what: str, total: int) -> Callable[[int], None]:
    """A new bar; call the result with how far it is."""
    number = bar.add_task(what, total=total)

    def advance(done: int) -> None:
        bar.update(number, completed=min(done, total))

    return advance


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
