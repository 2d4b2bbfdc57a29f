"""What a benchmark leaves: runs, their medians, the JSON document and the table."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import psutil
from rich.table import Table

MARKS = {"job_null_of_flink_sql": 0.33, "scoring_share": 0.9, "alert_latency_p99_ms": 300}
"""What the project aims at: at least, at least, at most."""


@dataclass(frozen=True, slots=True)
class Run:
    """One measured stretch: from the first records that came through to the end, start-up left out.

    `messages` passed in `seconds` of wall clock and `cpu_seconds` of the job's processes. `notes` hold what else was
    counted: start-up, the JobManager's CPU seconds, a paired figure.
    """

    messages: int
    seconds: float
    cpu_seconds: float
    notes: dict[str, float] = field(default_factory=dict)

    @property
    def messages_per_second(self) -> float:
        """By the clock on the wall."""
        return self.messages / self.seconds

    @property
    def messages_per_cpu_second(self) -> float:
        """By CPU time, which other load on the machine moves less."""
        return self.messages / self.cpu_seconds

    def to_json(self) -> dict[str, Any]:
        """The run with both rates."""
        rates = {
            "messages_per_second": round(self.messages_per_second),
            "messages_per_cpu_second": round(self.messages_per_cpu_second),
        }
        return {**{name: _rounded(value) for name, value in asdict(self).items()}, **rates}


def row(name: str, runs: Sequence[Run], size: int, about: str) -> dict[str, Any]:
    """A row of the report: medians over the runs, the size that was read, how it was measured, and every run."""
    return {
        "name": name,
        "messages_per_second": round(median(run.messages_per_second for run in runs)),
        "messages_per_cpu_second": round(median(run.messages_per_cpu_second for run in runs)),
        "messages": size,
        "about": about,
        "runs": [run.to_json() for run in runs],
    }


def scoring_share(runs: Sequence[Run]) -> float:
    """The job's messages a second as a share of the bare model's, measured right after it: the median of the ratios."""
    ratios = [run.messages_per_second / run.notes["bare_model_messages_per_second"] for run in runs]
    return round(median(ratios), 3)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (0…1) of the values do not exceed: the nearest-rank definition."""
    if not values:
        raise ValueError("a percentile of nothing: no value was measured")
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def marks(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The figures that the project is held to, each with its mark and whether it is met; what was not measured is left out."""
    rates = {row["name"]: row["messages_per_cpu_second"] for row in document["rows"]}
    found: dict[str, float] = {}
    if {"job_null", "flink_sql_session"} <= set(rates):
        found["job_null_of_flink_sql"] = round(rates["job_null"] / rates["flink_sql_session"], 3)
    if document["scoring_share"] is not None:
        found["scoring_share"] = document["scoring_share"]
    if document["alert_latency_ms"] is not None:
        found["alert_latency_p99_ms"] = document["alert_latency_ms"]["p99"]
    return {
        name: {
            "value": value,
            "mark": MARKS[name],
            "met": value <= MARKS[name] if name.endswith("_ms") else value >= MARKS[name],
        }
        for name, value in found.items()
    }


def machine() -> dict[str, Any]:
    """What it was measured on."""
    return {
        "cpu": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2),
    }


def table(document: dict[str, Any]) -> Table:
    """The rows for a terminal."""
    shown = Table(title="messages per second", caption="medians; CPU seconds are those of all of the job's processes")
    for heading in ("", "wall", "per CPU-second", "slowest … fastest", "messages"):
        shown.add_column(heading, justify="left" if not heading else "right")
    for each in document["rows"]:
        rates = [run["messages_per_second"] for run in each["runs"]]
        shown.add_row(
            each["name"],
            f"{each['messages_per_second']:,}",
            f"{each['messages_per_cpu_second']:,}",
            f"{min(rates):,} … {max(rates):,}",
            f"{each['messages']:,}",
        )
    return shown


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items()}
    return round(value, 3) if isinstance(value, float) else value
