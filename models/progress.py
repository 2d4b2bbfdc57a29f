"""What people see on a terminal: lines, and the bar while texts, steps or events are counted."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


def console_for(stderr: bool = True) -> Console:
    """A console that shows names and paths as they are: no bracket in them is markup, no :100: a sign, and no number stands out."""
    return Console(stderr=stderr, highlight=False, markup=False, emoji=False)


def counted(console: Console, transient: bool = False) -> Progress:
    """What is done, a bar, how many of how many, and the time that is left. transient: nothing stays of it."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=transient)
