"""`replywatch up` and `down`: the services, their clock and the live job, kept while one works with them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, ValidationError
from rich.console import Console

from jobs.checks import checked
from jobs.environment import PREFIX, hash_key, named_in_environment
from jobs.flink_client import submit
from jobs.job_progress import JobProgress
from jobs.local import processes, stack
from jobs.local.flink_rest import TERMINAL_STATES, FlinkError, FlinkRest
from jobs.local.flink_state import newest_state
from jobs.local.hash_key import keep_hash_key
from jobs.local.interrupts import without_interruption
from jobs.local.preflight import preflight
from jobs.local.processes import ProcessError
from jobs.local.state import ProcessRecord, StateError, read_state
from jobs.paths import state_directory
from jobs.settings import Settings
from jobs.settings_file import load_settings
from jobs.topics import check_partitions, create_topics
from udfs.rules import RuleSet

FILE = "service.json"
CLOCK = "clock"
ADDRESSES = {"kafka": "kafka__bootstrap_servers", "redis": "redis__url", "flink": "flink__rest_url"}
"""The setting that holds each service's address."""

SAVEPOINT_TIMEOUT_S = 60.0
START_TIMEOUT_S = 120.0
ALONE_TIMEOUT_S = 600.0


class Service(BaseModel):
    """What `up` runs on top of the three services: the clock's process, the live job, and where it was stopped."""

    model_config = ConfigDict(extra="forbid")

    clock: ProcessRecord | None = None
    job: str = ""
    origin: str = ""  # what the job was started from: should it never come to a checkpoint, the next one starts there
    savepoint: str = ""


def bring_up(task_managers: int, console: Console, metrics: bool = False) -> None:
    """Start what does not run yet: services, topics, clock, the live job from where it was stopped.

    Raises ProcessError, FlinkError and the faults of the parts, each with a remedy.
    """
    directory = state_directory()
    os.environ.update(keep_hash_key())
    hash_key()
    said = load_settings(input="live")
    rules = checked(said)  # a mistake there is told before anything starts
    if read_state(directory) is None:
        missing = [f"{check.name}: {check.detail}; {check.remedy}" for check in preflight(directory) if not check.ok]
        if missing:
            raise ProcessError("this machine is not ready:\n" + "\n".join(missing))
    with _alone(directory, console):
        running = stack.up(directory, task_managers=task_managers, metrics=metrics, console=console)
        _run_job(running, said, rules, console)


def _run_job(running: stack.LocalStack, said: Settings, rules: RuleSet, console: Console) -> None:
    """Topics, clock and the live job on services that run."""
    directory = running.directory
    for name in _said(said):
        console.print(
            f"{name.replace('__', '.')} is set to services elsewhere: `up` runs its own and leaves those alone, other commands go there",
            highlight=False,
            soft_wrap=True,
        )
    settings = load_settings(input="live", **of_this_machine(local_addresses()))
    if settings.flink.parallelism > running.flink.task_managers:
        raise ProcessError(
            f"flink.parallelism is {settings.flink.parallelism}, and {running.flink.task_managers} TaskManagers run: "
            f"`replywatch down`, then `replywatch up --task-managers {settings.flink.parallelism}`"
        )
    create_topics(settings)
    check_partitions(settings)
    service = read_service()
    if service.clock is None or not service.clock.child().is_alive():
        _start_clock(service, directory, settings)
    with running.flink.rest() as rest:
        if not _runs(rest, service.job):
            # One that was submitted by an `up` that was broken off before it could write that down.
            service.job, earlier = rest.living(settings.job_name) or "", service.job
            if service.job:
                service.origin, service.savepoint = service.savepoint or service.origin, ""
            else:
                service.origin = service.savepoint or newest_state(directory / "flink", [earlier] if earlier else []) or service.origin
                jars = running.flink.installation.connector_jars
                told = f" from {service.origin}" if service.origin else ""
                console.print(f"submitting the live job{told}", highlight=False)
                service.job = submit(settings, rules, jars, savepoint=service.origin or None)
                service.savepoint = ""
            _write(service)
        console.print("waiting for the job's tasks", highlight=False)
        JobProgress(rest, service.job).wait_until_running(START_TIMEOUT_S)


def _said(settings: Settings) -> list[str]:
    """The settings that name services elsewhere, and not those that `up` keeps: what is in the environment is meant, also where it is
    what the shipped file says."""
    default = Settings()
    values = {name: [_value(each, name) for each in (settings, default)] for name in ADDRESSES.values()}
    meant = named_in_environment()
    return [name for name, (told, by_itself) in values.items() if told != by_itself or name in meant]


def _value(settings: Settings, name: str) -> object:
    section, field = name.split("__")
    return getattr(getattr(settings, section), field)


def bring_down(console: Console) -> list[str]:
    """Stop the live job with a savepoint, then the clock, then the services; the names of what still ran. Data stay."""
    directory = state_directory()
    if not directory.is_dir():
        return []
    with _alone(directory, console):
        return _stop(directory, console)


@contextmanager
def _alone(directory: Path, console: Console) -> Iterator[None]:
    """One at a time brings services, clock and job up or down: two at once would start two jobs. Raises filelock.Timeout."""
    directory.mkdir(parents=True, exist_ok=True)
    lock = FileLock(directory / ".service.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        console.print("another `replywatch up` or `down` is at work here: waiting for its end", highlight=False)
        lock.acquire(timeout=ALONE_TIMEOUT_S)
    try:
        yield
    finally:
        lock.release()


def _stop(directory: Path, console: Console) -> list[str]:
    service = read_service()
    addresses = local_addresses()
    if "flink__rest_url" in addresses and service.job:
        with FlinkRest(addresses["flink__rest_url"]) as rest:
            try:
                if _runs(rest, service.job):
                    with without_interruption():  # a savepoint that nobody wrote down is as good as none
                        service.savepoint = rest.stop_with_savepoint(service.job, timeout_s=SAVEPOINT_TIMEOUT_S)
                        _write(service)
            except FlinkError as error:
                service.savepoint = ""
                console.print(
                    f"{str(error).splitlines()[0][:300]}\nthe next `up` starts from the latest checkpoint, or where this job started: nothing is "
                    "lost, some of it is done again",
                    highlight=False,
                    soft_wrap=True,
                )
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


def local_addresses() -> dict[str, str]:
    """The addresses of those services that `up` keeps and that run, as settings."""
    state = read_state(state_directory())
    if state is None:
        return {}
    # Each service's first process is the one that answers: Flink's JobManager comes before its TaskManagers.
    first = {service: next(iter(state.children(service)), None) for service in ADDRESSES}
    return {
        ADDRESSES[service]: state.addresses[service] for service, child in first.items() if child is not None and child.is_alive()
    }


def of_this_machine(addresses: Mapping[str, str]) -> dict[str, Any]:
    """Overrides of the settings for services that were started here: whatever the settings say of a Kafka or a Flink elsewhere, how
    it is secured and copied, and where its Python is, doesn't hold for them."""
    return {**addresses, "kafka__security": "plaintext", "kafka__replication": 1, "flink__python": ""}


def find_settings(path: Path | None = None, **overrides: object) -> Settings:
    """The settings, with the addresses of the services that `up` keeps where nothing else is said."""
    settings = load_settings(path, **overrides)
    said = _said(settings)
    local: dict[str, Any] = {name: address for name, address in local_addresses().items() if name not in said}
    if "kafka__bootstrap_servers" in local:
        local = of_this_machine(local)
    return load_settings(path, **{**local, **overrides}) if local else settings


def take_local_secret(name: str, address: str) -> None:
    """Put the secret for personal ids that the local services have into the environment, if the setting's address is theirs."""
    if local_addresses().get(name) == address:
        os.environ.update(keep_hash_key())


def _start_clock(service: Service, directory: Path, settings: Settings) -> None:
    def write_down(clock: processes.Child) -> None:
        service.clock = ProcessRecord.of(CLOCK, clock)
        _write(service)

    command = [sys.executable, "-m", "jobs.cli", "clock"]
    # From the folder that holds the packages, in case they are not installed.
    code = Path(__file__).resolve().parents[2]
    log = directory / CLOCK / "log" / "clock.out"
    environment = {f"{PREFIX}KAFKA__BOOTSTRAP_SERVERS": settings.kafka.bootstrap_servers, f"{PREFIX}KAFKA__SECURITY": "plaintext"}
    for name in (f"{PREFIX}SETTINGS", f"{PREFIX}CONF"):  # as seen from the folder that `up` is called in, and not from its own
        if os.environ.get(name):
            environment[name] = str(Path(os.environ[name]).absolute())
    processes.start(CLOCK, command, log=log, environment={**os.environ, **environment}, directory=code, tell=write_down)


def _runs(rest: FlinkRest, job: str) -> bool:
    return bool(job) and rest.jobs().get(job, "FAILED") not in TERMINAL_STATES


def read_service() -> Service:
    """What was written down of the clock and the job."""
    path = state_directory() / FILE
    try:
        return Service.model_validate_json(path.read_bytes()) if path.exists() else Service()
    except ValidationError as error:
        raise StateError(
            f"{path} can't be read ({error.errors()[0]['msg']}): an `up` of another release wrote it, or it is damaged; remove it if "
            "its job is gone, and name its savepoint to `replywatch submit --savepoint`"
        ) from error


def _write(service: Service) -> None:
    path = state_directory() / FILE
    draft = path.with_name(f".{FILE}-{os.getpid()}")
    draft.write_text(service.model_dump_json(indent=2), encoding="utf-8")
    draft.replace(path)
