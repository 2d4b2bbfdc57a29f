"""The command line: `replywatch --help` teaches it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Optional

import orjson
import typer
from rich.console import Console

from jobs.settings import Settings, load_settings
from udfs.yaml_file import FileError

app = typer.Typer(
    help="""ReplyWatch watches customer-service conversations while they happen and tells people in time.

    Look at it: `replywatch demo`. Work with it: `replywatch up`, then `say`, `tail`, `replay`, and `down`.
    """,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
ERRORS = Console(stderr=True)
SettingsFile = Annotated[
    Optional[Path], typer.Option("--settings", help="YAML file; default: REPLYWATCH_SETTINGS, else conf/settings.yaml")
]
Namespace = Annotated[Optional[str], typer.Option(help="prefix of topics, Redis keys and channels")]


@app.command()
def demo(
    messages: Annotated[Optional[Path], typer.Argument(help="replay this file (canonical JSON lines, twcs.csv, JDDC)")] = None,
    seconds: Annotated[float, typer.Option(help="end after so long; 0: at Ctrl-C")] = 0,
    speed: Annotated[float, typer.Option(help="times faster than life")] = 60,
    seed: Annotated[int, typer.Option(help="of the simulator: the same seed, the same day")] = 1,
    json: Annotated[bool, typer.Option("--json", help="print one JSON object at the end and nothing else")] = False,
    model: Annotated[str, typer.Option(help="default, null, a directory or a hub name")] = "default",
    directory: Annotated[Optional[Path], typer.Option(help="where data and logs go; default: a new temporary folder")] = None,
) -> None:
    """Run the real thing on this machine: Kafka, Redis, Flink, the job, and simulated customers."""
    from jobs.demo import DemoOptions, run_demo

    raise typer.Exit(run_demo(DemoOptions(messages, seconds, speed, seed, json, model, directory)))


@app.command()
def up(task_managers: Annotated[int, typer.Option(min=1, max=64)] = 1) -> None:
    """Start Kafka, Redis, Flink and the clock on this machine and keep them; the job reads the live topic."""
    from jobs.local.service import bring_up

    bring_up(task_managers, ERRORS)


@app.command()
def down() -> None:
    """Stop what `up` started; data stay."""
    from jobs.local.service import bring_down

    for name in bring_down():
        typer.echo(f"stopped {name}")


@app.command()
def status() -> None:
    """What `up` has running, with addresses and logs; exit code 1 if something is not."""
    from jobs.local.service import report_status

    raise typer.Exit(report_status())


@app.command()
def submit(
    settings: SettingsFile = None,
    namespace: Namespace = None,
    replay: Annotated[bool, typer.Option("--replay", help="read the replay topic instead of the live one")] = False,
    savepoint: Annotated[Optional[str], typer.Option(help="start from this savepoint's path")] = None,
) -> None:
    """Create the topics and submit the job to the Flink cluster of the settings."""
    from jobs.flink_client import submit as submit_job
    from jobs.local.jars import fetch_jars
    from jobs.topics import create_topics

    effective = _settings(settings, namespace=namespace, input="replay" if replay else None)
    rules = effective.rules()
    made = create_topics(effective)
    job = submit_job(effective, rules, fetch_jars(console=ERRORS).flink[0], savepoint)
    typer.echo(f"job {job} reads {effective.input_topic}" + (f"; made {len(made)} topics" if made else ""))


@app.command()
def replay(
    messages: Annotated[Path, typer.Argument(help="canonical JSON lines, twcs.csv or JDDC")],
    settings: SettingsFile = None,
    namespace: Namespace = None,
    speed: Annotated[float, typer.Option(min=0, help="1: real time; N: N times faster; 0: as fast as possible")] = 0,
) -> None:
    """Write a file of conversations to the replay topic in their own time."""
    from jobs.replaying import replay_file

    replay_file(_settings(settings, namespace=namespace, input="replay"), messages, speed, ERRORS)


@app.command()
def simulate(
    settings: SettingsFile = None,
    namespace: Namespace = None,
    speed: Annotated[float, typer.Option(min=0, help="times faster than life; 0: as fast as possible")] = 60,
    minutes: Annotated[float, typer.Option(min=0, help="simulated minutes")] = 60,
    seed: Annotated[int, typer.Option()] = 1,
) -> None:
    """Write simulated conversations to the replay topic."""
    from jobs.replaying import replay_simulation

    replay_simulation(_settings(settings, namespace=namespace, input="replay"), seed, speed, minutes, ERRORS)


@app.command()
def tail(
    settings: SettingsFile = None,
    namespace: Namespace = None,
    json: Annotated[bool, typer.Option("--json", help="one JSON object a line")] = False,
    everything: Annotated[bool, typer.Option("--all", help="begin with what the stream still holds")] = False,
) -> None:
    """Show alerts as they arrive."""
    from jobs.tail import AlertStream, line

    stream = AlertStream(_settings(settings, namespace=namespace), "0-0" if everything else "$")
    try:
        for alert in stream.follow():
            typer.echo(orjson.dumps(alert).decode() if json else line(alert))
            sys.stdout.flush()
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


@app.command()
def say(
    conversation: Annotated[str, typer.Argument(help="any id; the same id is the same conversation")],
    sender: Annotated[str, typer.Argument(help="customer, agent, bot or system")],
    text: Annotated[str, typer.Argument(help="what is said")] = "",
    settings: SettingsFile = None,
    agent: Annotated[Optional[str], typer.Option(help="agent_id; default: you")] = None,
    kind: Annotated[str, typer.Option(help="message, resolve, reopen, transfer, …")] = "message",
) -> None:
    """Put one live message in, written now."""
    from jobs.say import say as say_it
    from udfs.parsing import KINDS, SENDERS

    if sender not in SENDERS or kind not in KINDS:
        raise typer.BadParameter(f"sender is one of {', '.join(sorted(SENDERS))}; kind one of {', '.join(sorted(KINDS))}")
    event = say_it(_settings(settings), conversation, sender, text, agent, kind)
    typer.echo(f"{event['message_id']} is on its way")


@app.command()
def clock(settings: SettingsFile = None) -> None:
    """Tick on the live topic once a second until stopped; part of `up`."""
    from jobs.clock import run_clock

    run_clock(_settings(settings))


@app.command()
def config(settings: SettingsFile = None) -> None:
    """Print the settings in force, secrets hidden, after checking them and the rules."""
    import yaml

    effective = _settings(settings)
    effective.rules()
    typer.echo(yaml.safe_dump(effective.model_dump(mode="json"), allow_unicode=True, sort_keys=False), nl=False)


@app.command()
def score(
    model: Annotated[str, typer.Option(help="default, null, a directory or a hub name")] = "default",
    device: Annotated[str, typer.Option(help="auto, cuda or cpu")] = "auto",
) -> None:
    """Score lines of text from standard input; one JSON object a line."""
    from models.scorer import load_scorer
    from udfs.privacy import Masker

    scorer, masker = load_scorer(model, device), Masker()
    for text in _lines():
        (result,) = scorer.score([masker.mask(text).text])
        typer.echo(
            orjson.dumps(
                {
                    "text": text,
                    "label": result.label if result else None,
                    "score": round(result.score, 4) if result else None,
                    "model": scorer.version,
                }
            )
        )


@app.command()
def mask() -> None:
    """Mask personal data in lines of text from standard input; one JSON object a line."""
    from udfs.privacy import Masker
    from udfs.text import repair

    masker = Masker()
    for text in _lines():
        masked = masker.mask(repair(text))
        spans = [{"start": span.start, "end": span.end, "kind": span.kind} for span in masked.spans]
        typer.echo(orjson.dumps({"masked": masked.text, "spans": spans}))


@app.command()
def doctor(settings: SettingsFile = None) -> None:
    """Check this machine and the services of the settings, and say what to do; exit code 1 if something is missing."""
    from jobs.doctor import examine

    raise typer.Exit(examine(_settings(settings), Console()))


def main() -> None:
    """The console command: faults that a person can mend are one message, not a traceback."""
    from jobs.faults import KNOWN

    try:
        app()
    except FileError as error:
        ERRORS.print(f"[red]error[/] {error}", highlight=False, markup=True)
        sys.exit(2)
    except KNOWN as error:
        ERRORS.print("[red]error[/]", str(error), highlight=False)
        sys.exit(1)


def _settings(path: Path | None, **overrides: object) -> Settings:
    """The settings, with the addresses of the services that `up` keeps running where none are set."""
    from jobs.local.service import local_addresses

    return load_settings(path, **{**local_addresses(), **overrides})


def _lines() -> list[str] | object:
    reader = sys.stdin.buffer
    return (line.decode("utf-8", errors="replace").rstrip("\r\n") for line in reader)
