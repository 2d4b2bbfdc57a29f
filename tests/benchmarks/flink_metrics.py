"""How far a job has come, read from the TaskManager's Prometheus port: a look costs it a few milliseconds."""

from __future__ import annotations

import re
from typing import NamedTuple

import httpx

PREFIX = "flink_taskmanager_job_task_operator_"
SAMPLE = re.compile(r"^(?P<name>\w+)\{(?P<labels>.*)\} (?P<value>\S+)$")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
TIMEOUT_S = 10.0


class Sample(NamedTuple):
    """One metric of one operator; `name` without the common prefix."""

    name: str
    labels: dict[str, str]
    value: float


class Progress(NamedTuple):
    """Records that have reached the keyed operator, and the event time (epoch ms) that it has passed on."""

    records: int
    watermark_ms: float
    counters: dict[str, float]


def parse_samples(text: str, job: str) -> list[Sample]:
    """The operators' metrics of one job out of a page in Prometheus' text format."""
    found = []
    for line in text.splitlines():
        if not line.startswith(PREFIX) or job not in line:
            continue
        match = SAMPLE.match(line)
        if match:
            labels = dict(LABEL.findall(match["labels"]))
            if labels.get("job_id") == job:
                found.append(Sample(match["name"][len(PREFIX) :], labels, float(match["value"])))
    return found


def progress(samples: list[Sample], operator: str) -> Progress:
    """The progress of the operator whose name holds `operator`; zeros while it has not started.

    An operator that counts its messages is asked for those: a record that reaches `converse` can hold several.
    """
    own = {f"{operator}_messages", f"{operator}_dead_letters"}
    counted = own if any(sample.name in own for sample in samples) else {"numRecordsIn"}
    records, watermark = 0, float("-inf")
    counters: dict[str, float] = {}
    for sample in samples:
        if operator in sample.labels.get("operator_name", ""):
            if sample.name in counted:
                records += int(sample.value)
            elif sample.name == "currentOutputWatermark":
                watermark = max(watermark, sample.value)
        if sample.name.startswith(("read_", "converse_", "publish_")):
            counters[sample.name] = counters.get(sample.name, 0.0) + sample.value
    return Progress(records, watermark, counters)


class MetricsPort:
    """The Prometheus port of one TaskManager."""

    def __init__(self, port: int) -> None:
        self._client = httpx.Client(
            base_url=f"http://127.0.0.1:{port}", timeout=TIMEOUT_S, trust_env=False, verify=False
        )

    def progress(self, job: str, operator: str) -> Progress:
        """Look once."""
        response = self._client.get("/metrics")
        response.raise_for_status()
        return progress(parse_samples(response.text, job), operator)

    def close(self) -> None:
        """Give the connection back."""
        self._client.close()
