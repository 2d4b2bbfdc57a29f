"""The benchmarks' arithmetic: what is divided by what, and the document that others read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass

import psutil
import pytest

from tests.benchmarks import report
from tests.benchmarks.cpu import family_seconds, total_seconds
from tests.benchmarks.flink_jobs import Look, causes, next_look
from tests.benchmarks.flink_metrics import Progress, parse_samples, progress
from tests.benchmarks.plan import LATENCY, NAMES, parse
from tests.benchmarks.report import Run
from tests.benchmarks.topic import made_up_word, simulated, varied

JOB = "0123456789abcdef0123456789abcdef"
OTHER = "f" * 32
PAGE = f"""# HELP flink_taskmanager_job_task_operator_numRecordsIn numRecordsIn
# TYPE flink_taskmanager_job_task_operator_numRecordsIn gauge
flink_taskmanager_job_task_operator_numRecordsIn{{job_id="{JOB}",operator_name="converse",subtask_index="0",}} 1200.0
flink_taskmanager_job_task_operator_numRecordsIn{{job_id="{JOB}",operator_name="converse",subtask_index="1",}} 34.0
flink_taskmanager_job_task_operator_numRecordsIn{{job_id="{JOB}",operator_name="publish",subtask_index="0",}} 7.0
flink_taskmanager_job_task_operator_numRecordsIn{{job_id="{OTHER}",operator_name="converse",subtask_index="0",}} 99.0
flink_taskmanager_job_task_operator_currentOutputWatermark{{job_id="{JOB}",operator_name="converse",}} 1.77241681E12
flink_taskmanager_job_task_operator_converse_sessions{{job_id="{JOB}",operator_name="converse",}} 5.0
flink_taskmanager_Status_JVM_CPU_Load{{host="localhost",}} 0.5
"""
BURN = "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass\n"


@dataclass
class Times:
    """One process, as the kernel tells of it."""

    user: float = 0.0
    system: float = 0.0
    children_user: float = 0.0
    children_system: float = 0.0


def document(rows: list[dict[str, object]], share: float | None = None, p99: float | None = None) -> dict[str, object]:
    latency = None if p99 is None else {"p50": 100.0, "p99": p99}
    return {"rows": rows, "scoring_share": share, "alert_latency_ms": latency}


def look(at: float, records: int) -> Look:
    return Look(at, Progress(records, 0.0, {}), 0.0, 0.0)


def test_a_familys_cpu_is_user_and_system_of_the_living_and_of_the_collected_dead() -> None:
    assert total_seconds([Times(1.0, 0.5, 0.25, 0.125), Times(2.0, 1.0)]) == 4.875


def test_a_childs_cpu_stays_in_the_sum_after_its_death() -> None:
    before = family_seconds(os.getpid())
    subprocess.run([sys.executable, "-c", BURN], check=True)
    assert family_seconds(os.getpid()) - before >= 0.28


def test_a_grandchilds_cpu_counts_while_it_lives() -> None:
    code = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {BURN + 'input()'!r}])"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE) as parent:
        deadline = time.monotonic() + 60
        while family_seconds(parent.pid) < 0.3 and time.monotonic() < deadline:
            time.sleep(0.01)
        used = family_seconds(parent.pid)
        own = psutil.Process(parent.pid).cpu_times()
        parent.communicate(b"\n")
    assert used >= 0.3
    assert used > own.user + own.system


def test_a_process_that_is_gone_has_no_cpu_time_to_tell() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    with pytest.raises(psutil.NoSuchProcess):
        family_seconds(ended.pid)


def test_rates_are_messages_by_wall_and_by_cpu() -> None:
    run = Run(messages=6_000, seconds=2.0, cpu_seconds=3.0)
    assert (run.messages_per_second, run.messages_per_cpu_second) == (3_000, 2_000)


def test_a_row_holds_the_medians_and_every_run() -> None:
    runs = [Run(1_000, 1.0, 2.0), Run(1_000, 4.0, 1.0), Run(1_000, 2.0, 4.0)]
    row = report.row("job_null", runs, 1_000, "what it is")
    assert (row["messages_per_second"], row["messages_per_cpu_second"]) == (500, 500)
    assert [run["messages_per_second"] for run in row["runs"]] == [1_000, 250, 500]
    assert set(row) == {"name", "messages_per_second", "messages_per_cpu_second", "messages", "about", "runs"}


def test_the_document_is_plain_json() -> None:
    row = report.row("job_null", [Run(10, 0.1234567, 1.0, {"already_through": 1.23456})], 10, "")
    read = json.loads(json.dumps(row))
    assert read["runs"][0]["seconds"] == 0.123
    assert read["runs"][0]["notes"] == {"already_through": 1.235}


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50), (0.99, 99), (0.991, 100), (1.0, 100), (0.0, 1)])
def test_a_percentile_is_a_measured_value(share: float, expected: int) -> None:
    assert report.percentile(list(range(100, 0, -1)), share) == expected


def test_the_scoring_share_is_the_median_of_paired_ratios() -> None:
    paired = [(900.0, 1_000.0), (100.0, 400.0), (990.0, 1_000.0)]
    runs = [Run(int(job), 1.0, 1.0, {"bare_model_messages_per_second": bare}) for job, bare in paired]
    assert report.scoring_share(runs) == 0.9


def test_nothing_has_no_percentile() -> None:
    with pytest.raises(ValueError, match="nothing"):
        report.percentile([], 0.5)


def test_marks_compare_per_cpu_second_and_know_their_direction() -> None:
    rows = [
        {"name": "job_null", "messages_per_cpu_second": 33},
        {"name": "flink_sql_session", "messages_per_cpu_second": 100},
    ]
    found = report.marks(document(rows, share=0.89, p99=301.0))
    assert found["job_null_of_flink_sql"] == {"value": 0.33, "mark": 0.33, "met": True}
    assert not found["scoring_share"]["met"]
    assert not found["alert_latency_p99_ms"]["met"]
    assert report.marks(document([], p99=300.0))["alert_latency_p99_ms"]["met"]


def test_what_was_not_measured_has_no_mark() -> None:
    assert report.marks(document([{"name": "job_null", "messages_per_cpu_second": 1}])) == {}


def test_metrics_of_one_job_are_added_over_subtasks_and_no_others() -> None:
    seen = progress(parse_samples(PAGE, JOB), "converse")
    assert seen == Progress(1_234, 1_772_416_810_000.0, {"converse_sessions": 5.0})


def test_an_operator_that_counts_its_messages_is_asked_for_those() -> None:
    own = "".join(
        f'flink_taskmanager_job_task_operator_converse_{name}{{job_id="{JOB}",operator_name="converse",}} {value}\n'
        for name, value in (("messages", "2000.0"), ("dead_letters", "3.0"))
    )
    assert progress(parse_samples(PAGE + own, JOB), "converse").records == 2_003


def test_a_job_that_has_not_begun_has_read_nothing() -> None:
    seen = progress(parse_samples("", JOB), "converse")
    assert (seen.records, seen.counters) == (0, {})
    assert seen.watermark_ms < 0


def test_looks_get_denser_towards_the_end_within_bounds() -> None:
    first = look(0.0, 0)
    assert next_look(first, look(10.0, 1_000), 100_000) == 2.0
    assert next_look(first, look(10.0, 1_000), 1_200) == 1.0
    assert next_look(first, look(10.0, 1_000), 1_001) == 0.1
    assert next_look(first, look(10.0, 1_000), 1_000) == 0.1
    assert next_look(first, look(10.0, 0), 1_000) == 0.5


def test_a_failed_jobs_causes_are_told_without_the_stack() -> None:
    trace = "java.lang.RuntimeException: outer\n\tat a.b(C.java:1)\nCaused by: x.Y: inner\nImportError: no such name\n"
    assert causes([trace]).endswith("Caused by: x.Y: inner | ImportError: no such name")
    assert causes([]) == "it was too slow"


def test_the_same_messages_are_simulated_each_time() -> None:
    first, second = list(simulated(500)), list(simulated(500))
    assert first == second
    assert len({event["conversation_id"] for event in first}) > 10


def test_long_texts_never_repeat_and_short_ones_stay_as_they_are() -> None:
    assert len({made_up_word(number) for number in range(20_000)}) == 20_000
    assert varied({"text": "谢谢"}, 7) == {"text": "谢谢"}
    assert varied({"kind": "resolve"}, 7) == {"kind": "resolve"}
    long = {"text": "where is my parcel, please?"}
    assert varied(long, 7)["text"].startswith(long["text"] + " ")
    assert varied(long, 7) != varied(long, 8)


def test_by_default_everything_is_measured_on_six_hundred_thousand_messages() -> None:
    plan = parse([])
    assert plan.messages == 600_000
    assert plan.runs == 3
    assert set(plan.only) == {*NAMES, LATENCY}
    assert plan.latency_samples >= 1_000


def test_latency_needs_a_rate(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["--only", "alert_latency"])
    assert "--rate" in capsys.readouterr().err
    assert parse(["--only", "alert_latency", "--rate", "500"]).rate == 500
