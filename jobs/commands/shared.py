"""What the commands share: options, the console for people, JSON lines for programs."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from io import BufferedReader
from pathlib import Path
from typing import Annotated, Any, cast

import orjson
import typer

from models.progress import console_for

CLOSED_PIPE = 141
"""The exit code of a process that SIGPIPE has ended, as the shell tells it."""

READ_BYTES = 2**16
BATCH = 64

ERRORS = console_for()
SettingsFile = Annotated[
    Path | None,
    typer.Option("--settings", help="YAML file; default: $REPLYWATCH_SETTINGS, else conf/settings.yaml"),
]
Namespace = Annotated[
    str | None,
    typer.Option(help="Prefix of topics, Redis keys and channels; a replay beside a live job needs one of its own."),
]
Seed = Annotated[int, typer.Option(help="Of the simulator: the same seed, the same day.")]
Model = Annotated[
    str | None,
    typer.Option(
        help="accurate, fast, lexicon (a list of words), null (no scores), a directory, OWNER/NAME on the Hugging Face hub, or the URL of a model "
        "server; default: scoring.model of the settings.",
    ),
]


def print_json(value: dict[str, Any]) -> None:
    """One JSON object, one line, at once. Ends the command where whoever read our lines has had enough."""
    try:
        typer.echo(orjson.dumps(value))
        sys.stdout.flush()
    except BrokenPipeError:
        give_up_output()
        raise typer.Exit(CLOSED_PIPE) from None
    except OSError as error:
        raise OSError(error.errno, error.strerror, "standard output") from error


def give_up_output() -> None:
    """What waits to be written goes nowhere: the interpreter must not try it again at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def checked_place(device: str, precision: str = "auto") -> None:
    """Raise typer.BadParameter for an unknown device or precision, before anything long begins."""
    from models.scorer import check_place

    try:
        check_place(device, precision)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def standard_input() -> Iterator[str]:
    """The lines of standard input; bytes that are no UTF-8 are replaced. Raises typer.BadParameter where it is closed."""
    return (_decoded(line) for line in _input())


def batches_of_standard_input() -> Iterator[list[str]]:
    """The lines of standard input, at most BATCH at a time, and fewer where no more have come: who types, or follows a log, doesn't
    wait for a batch to be full. A file is always divided in the same way. Raises typer.BadParameter where it is closed."""
    return _batches(_input())


def _input() -> BufferedReader:
    if sys.stdin is None:  # `<&-`
        raise typer.BadParameter("it is closed: give lines by a pipe or a file, or type them", param_hint="standard input")
    return cast("BufferedReader", sys.stdin.buffer)


def _batches(reader: BufferedReader) -> Iterator[list[str]]:
    begun: list[bytes] = []  # of a line whose end hasn't come
    while come := reader.read1(READ_BYTES):
        first, *others = come.split(b"\n")
        begun.append(first)
        if others:
            yield from _divided([b"".join(begun), *others[:-1]])
            begun = [others[-1]]
    if any(begun):
        yield [_decoded(b"".join(begun))]


def _divided(lines: Sequence[bytes]) -> Iterator[list[str]]:
    return ([_decoded(line) for line in lines[start : start + BATCH]] for start in range(0, len(lines), BATCH))


def _decoded(line: bytes) -> str:
    return line.decode("utf-8", errors="replace").rstrip("\r\n")
