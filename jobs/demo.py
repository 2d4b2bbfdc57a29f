"""`replywatch demo`: the real services, the job submitted as to any cluster, a day of simulated customers, a live view."""

from __future__ import annotations

import os
import secrets
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console

from jobs.account import Account
from jobs.flink_client import submit
from jobs.live_view import LiveView
from jobs.local.flink_rest import FlinkError
from jobs.local.stack import LocalStack
from jobs.produce import EventProducer
from jobs.replay import Replayer
from jobs.settings import Settings, load_settings
from jobs.tail import AlertStream
from jobs.topics import create_topics
from udfs.formats import open_messages
from udfs.simulate import Simulation, SimulationSettings

START_TIMEOUT_SECONDS = 120
DRAIN_TIMEOUT_SECONDS = 120
ENDED = frozenset(("FAILED", "CANCELED", "FINISHED", "SUSPENDED"))


class DemoError(RuntimeError):
    """The demonstration can't go on; the message says why and where to look."""


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What `replywatch demo` was asked for."""

    messages: Path | None = None
    seconds: float = 0
    speed: float = 60
    seed: int = 1
    json: bool = False
    model: str = "default"
    directory: Path | None = None


def run_demo(options: DemoOptions) -> int:
    """Run the demonstration to its end; the exit code: 0 if every record was accounted for."""
    console = Console(stderr=True)
    stop = threading.Event()
    directory = options.directory or Path(tempfile.mkdtemp(prefix="replywatch-demo-"))
    os.environ.setdefault("REPLYWATCH_HASH_KEY", secrets.token_hex(16))
    secret = {"REPLYWATCH_HASH_KEY": os.environ["REPLYWATCH_HASH_KEY"]}
    started = time.monotonic()
    with LocalStack(directory, environment=secret, console=console) as stack:
        settings = load_settings(
            input="replay",
            kafka__bootstrap_servers=stack.bootstrap_servers,
            redis__url=stack.redis_url,
            flink__rest_url=stack.flink_url,
            scoring__model=options.model,
        )
        rules = settings.rules()
        create_topics(settings)
        console.print(f"Kafka, Redis and Flink are up after {time.monotonic() - started:.0f} s; submitting the job", highlight=False)
        job = submit(settings, rules, stack.flink.connector_jars[0])
        demonstration = Demonstration(options, settings, stack, job, console)
        with _on_interrupt(stop):
            demonstration.wait_until_running(stop)
            console.print(f"the job runs after {time.monotonic() - started:.0f} s: {stack.flink_url}", highlight=False)
            result = demonstration.run(stop)
        result["seconds"] = round(time.monotonic() - started, 1)
        result["directory"] = str(directory)
    if options.json:
        print(orjson.dumps(result).decode())
    else:
        _summarise(result, console)
    return 0 if result["accounted"] else 1


class Demonstration:
    """One run on services that are up."""

    def __init__(self, options: DemoOptions, settings: Settings, stack: LocalStack, job: str, console: Console) -> None:
        self._options = options
        self._settings = settings
        self._stack = stack
        self._job = job
        self._console = console
        self._account = Account(settings)
        self._fault: BaseException | None = None

    def wait_until_running(self, stop: threading.Event) -> None:
        """Return when the job's tasks run."""
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        with self._stack.flink.rest() as rest:
            while not rest.is_running(self._job):
                self._check(rest)
                if stop.is_set() or time.monotonic() > deadline:
                    raise DemoError(f"the job did not start; see {self._stack.flink.directory / 'log'}")
                time.sleep(0.2)

    def run(self, stop: threading.Event) -> dict[str, Any]:
        """Feed, show, and at the end let the open conversations run out."""
        producer = EventProducer(self._settings, self._settings.input_topic)
        replayer = Replayer(producer, self._options.speed)
        alerts = AlertStream(self._settings, "0-0")
        seen: dict[tuple[str, int], dict[str, Any]] = {}
        fed = threading.Event()

        def feed() -> None:
            try:
                replayer.run(self._events(), stop=stop.is_set)
                replayer.finish(self._settings)
            except BaseException as fault:  # handed to the main thread, which raises it
                self._fault = fault
            finally:
                fed.set()

        feeder = threading.Thread(target=feed, name="feeder", daemon=True)
        ends_at = time.monotonic() + self._options.seconds if self._options.seconds else float("inf")
        with LiveView(self._console, quiet=self._options.json, settings=self._settings) as view, self._stack.flink.rest() as rest:
            feeder.start()
            drained_by = float("inf")
            while True:
                for alert in alerts.read(wait_ms=100):
                    if (alert["alert_id"], alert["revision"]) not in seen:
                        seen[alert["alert_id"], alert["revision"]] = alert
                        view.alert(alert)
                self._account.update(0.05)
                view.show(replayer.now_ms, producer.produced, self._account, rest, self._job, ending=stop.is_set() or fed.is_set())
                self._check(rest)
                if time.monotonic() >= ends_at:
                    stop.set()
                if fed.is_set():
                    drained_by = min(drained_by, time.monotonic() + DRAIN_TIMEOUT_SECONDS)
                    done = self._account.produced == producer.produced and self._account.accounted
                    if done and len(seen) >= len(self._account.alerts) or time.monotonic() > drained_by:
                        break
        feeder.join()
        if self._fault is not None:
            raise self._fault
        self._account.update(0.5)
        account = self._account
        account.close()
        return {
            "messages": producer.produced,
            "in_sessions": account.in_sessions,
            "duplicates": len(account.duplicates),
            "dead_letters": len(account.dead_letters),
            "late": len(account.late),
            "events": account.events,
            "sessions": len(account.sessions),
            "alerts_kafka": len(account.alerts),
            "alerts_redis": len(seen),
            "seconds": 0.0,
            "accounted": account.accounted and account.produced == producer.produced,
        }

    def _events(self) -> Iterator[tuple[int, dict[str, Any]]]:
        if self._options.messages is not None:
            for event in open_messages(self._options.messages).events:
                yield event["sent_at"], event
            return
        for event in Simulation(SimulationSettings(seed=self._options.seed)).events():
            yield event["sent_at"], event

    def _check(self, rest: Any) -> None:
        if self._fault is not None:
            raise self._fault
        state = rest.job_state(self._job)
        if state in ENDED:
            raise DemoError(f"the job is {state}: {(rest.exceptions(self._job) or ['no reason given'])[0][:2_000]}")


class _on_interrupt:  # noqa: N801 - reads as a verb
    """Ctrl-C or SIGTERM sets the event, so that the run ends in order; the second one ends it at once."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._former: dict[int, Any] = {}

    def __enter__(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._former[number] = signal.signal(number, self._handle)

    def __exit__(self, *_: object) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: Any) -> None:
        if self._stop.is_set():
            raise KeyboardInterrupt
        self._stop.set()


def _summarise(result: dict[str, Any], console: Console) -> None:
    console.print(
        f"\n[bold]{result['messages']}[/] records in {result['seconds']:g} s: {result['in_sessions']} messages in "
        f"{result['sessions']} sessions, {result['events']} events, {result['duplicates']} repeats, "
        f"{result['dead_letters']} dead letters, {result['late']} late; "
        + ("[green]every record is accounted for[/]" if result["accounted"] else "[red]the account does not close[/]"),
        highlight=False,
    )
    console.print(
        f"alerts: {result['alerts_redis']} through Redis, {result['alerts_kafka']} in Kafka; "
        f"data and logs: {result['directory']}",
        highlight=False,
    )


__all__ = ["DemoError", "DemoOptions", "FlinkError", "run_demo"]
