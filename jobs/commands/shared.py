"""What the commands share: options, the console for people, JSON lines for programs."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console

CLOSED_PIPE = 141
"""The exit code of a process that SIGPIPE has ended, as the shell tells it."""

ERRORS = Console(stderr=True, highlight=False)
SettingsFile = Annotated[
    Path | None,
    typer.Option("--settings", help="YAML file; default: $REPLYWATCH_SETTINGS, else conf/settings.yaml"),
]
Namespace = Annotated[
    str | None,
    typer.Option(help="Prefix of topics, Redis keys and channels; a replay beside a live job needs one of its own."),
]
Seed = Annotated[int, typer.Option(help="Of the simulator: the same seed, the same day.")]
Model = Annotated[str, typer.Option(help="default (shipped), null (no scores), a local directory, or a hub name.")]


def print_json(value: dict[str, Any]) -> None:
    """One JSON object, one line, at once. Ends the command where whoever read our lines has had enough."""
    try:
        typer.echo(orjson.dumps(value))
        sys.stdout.flush()
    except BrokenPipeError:
        # The interpreter must not flush into the closed pipe at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(CLOSED_PIPE) from None


def checked_place(device: str, precision: str = "auto") -> None:
    """Raise typer.BadParameter for an unknown device or precision, before anything long begins."""
    from models.scorer import check_place

    try:
        check_place(device, precision)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def standard_input() -> Iterator[str]:
    """The lines of standard input; bytes that are no UTF-8 are replaced."""
    reader = sys.stdin.buffer
    return (line.decode("utf-8", errors="replace").rstrip("\r\n") for line in reader)
