"""The command line: `replywatch --help` teaches it. Each command imports what it needs when it runs, so that all begin at once."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import orjson
import typer
from rich.console import Console
from rich.text import Text

from jobs.interruption import note_early_interrupts

if TYPE_CHECKING:
    from jobs.settings import Settings

INTERRUPTED = 130
CLOSED_PIPE = 141

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
ERRORS = Console(stderr=True, highlight=False)
SettingsFile = Annotated[
    Optional[Path],  # noqa: UP045 - typer evaluates it, also on Python 3.10
    typer.Option("--settings", help="YAML file; default: $REPLYWATCH_SETTINGS, else conf/settings.yaml"),
]
Namespace = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(help="Prefix of topics, Redis keys and channels; a replay beside a live job needs one of its own."),
]
Seed = Annotated[int, typer.Option(help="Of the simulator: the same seed, the same day.")]
Model = Annotated[str, typer.Option(help="default (shipped), null (no scores), a local directory, or a hub name.")]


@app.command()
def demo(
    messages: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Argument(help="A file to replay: canonical JSON lines, twcs.csv or JDDC. Default: simulated customers."),
    ] = None,
    seconds: Annotated[float, typer.Option(min=0, help="End after so long; 0: at Ctrl-C.")] = 0,
    speed: Annotated[float, typer.Option(min=0, help="Times faster than life; 0: as fast as possible.")] = 60,
    seed: Seed = 1,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object at the end, on standard output.")] = False,
    model: Model = "default",
    directory: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="Where data and logs go; default: a new folder, of which the last three are kept."),
    ] = None,
) -> None:
    """Run the real thing on this machine: Kafka, Redis, Flink, the job, and customers who write to it.

    Nothing needs to run before, and nothing runs after. At the end (Ctrl-C or --seconds) the open conversations run out,
    and the summary says whether every record that went in came out in exactly one place.
    """
    from jobs.demo import DemoOptions, run_demo

    raise typer.Exit(run_demo(DemoOptions(messages, seconds, speed, seed, json, model, directory)))


@app.command()
def up(
    task_managers: Annotated[
        int, typer.Option(min=1, max=64, help="Flink slots: one a running job and parallelism.")
    ] = 1,
    metrics: Annotated[
        bool, typer.Option("--metrics", help="Serve Flink's Prometheus metrics; Flink opens these ports on all interfaces.")
    ] = False,
) -> None:
    """Start Kafka, Redis, Flink, the clock and the live job on this machine, and keep them.

    Then talk to it: [bold]replywatch say c1 customer "hello?"[/], wait a minute, and see the alarm in
    [bold]replywatch tail[/]; answer with [bold]replywatch say c1 agent "here I am"[/], and see it resolved.
    """
    from jobs.interruption import Interruption
    from jobs.local.service import bring_up, report_status

    with Interruption():
        bring_up(task_managers, ERRORS, metrics)
    raise typer.Exit(report_status(Console()))


@app.command()
def down() -> None:
    """Stop what `up` started. Data stay, and the job goes on from where it was stopped at the next `up`."""
    from jobs.local.service import bring_down

    stopped = bring_down()
    typer.echo(f"stopped {', '.join(stopped)}" if stopped else "nothing was running")


@app.command()
def status() -> None:
    """Show what `up` runs, with addresses, logs and the job's state; exit code 1 if something is dead."""
    from jobs.local.service import report_status

    raise typer.Exit(report_status(Console()))


@app.command()
def submit(
    settings: SettingsFile = None,
    namespace: Namespace = None,
    replay: Annotated[bool, typer.Option("--replay", help="Read the replay topic instead of the live one.")] = False,
    savepoint: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="Start from this savepoint or retained checkpoint."),
    ] = None,
) -> None:
    """Create the topics and submit the job to the Flink cluster of the settings.

    The cluster's processes need the secret for personal ids, REPLYWATCH_HASH_KEY or REPLYWATCH_HASH_KEY_FILE, and where
    Redis has a password its address in REPLYWATCH_REDIS__URL. Here: [bold]replywatch up --task-managers 2[/] leaves a slot
    free, and [bold]replywatch submit --replay --namespace past[/] takes it.
    """
    from jobs.flink_client import submit as submit_job
    from jobs.interruption import Interruption
    from jobs.local.flink_rest import FlinkRest
    from jobs.local.hash_key import keep_hash_key
    from jobs.local.jars import fetch_jars
    from jobs.local.service import local_addresses
    from jobs.topics import create_topics

    effective = _settings(settings, namespace=namespace, input="replay" if replay else None)
    rules = effective.rules()
    if local_addresses().get("flink__rest_url") == effective.flink.rest_url:
        os.environ.update(keep_hash_key())  # the secret that the local cluster has
    with Interruption():
        with FlinkRest(effective.flink.rest_url) as rest:
            free = int(rest.overview()["slots-available"])
        made = create_topics(effective)
        job = submit_job(effective, rules, fetch_jars(console=ERRORS).flink, savepoint=savepoint)
    typer.echo(f"job {job} reads {effective.input_topic}" + (f"; made {len(made)} topics" if made else ""))
    if free < effective.flink.parallelism:
        typer.echo(f"it waits for slots: {free} of {effective.flink.parallelism} were free", err=True)


@app.command()
def replay(
    messages: Annotated[Path, typer.Argument(help="Canonical JSON lines, twcs.csv or JDDC; a file or its folder.")],
    settings: SettingsFile = None,
    namespace: Namespace = None,
    speed: Annotated[float, typer.Option(min=0, help="1: as in life; N: N times faster; 0: as fast as possible.")] = 0,
) -> None:
    """Write a file of conversations to the replay topic, in their own time.

    A job must read that topic: [bold]replywatch submit --replay --namespace past[/], then
    [bold]replywatch replay FILE --namespace past[/] and [bold]replywatch tail --namespace past --all[/].
    """
    from jobs.replaying import replay_file

    replay_file(_settings(settings, namespace=namespace, input="replay"), messages, speed, ERRORS)


@app.command()
def simulate(
    settings: SettingsFile = None,
    namespace: Namespace = None,
    speed: Annotated[float, typer.Option(min=0, help="Times faster than life; 0: as fast as possible.")] = 60,
    minutes: Annotated[float, typer.Option(min=0, help="Simulated minutes.")] = 60,
    seed: Seed = 1,
    live: Annotated[
        bool, typer.Option("--live", help="To the live topic, as if it were now, at the speed of life.")
    ] = False,
) -> None:
    """Write simulated conversations to the replay topic, or live ones beside your own: [bold]simulate --live[/]."""
    from jobs.replaying import simulate_live, simulate_replay

    if live:
        simulate_live(_settings(settings, namespace=namespace, input="live"), seed, minutes, ERRORS)
    else:
        simulate_replay(_settings(settings, namespace=namespace, input="replay"), seed, speed, minutes, ERRORS)


@app.command()
def tail(
    settings: SettingsFile = None,
    namespace: Namespace = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Begin with what the stream still holds.")] = False,
) -> None:
    """Show alerts as they arrive through Redis, each a sentence; Ctrl-C ends it."""
    from zoneinfo import ZoneInfo

    from jobs.tail import AlertStream, sentence

    effective = _settings(settings, namespace=namespace)
    stream, zone, console = (
        AlertStream(effective, "0-0" if everything else "$"),
        ZoneInfo(effective.time.zone),
        Console(),
    )
    for alert in stream.follow():
        if json:
            _print_json(alert)
        else:
            console.print(sentence(alert, zone), soft_wrap=True)


@app.command()
def say(
    conversation: Annotated[str, typer.Argument(help="Any id; the same id is the same conversation.")],
    sender: Annotated[str, typer.Argument(help="customer, agent, bot or system")],
    text: Annotated[str, typer.Argument(help="What is said.")] = "",
    settings: SettingsFile = None,
    namespace: Namespace = None,
    agent: Annotated[str, typer.Option(help="The agent's id.")] = "you",
    kind: Annotated[str, typer.Option(help="message, or without a text: resolve, reopen, transfer, …")] = "message",
) -> None:
    """Put one live message in, written now: [bold]replywatch say c1 customer "人呢？"[/]."""
    from jobs.say import say as say_it
    from udfs.parsing import KINDS, SENDERS

    if sender not in SENDERS:
        raise typer.BadParameter(f"{sender!r} is none of {', '.join(sorted(SENDERS))}", param_hint="SENDER")
    if kind not in KINDS:
        raise typer.BadParameter(f"{kind!r} is none of {', '.join(sorted(KINDS))}", param_hint="--kind")
    if kind == "message" and not text.strip():
        raise typer.BadParameter("a message needs a text", param_hint="TEXT")
    event = say_it(_settings(settings, namespace=namespace), conversation, sender, text, agent, kind)
    typer.echo(f"{event['message_id']} is on its way")


@app.command()
def clock(settings: SettingsFile = None, namespace: Namespace = None) -> None:
    """Tick on the live topic once a second until stopped, so that silence is noticed. Part of `up`."""
    from jobs.clock import run_clock

    run_clock(_settings(settings, namespace=namespace))


@app.command()
def account(
    settings: SettingsFile = None,
    namespace: Namespace = None,
    replay: Annotated[bool, typer.Option("--replay", help="Of the replay topic instead of the live one.")] = False,
) -> None:
    """Read the topics back: is every record in exactly one of sessions, repeats, late, dead letters, events?

    Prints one JSON object; exit code 1 if the account does not close, as while conversations are still open.
    """
    from jobs.accounting import read_account
    from jobs.local.hash_key import keep_hash_key
    from jobs.local.service import local_addresses

    effective = _settings(settings, namespace=namespace, input="replay" if replay else None)
    if local_addresses().get("kafka__bootstrap_servers") == effective.kafka.bootstrap_servers:
        os.environ.update(keep_hash_key())
    found = read_account(effective)
    _print_json(found)
    raise typer.Exit(0 if found["accounted"] else 1)


@app.command()
def config(settings: SettingsFile = None, namespace: Namespace = None) -> None:
    """Print the settings in force, secrets hidden, after checking them and the rules.

    Any of them can be set by the environment: REPLYWATCH_KAFKA__BOOTSTRAP_SERVERS=broker:9092
    """
    import yaml

    effective = _settings(settings, namespace=namespace)
    effective.rules()
    values = effective.model_dump(mode="json")
    options = values["kafka"]["options"]
    values["kafka"]["options"] = {name: "**********" if _is_secret(name) else options[name] for name in options}
    typer.echo(yaml.safe_dump(values, allow_unicode=True, sort_keys=False), nl=False)


@app.command()
def score(
    model: Model = "default",
    device: Annotated[str, typer.Option(help="auto, cuda or cpu")] = "auto",
) -> None:
    """Score lines of text from standard input; one JSON object a line: text, label, score (-1…1), model."""
    from jobs.text_lines import score_lines

    if device not in ("auto", "cuda", "cpu"):
        raise typer.BadParameter(f"{device!r} is none of auto, cuda, cpu", param_hint="--device")
    for result in score_lines(_lines(), model, device):
        _print_json(result)


@app.command()
def mask() -> None:
    """Mask personal data in lines of text from standard input; one JSON object a line: masked, spans."""
    from jobs.text_lines import mask_lines

    for result in mask_lines(_lines()):
        _print_json(result)


@app.command()
def doctor(settings: SettingsFile = None, namespace: Namespace = None) -> None:
    """Check this machine and the services of the settings, and say what to do; exit code 1 if something is missing."""
    from jobs.doctor import examine

    raise typer.Exit(examine(_settings(settings, namespace=namespace), Console()))


def main() -> None:
    """The console command: faults that a person can mend are one message, not a traceback."""
    note_early_interrupts()
    try:
        app(prog_name="replywatch")
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our lines has had enough; the interpreter must not flush into the closed pipe at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(CLOSED_PIPE)
    except Exception as error:
        from jobs.faults import explain

        known = explain(error)
        if known is None:
            raise
        message, code = known
        ERRORS.print(Text.assemble(("error ", "bold red"), message), soft_wrap=True)
        sys.exit(code)


def _settings(path: Path | None, **overrides: object) -> Settings:
    from jobs.local.service import find_settings

    return find_settings(path, **overrides)


def _is_secret(name: str) -> bool:
    return any(word in name.lower() for word in ("password", "secret", "jaas", "token", ".key"))


def _print_json(value: dict[str, Any]) -> None:
    typer.echo(orjson.dumps(value))
    sys.stdout.flush()


def _lines() -> Iterator[str]:
    reader = sys.stdin.buffer
    return (line.decode("utf-8", errors="replace").rstrip("\r\n") for line in reader)


if __name__ == "__main__":
    main()
