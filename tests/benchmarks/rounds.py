"""The rounds: each benchmark once a round, so that a slow minute of the machine meets all of them."""

from __future__ import annotations

from rich.progress import Progress

from tests.benchmarks import flink_session
from tests.benchmarks.bars import task
from tests.benchmarks.flink_jobs import MONITOR_OPERATOR, Bench
from tests.benchmarks.own_process import own_process
from tests.benchmarks.plan import NAMES, Plan
from tests.benchmarks.report import Run

WARM_UP_SHARE = 0.5
"""How much of a benchmark's messages its warm-up reads. The first run on a fresh TaskManager takes twice as long."""

WARM_UP_AT_LEAST = 5_000


def rounds(plan: Plan, bench: Bench, bar: Progress) -> tuple[dict[str, list[Run]], list[dict[str, float]]]:
    """Warm-ups, then the rounds; the runs by name, and the bare model's in the order of job_model's."""
    runs: dict[str, list[Run]] = {name: [] for name in NAMES}
    bare: list[dict[str, float]] = []
    for name in [name for name in ("job_null", "flink_sql_session", "job_model") if plan.wants(name)]:
        size = plan.model_messages if name == "job_model" else plan.messages
        flink_run(bench, name, max(WARM_UP_AT_LEAST, int(size * WARM_UP_SHARE)), bar, "warm-up", plan.model)
    for number in range(1, plan.runs + 1):
        for name in [name for name in NAMES if plan.wants(name)]:
            what = f"run {number} of {plan.runs}"
            if name == "bytewax_session":
                runs[name].append(bytewax_run(plan, bench, bar, what))
                continue
            size = plan.model_messages if name == "job_model" else plan.messages
            runs[name].append(flink_run(bench, name, size, bar, what, plan.model))
            if name == "job_model":
                skip = int(runs[name][-1].notes["already_through"])
                bare.append(
                    own_process(
                        "tests.benchmarks.scoring",
                        ["--messages", str(size), "--skip", str(skip), "--model", plan.model],
                        bar,
                        f"bare model, {what}",
                    )
                )
    return runs, bare


def flink_run(bench: Bench, name: str, messages: int, bar: Progress, what: str, model: str) -> Run:
    """One job over the first `messages` messages."""
    advance = task(bar, f"{name}, {what}", messages)
    if name == "flink_sql_session":
        with bench.sql_session() as job:
            return bench.measure(job, flink_session.OPERATOR, messages, advance)
    with bench.monitor(scoring__model=model if name == "job_model" else "null") as job:
        return bench.measure(job, MONITOR_OPERATOR, messages, advance)


def bytewax_run(plan: Plan, bench: Bench, bar: Progress, what: str) -> Run:
    """Bytewax over the first messages."""
    settings = bench.settings
    arguments = ["--bootstrap-servers", settings.kafka.bootstrap_servers, "--topic", settings.input_topic]
    arguments += ["--messages", str(plan.bytewax_messages), "--gap-seconds", f"{settings.time.session_gap_seconds:g}"]
    result = own_process("tests.benchmarks.bytewax_session", arguments, bar, f"bytewax_session, {what}")
    return Run(int(result["messages"]), result["seconds"], result["cpu_seconds"], {"sessions": result["sessions"]})
