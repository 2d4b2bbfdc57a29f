"""The command line: `replywatch --help` teaches it. The commands themselves lie in `jobs.commands`."""

from __future__ import annotations

import contextlib
import sys
from typing import NoReturn

import typer
from rich.text import Text

from jobs.commands import job, local, look, model
from jobs.commands.shared import ERRORS, give_up_output
from jobs.interruption import note_early_interrupts

UNUSABLE, INTERRUPTED = 2, 130

app = typer.Typer(
    help="""ReplyWatch watches customer-service conversations while they happen and tells people in time.

    Look at it: [bold]replywatch demo[/]. Work with it: [bold]replywatch up[/], then [bold]say[/], [bold]tail[/] and
    [bold]replay[/], at last [bold]down[/]. Ask what is wrong: [bold]replywatch doctor[/].
    """,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    local.demo,
    local.up,
    local.down,
    local.status,
    job.submit,
    job.topics,
    job.replay,
    job.simulate,
    look.tail,
    job.say,
    job.clock,
    job.account,
    look.config,
    look.score,
    look.mask,
    model.train,
    model.calibrate,
    model.evaluate,
    model.train_satisfaction,
    model.serve,
    look.doctor,
):
    app.command()(command)


def main() -> None:
    """The console command: faults that a person can mend are one message, not a traceback."""
    note_early_interrupts()
    if sys.stdout is None:  # `>&-`: the next file that is opened would take its place
        _end("standard output is closed: give it a place, such as >/dev/null", UNUSABLE)
    try:
        app(prog_name="replywatch")
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except Exception as error:
        from jobs.faults import explain

        known = explain(error)
        if known is None:
            raise
        if isinstance(error, OSError):
            give_up_output()
        _end(*known)


def _end(message: str, code: int) -> NoReturn:
    with contextlib.suppress(OSError):  # standard error may be as full as the rest
        ERRORS.print(Text.assemble(("error ", "bold red"), message), soft_wrap=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
