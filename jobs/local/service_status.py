"""`replywatch status`: what `up` runs, where it is reached, and whether the job does its work."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from jobs.job_progress import JobProgress
from jobs.local import stack
from jobs.local.flink_rest import FlinkError, FlinkRest
from jobs.local.ports import LOOPBACK
from jobs.local.service import CLOCK, local_addresses, read_service
from jobs.local.state import read_state
from jobs.paths import state_directory


def report_status(console: Console) -> int:
    """Print what runs, its addresses and where the logs are; the exit code: 1 if something is dead or nothing runs."""
    rows = stack.status()
    if not rows:
        console.print("nothing runs; `replywatch up` starts the services")
        return 1
    service = read_service()
    table = Table("", "process", "pid", "memory", "address", box=None, pad_edge=False)
    healthy = True
    for row in rows:
        healthy &= row.alive
        _add(table, row.alive, row.name, row.pid, row.memory_bytes, row.address)
    if service.clock is not None:
        clock = service.clock.child()
        healthy &= clock.is_alive()
        _add(table, clock.is_alive(), CLOCK, clock.pid, clock.memory_bytes(), "ticks each second")
    state = _job_state(service.job)
    healthy &= state == "RUNNING"
    table.add_row(_mark(state == "RUNNING"), "live job", "", "", f"{state} {service.job}")
    console.print(table, highlight=False)
    if where := _metrics():
        console.print(f"metrics: {where}", highlight=False, soft_wrap=True)
    console.print(f"logs: {state_directory()}/{{flink,kafka,redis,clock}}/log", highlight=False, soft_wrap=True)
    if not healthy:
        console.print("something is dead: its log says why; `replywatch up` starts it again")
    return 0 if healthy else 1


def _metrics() -> str:
    """Where Prometheus reads each process of Flink; empty without `up --metrics`."""
    state = read_state(state_directory())
    ports = {} if state is None else state.metrics_ports
    return ", ".join(f"http://{LOOPBACK}:{port}/metrics ({name})" for name, port in ports.items())


def _job_state(job: str) -> str:
    addresses = local_addresses()
    if not job or "flink__rest_url" not in addresses:
        return "not submitted" if not job else "unknown"
    with FlinkRest(addresses["flink__rest_url"]) as rest:
        try:
            if job not in rest.jobs():
                return "unknown to the cluster"
            progress = JobProgress(rest, job)
            # Flink calls a job RUNNING whose tasks wait for a slot, or start again and again.
            return progress.state if progress.look() or progress.state != "RUNNING" else "RUNNING, its tasks not yet"
        except FlinkError:
            return "the cluster does not answer"


def _add(table: Table, alive: bool, name: str, pid: int, memory_bytes: int, what: str) -> None:
    memory = f"{memory_bytes / 1024**2:.0f} MB" if alive else ""
    table.add_row(_mark(alive), name, str(pid), memory, what)


def _mark(alive: bool) -> Text:
    return Text("up", "green") if alive else Text("dead", "red")
