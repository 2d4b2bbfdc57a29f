"""The commands that run services on this machine. Each imports what it needs when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jobs.commands.shared import ERRORS, Model, Seed
from models.progress import console_for


def demo(
    messages: Annotated[
        Path | None,
        typer.Argument(help="A file to replay: canonical JSON lines, twcs.csv or JDDC. Default: simulated customers."),
    ] = None,
    seconds: Annotated[float, typer.Option(min=0, help="End after so long; 0: at Ctrl-C.")] = 0,
    speed: Annotated[float, typer.Option(min=0, help="Times faster than life; 0: as fast as possible.")] = 60,
    seed: Seed = 1,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object at the end, on standard output.")] = False,
    model: Model = None,
    directory: Annotated[
        Path | None,
        typer.Option(help="Where data and logs go; default: a new folder, of which the last three are kept."),
    ] = None,
) -> None:
    """Run the real thing on this machine: Kafka, Redis, Flink, the job, and customers who write to it.

    Nothing needs to run before, and nothing runs after. At the end (Ctrl-C or --seconds) the open conversations run out,
    and the summary says whether every record that went in came out in exactly one place.
    """
    from jobs.demo import DemoOptions, run_demo

    raise typer.Exit(run_demo(DemoOptions(messages, seconds, speed, seed, json, model, directory)))


def up(
    task_managers: Annotated[
        int, typer.Option(min=1, max=64, help="Flink slots: one a running job and parallelism.")
    ] = 1,
    metrics: Annotated[
        bool,
        typer.Option("--metrics", help="Serve Flink's Prometheus metrics; Flink opens these ports on all interfaces."),
    ] = False,
) -> None:
    """Start Kafka, Redis, Flink, the clock and the live job on this machine, and keep them.

    Then talk to it: [bold]replywatch say c1 customer "hello?"[/], wait a minute, and see the alarm in
    [bold]replywatch tail[/]; answer with [bold]replywatch say c1 agent "here I am"[/], and see it resolved.
    """
    from jobs.interruption import Interruption
    from jobs.local.service import bring_up
    from jobs.local.service_status import report_status

    with Interruption():
        bring_up(task_managers, ERRORS, metrics)
    raise typer.Exit(report_status(console_for(stderr=False)))


def down() -> None:
    """Stop what `up` started. Data stay, and the job goes on from where it was stopped at the next `up`."""
    from jobs.local.service import bring_down

    stopped = bring_down(ERRORS)
    typer.echo(f"stopped {', '.join(stopped)}" if stopped else "nothing was running")


def status() -> None:
    """Show what `up` runs, with addresses, logs and the job's state; exit code 1 if something is dead."""
    from jobs.local.service_status import report_status

    raise typer.Exit(report_status(console_for(stderr=False)))
