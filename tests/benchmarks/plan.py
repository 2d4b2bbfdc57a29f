"""What to measure and on how much: the command line."""

from __future__ import annotations

import argparse
from pathlib import Path

NAMES = ("job_null", "flink_sql_session", "job_model", "bytewax_session")
LATENCY = "alert_latency"
ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"


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
    model: str

    def wants(self, *names: str) -> bool:
        """Whether any of these is to be measured."""
        return any(name in self.only for name in names)


def parse(arguments: list[str]) -> Plan:
    """The arguments; sizes that were not given follow from --messages."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.run", description="Measures the monitor.")
    parser.add_argument("--messages", type=int, default=600_000, help="records in the topic")
    parser.add_argument("--model-messages", type=int, help="of them for job_model (default: a fifth)")
    parser.add_argument("--bytewax-messages", type=int, help="of them for Bytewax (default: a tenth)")
    parser.add_argument("--latency-samples", type=int, help="alerts to time (default: 1,500, fewer for a small topic)")
    parser.add_argument(
        "--rate", type=float, default=0, help="messages/s for the latency (default: a third of job_model's)"
    )
    parser.add_argument("--model", default="default", help="the scorer of job_model and the latency, as in scoring.model")
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
