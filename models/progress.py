"""The bar that is seen while texts, steps or events are counted."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


def counted(console: Console, transient: bool = False) -> Progress:
    """What is done, a bar, how many of how many, and the time that is left. transient: nothing stays of it."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=transient)
