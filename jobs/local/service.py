"""`replywatch up`, `down`, `status`: the services, their clock and the live job, kept while one works with them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from pydantic import BaseModel, ConfigDict
from rich.console import Console
from rich.table import Table

from jobs.flink_client import submit
from jobs.local import processes, stack
from jobs.local.flink_rest import TERMINAL_STATES, FlinkError, FlinkRest
from jobs.local.hash_key import keep_hash_key
from jobs.local.ports import LOOPBACK
from jobs.local.preflight import preflight
from jobs.local.processes import ProcessError
from jobs.local.state import ProcessRecord, read_state
from jobs.paths import state_directory
from jobs.settings import Settings, load_settings
from jobs.topics import create_topics

FILE = "service.json"
CLOCK = "clock"
SAVEPOINT_TIMEOUT_S = 60.0


class Service(BaseModel):
    """What `up` runs on top of the three services: the clock's process, the live job, and where it was stopped."""

    model_config = ConfigDict(extra="forbid")

    clock: ProcessRecord | None = None
    job: str = ""
    savepoint: str = ""


def bring_up(task_managers: int, console: Console, metrics: bool = False) -> None:
    """Start what does not run yet: services, topics, clock, the live job from where it was stopped.

    Raises ProcessError, FlinkError and the faults of the parts, each with a remedy.
    """
    directory = state_directory()
    os.environ.update(keep_hash_key())
    if read_state(directory) is None:
        missing = [f"{check.name}: {check.detail}; {check.remedy}" for check in preflight(directory) if not check.ok]
        if missing:
            raise ProcessError("this machine is not ready:\n" + "\n".join(missing))
    running = stack.up(directory, task_managers=task_managers, metrics=metrics, console=console)
    settings = find_settings(input="live")
    create_topics(settings)
    service = _read()
    if service.clock is None or not service.clock.child().is_alive():
        service.clock = ProcessRecord.of(CLOCK, _start_clock(directory))
        _write(service)
    with running.flink.rest() as rest:
        if not _runs(rest, service.job):
            origin = service.savepoint or _latest_checkpoint(directory, service.job)
            jars = running.flink.installation.connector_jars
            console.print("submitting the live job" + (f" from {origin}" if origin else ""), highlight=False)
            service.job = submit(settings, settings.rules(), jars, savepoint=origin)
            service.savepoint = ""
            _write(service)


def bring_down() -> list[str]:
    """Stop the live job with a savepoint, then the clock, then the services; the names of what still ran. Data stay."""
    directory = state_directory()
    service = _read()
    addresses = local_addresses()
    if addresses and service.job:
        with FlinkRest(addresses["flink__rest_url"]) as rest:
            try:
                if _runs(rest, service.job):
                    service.savepoint = rest.stop_with_savepoint(service.job, timeout_s=SAVEPOINT_TIMEOUT_S)
            except FlinkError:
                # The next start takes the latest checkpoint instead: nothing is lost, some of it is done again.
                service.savepoint = ""
    stopped = []
    if service.clock is not None and service.clock.child().is_alive():
        processes.stop([service.clock.child()])
        stopped.append(CLOCK)
    stopped += stack.down(directory)
    service.clock = None
    if service.job or service.savepoint:
        _write(service)
    else:
        (directory / FILE).unlink(missing_ok=True)
    return stopped


def report_status(console: Console) -> int:
    """Print what runs, its addresses and where the logs are; the exit code: 1 if something is dead or nothing runs."""
    rows = stack.status()
    if not rows:
        console.print("nothing runs; `replywatch up` starts the services")
        return 1
    service = _read()
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
    console.print(f"logs: {state_directory()}/{{flink,kafka,redis,clock}}/log", highlight=False, soft_wrap=True)
    if not healthy:
        console.print("something is dead: its log says why; `replywatch up` starts it again")
    return 0 if healthy else 1


def local_addresses() -> dict[str, str]:
    """The addresses of the services that `up` keeps, as settings; empty if they do not run."""
    state = read_state(state_directory())
    if state is None or not state.processes or not all(child.is_alive() for child in state.children()):
        return {}
    return {
        "kafka__bootstrap_servers": f"{LOOPBACK}:{state.kafka_ports[0]}",
        "redis__url": f"redis://{LOOPBACK}:{state.redis_port}/0",
        "flink__rest_url": f"http://{LOOPBACK}:{state.flink_ports[0]}",
    }


def find_settings(path: Path | None = None, **overrides: object) -> Settings:
    """The settings, with the addresses of the services that `up` keeps where nothing else is said."""
    settings = load_settings(path, **overrides)
    default = Settings()
    unsaid = {
        "kafka__bootstrap_servers": settings.kafka.bootstrap_servers == default.kafka.bootstrap_servers,
        "redis__url": settings.redis.url == default.redis.url,
        "flink__rest_url": settings.flink.rest_url == default.flink.rest_url,
    }
    local = {name: address for name, address in local_addresses().items() if unsaid[name]}
    return load_settings(path, **{**local, **overrides}) if local else settings


def take_local_secret(name: str, address: str) -> None:
    """Put the secret for personal ids that the local services have into the environment, if the setting's address is theirs."""
    if local_addresses().get(name) == address:
        os.environ.update(keep_hash_key())


def _start_clock(directory: Path) -> processes.Child:
    command = [sys.executable, "-m", "jobs.cli", "clock"]
    # From the folder that holds the packages, in case they are not installed.
    code = Path(__file__).resolve().parents[2]
    return processes.start(CLOCK, command, log=directory / CLOCK / "log" / "clock.out", directory=code)


def _runs(rest: FlinkRest, job: str) -> bool:
    return bool(job) and rest.jobs().get(job, "FAILED") not in TERMINAL_STATES


def _job_state(job: str) -> str:
    addresses = local_addresses()
    if not job or not addresses:
        return "not submitted" if not job else "unknown"
    with FlinkRest(addresses["flink__rest_url"]) as rest:
        try:
            return rest.jobs().get(job, "unknown to the cluster")
        except FlinkError:
            return "the cluster does not answer"


def _latest_checkpoint(directory: Path, job: str) -> str | None:
    """The newest whole checkpoint of a job whose cluster has died; None if there is none."""
    marks = (directory / "flink" / "checkpoints" / job).glob("chk-*/_metadata") if job else ()
    newest = max(marks, key=lambda path: path.stat().st_mtime, default=None)
    return str(newest.parent) if newest is not None else None


def _add(table: Table, alive: bool, name: str, pid: int, memory_bytes: int, what: str) -> None:
    memory = f"{memory_bytes / 1024**2:.0f} MB" if alive else ""
    table.add_row(_mark(alive), name, str(pid), memory, what)


def _mark(alive: bool) -> str:
    return "[green]up[/]" if alive else "[red]dead[/]"


def _read() -> Service:
    path = state_directory() / FILE
    return Service.model_validate_json(path.read_bytes()) if path.exists() else Service()


def _write(service: Service) -> None:
    path = state_directory() / FILE
    draft = path.with_name(f".{FILE}-{os.getpid()}")
    draft.write_text(service.model_dump_json(indent=2), encoding="utf-8")
    draft.replace(path)
