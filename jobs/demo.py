"""`replywatch demo`: the real services, the job submitted as to any cluster, simulated customers, a live view."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson
from rich.console import Console
from rich.text import Text

from jobs.account import Account
from jobs.checks import checked
from jobs.demo_directory import RunDirectory, run_directory
from jobs.demo_feed import Feed
from jobs.demo_preparation import Preparation
from jobs.interruption import Interruption
from jobs.job_progress import JobProgress
from jobs.live_view import Figures, LiveView
from jobs.local.flink_rest import FlinkError
from jobs.local.hash_key import keep_hash_key
from jobs.local.preflight import preflight
from jobs.local.service import of_this_machine
from jobs.local.stack import LocalStack
from jobs.produce import EventProducer
from jobs.settings import Settings
from jobs.settings_file import load_settings
from jobs.tail import AlertStream
from models.progress import console_for
from udfs.formats import Reading, open_messages

START_TIMEOUT_S = 120.0
STANDSTILL_S = 90.0
"""If nothing at all comes out of the job for so long after the last record went in, something is wrong."""

CALM_S = 1.5
"""How long nothing must have come after the account is closed: alerts take another way than sessions."""

LOOK_S = 0.1
LOGS = "flink/log"
# A live view wants figures of this second, not of the last ten.
FLINK_OPTIONS = {"metrics.fetcher.update-interval": 1_000}


class DemoError(RuntimeError):
    """The demonstration can't go on; the message says why and where to look."""


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What `replywatch demo` was asked for. `seconds` 0: until Ctrl-C; `speed` 0: as fast as possible."""

    messages: Path | None = None
    seconds: float = 0
    speed: float = 60
    seed: int = 1
    json: bool = False
    model: str | None = None  # the settings'
    directory: Path | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What was seen, read back from the topics and from Redis; the fields are those of `--json`."""

    messages: int
    in_sessions: int
    duplicates: int
    dead_letters: int
    late: int
    events: int
    sessions: int
    alerts_kafka: int
    alerts_redis: int
    seconds: float
    accounted: bool


def run_demo(options: DemoOptions) -> int:
    """Run the demonstration to its end; the exit code: 0 if every record was accounted for, 130 if it was broken off."""
    console = console_for()
    with Interruption() as interruption:
        try:
            source: Reading | int = open_messages(options.messages) if options.messages else options.seed
            with run_directory(options.directory) as directory:
                result = _run(options, source, directory, console, interruption)
        except KeyboardInterrupt:
            console.print("\nbroken off; everything that was started is stopped")
            return 130
        if options.json:
            print(orjson.dumps(asdict(result)).decode(), flush=True)
        else:
            _summarise(result, directory.path, console)
    return 0 if result.accounted else 1


def _run(
    options: DemoOptions, source: Reading | int, directory: RunDirectory, console: Console, interruption: Interruption
) -> Result:
    started = time.monotonic()
    path = directory.path
    directory.worthless = True
    missing = [f"{check.name}: {check.detail}; {check.remedy}" for check in preflight(path) if not check.ok]
    if missing:
        raise DemoError("this machine is not ready:\n" + "\n".join(missing))
    secret = keep_hash_key()
    os.environ.update(secret)
    stack = LocalStack(path, environment=secret, flink_options=FLINK_OPTIONS, metrics=False, console=console)
    settings = load_settings(
        input="replay",
        flink__parallelism=1,
        scoring__model=options.model,
        **of_this_machine(
            {
                "kafka__bootstrap_servers": stack.bootstrap_servers,
                "redis__url": stack.redis_url,
                "flink__rest_url": stack.flink_url,
            }
        ),
    )
    rules = checked(settings)
    console.print("starting Kafka, Redis and Flink, and submitting the job …", style="dim")
    with Preparation(stack, settings, rules, path / "client") as preparation:
        directory.worthless = False  # logs that tell why it failed
        fed = False
        try:
            with stack:
                console.print(f"{time.monotonic() - started:4.0f} s  Kafka, Redis and Flink are up", style="dim")
                job = preparation.job()
                demonstration = Demonstration(options, settings, stack, job, console)
                try:
                    demonstration.wait_until_running(started)
                    fed = True
                    return demonstration.run(source, interruption, started)
                finally:
                    demonstration.close()
        except KeyboardInterrupt:
            directory.worthless = not fed
            raise


class Demonstration:
    """One run on services that are up."""

    def __init__(
        self, options: DemoOptions, settings: Settings, stack: LocalStack, job: str, console: Console
    ) -> None:
        self._options = options
        self._settings = settings
        self._stack = stack
        self._console = console
        self._seen: set[tuple[str, int]] = set()
        with ExitStack() as opened:
            self._rest = opened.enter_context(stack.flink.rest())
            self._account = Account(settings)
            opened.callback(self._account.close)
            self._alerts = AlertStream(settings, "0-0")
            opened.callback(self._alerts.close)
            self._producer = EventProducer(settings, settings.input_topic)
            self._opened = opened.pop_all()
        self._progress = JobProgress(self._rest, job)

    def close(self) -> None:
        """Leave Kafka, Redis and Flink."""
        self._opened.close()

    def wait_until_running(self, started: float) -> None:
        """Return when the job's tasks run."""
        try:
            self._progress.wait_until_running(START_TIMEOUT_S)
        except FlinkError as error:
            raise DemoError(f"{error}\nlogs: {self._stack.directory / LOGS}") from error
        self._console.print(f"{time.monotonic() - started:4.0f} s  the job runs: {self._stack.flink_url}", style="dim")

    def run(self, source: Reading | int, interruption: Interruption, started: float) -> Result:
        """Feed, show, and at the end let the open conversations run out."""
        options, account = self._options, self._account
        feed = Feed(self._settings, self._producer, source, options.speed, interruption.stop)
        ends_at = time.monotonic() + options.seconds if options.seconds else float("inf")
        view = LiveView(self._console, self._settings.time.zone, options.speed, quiet=options.json)
        with interruption.orderly(), view:
            feed.start()
            latest = time.monotonic()
            first_through = False
            while True:
                news = self._read_alerts(view) + account.update(LOOK_S)
                now = time.monotonic()
                self._check()
                if feed.fault is not None:
                    raise feed.fault
                if now >= ends_at:
                    interruption.stop.set()
                figures = self._figures(feed, ending=interruption.stop.is_set() or feed.done.is_set())
                view.show(figures, feed.incidents())
                if not first_through and self._progress.records_through:
                    first_through = True
                    view.say(f"{now - started:4.0f} s  the first messages are through")
                if news or not feed.done.is_set():
                    latest = now
                complete = account.produced == self._producer.produced and account.accounted
                complete = complete and len(self._seen) == len(account.alerts)
                if feed.done.is_set() and now - latest > (CALM_S if complete else STANDSTILL_S):
                    break
        feed.join(1)
        return Result(
            messages=self._producer.produced,
            in_sessions=account.in_sessions,
            duplicates=len(account.duplicates),
            dead_letters=len(account.dead_letters),
            late=len(account.late),
            events=account.events,
            sessions=len(account.sessions),
            alerts_kafka=len(account.alerts),
            alerts_redis=len(self._seen),
            seconds=round(time.monotonic() - started, 1),
            accounted=account.accounted and account.produced == self._producer.produced,
        )

    def _read_alerts(self, view: LiveView) -> int:
        found = self._alerts.read()
        for alert in found:
            identity = alert["alert_id"], alert["revision"]
            if identity not in self._seen:
                self._seen.add(identity)
                view.alert(alert)
        return len(found)

    def _figures(self, feed: Feed, ending: bool) -> Figures:
        account, progress = self._account, self._progress
        return Figures(
            now_ms=feed.replayer.now_ms,
            state=progress.state,
            messages=self._producer.produced,
            sessions=len(account.sessions),
            lag=progress.lag,
            behind_ms=None if progress.watermark_ms is None else feed.replayer.now_ms - progress.watermark_ms,
            open_conversations=progress.open_conversations,
            alerts=len(self._seen),
            dead_letters=len(account.dead_letters),
            duplicates=len(account.duplicates),
            late=len(account.late),
            ending=ending,
        )

    def _check(self) -> None:
        self._progress.refresh()
        if self._progress.has_ended:
            reason = self._progress.reason()
            raise DemoError(f"the job is {self._progress.state}; logs: {self._stack.directory / LOGS}\n{reason}")


def _summarise(result: Result, directory: Path, console: Console) -> None:
    verdict = ("every record is accounted for", "green") if result.accounted else ("the account does not close", "red")
    told = (
        f" records in {result.seconds:.0f} s: {result.in_sessions:,} messages in "
        f"{result.sessions:,} sessions, {result.events:,} events without a message, {result.duplicates:,} repeats, "
        f"{result.late:,} late, {result.dead_letters:,} dead letters: "
    )
    console.print(Text.assemble("\n", (f"{result.messages:,}", "bold"), told, verdict))
    console.print(f"{result.alerts_redis:,} alerts through Redis, {result.alerts_kafka:,} in Kafka")
    console.print(f"data and logs: {directory}")
