"""Progress on the terminal: a bar for each step."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


def progress_bar(console: Console) -> Progress:
    """A bar a step."""
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    )


def task(bar: Progress, what: str, total: int) -> Callable[[int], None]:
    """A new bar; call the result with how far it is."""
    number = bar.add_task(what, total=total)

    def advance(done: int) -> None:
        bar.update(number, completed=min(done, total))

    return advance
