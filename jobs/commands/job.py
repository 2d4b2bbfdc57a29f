"""The commands that put the job and messages to the services of the settings. Each imports what it needs when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jobs.commands.shared import ERRORS, Namespace, Seed, SettingsFile, print_json


def submit(
    settings: SettingsFile = None,
    namespace: Namespace = None,
    replay: Annotated[bool, typer.Option("--replay", help="Read the replay topic instead of the live one.")] = False,
    savepoint: Annotated[
        str | None,
        typer.Option(help="Start from this savepoint or retained checkpoint."),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Leave a job that runs already alone: no mistake.")] = False,
    keep: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", exists=True, file_okay=False,
            help="Stay, and start the job again whenever the cluster has lost it, from its newest state in FOLDER/checkpoints and "
            "FOLDER/savepoints, where the cluster has them, too.",
        ),
    ] = None,
) -> None:  # fmt: skip
    """Create the topics and submit the job to the Flink cluster of the settings.

    The cluster's processes need the secret for personal ids, REPLYWATCH_HASH_KEY or REPLYWATCH_HASH_KEY_FILE, and where
    Redis has a password its address in REPLYWATCH_REDIS__URL. A job of the same name that runs already is left alone, with exit
    code 1, or 0 with --once. Here: [bold]replywatch up --task-managers 2[/] leaves a slot
    free, and [bold]replywatch submit --replay --namespace past[/] takes it.
    """
    from jobs.checks import checked
    from jobs.flink_client import submit as submit_job
    from jobs.interruption import Interruption
    from jobs.keeper import Keeper
    from jobs.local.flink_rest import FlinkRest
    from jobs.local.jars import fetch_jars
    from jobs.local.service import find_settings, take_local_secret
    from jobs.topics import check_partitions, create_topics

    if keep and (savepoint or once):
        raise typer.BadParameter(
            "starts from what it finds there, and leaves a job that runs alone: without --savepoint and --once", param_hint="--keep"
        )
    effective = find_settings(settings, namespace=namespace, input="replay" if replay else None)
    rules = checked(effective)
    take_local_secret("flink__rest_url", effective.flink.rest_url)

    def start(state: str | None) -> str:
        made = create_topics(effective)
        check_partitions(effective)
        job = submit_job(effective, rules, fetch_jars(console=ERRORS).flink, savepoint=state)
        typer.echo(f"job {job} reads {effective.input_topic}" + (f"; made {len(made)} topics" if made else ""))
        return job

    with Interruption() as interruption, FlinkRest(effective.flink.rest_url) as rest:
        if keep:
            keeper = Keeper(keep.absolute(), effective.job_name, lambda: rest.living(effective.job_name), start)
            with interruption.orderly():
                keeper.keep(interruption.stop.wait)
            return
        free = int(rest.overview()["slots-available"])
        running = rest.living(effective.job_name)
        if running:
            typer.echo(
                f"job {running} ({effective.job_name}) runs already, and a second one would write everything twice; nothing was "
                "submitted. Stop it with a savepoint and give that by --savepoint, or name another --namespace",
                err=True,
            )
            raise typer.Exit(0 if once else 1)
        start(savepoint)
    if free < effective.flink.parallelism:
        typer.echo(f"it waits for slots: {free} of {effective.flink.parallelism} were free", err=True)


def topics(settings: SettingsFile = None, namespace: Namespace = None) -> None:
    """Create the topics that do not exist yet, as `submit` does; for a cluster that starts the job by itself."""
    from jobs.local.service import find_settings
    from jobs.topics import create_topics

    effective = find_settings(settings, namespace=namespace)
    made = create_topics(effective)
    typer.echo(f"made {', '.join(made)}" if made else f"all topics are there at {effective.kafka.bootstrap_servers}")


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
    from jobs.local.service import find_settings
    from jobs.replaying import replay_file

    replay_file(find_settings(settings, namespace=namespace, input="replay"), messages, speed, ERRORS)


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
    from jobs.local.service import find_settings
    from jobs.replaying import simulate_live, simulate_replay

    if live:
        simulate_live(find_settings(settings, namespace=namespace, input="live"), seed, minutes, ERRORS)
    else:
        simulate_replay(find_settings(settings, namespace=namespace, input="replay"), seed, speed, minutes, ERRORS)


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
    from jobs.local.service import find_settings
    from jobs.say import say as say_it
    from udfs.parsing import KINDS, SENDERS, Refused

    if sender not in SENDERS:
        raise typer.BadParameter(f"{sender!r} is none of {', '.join(sorted(SENDERS))}", param_hint="SENDER")
    if kind not in KINDS - {"tick"}:
        raise typer.BadParameter(f"{kind!r} is none of {', '.join(sorted(KINDS - {'tick'}))}", param_hint="--kind")
    if kind == "message" and not text.strip():
        raise typer.BadParameter("a message needs a text", param_hint="TEXT")
    try:
        event = say_it(find_settings(settings, namespace=namespace), conversation, sender, text, agent, kind)
    except Refused as refused:
        raise typer.BadParameter(f"{refused.detail} (it would be a dead letter {refused.reason})") from refused
    typer.echo(f"{event['message_id']} is on its way")


def clock(settings: SettingsFile = None, namespace: Namespace = None) -> None:
    """Tick on the live topic once a second until stopped, so that silence is noticed. Part of `up`."""
    from jobs.clock import run_clock
    from jobs.local.service import find_settings

    run_clock(find_settings(settings, namespace=namespace))


def account(
    settings: SettingsFile = None,
    namespace: Namespace = None,
    replay: Annotated[bool, typer.Option("--replay", help="Of the replay topic instead of the live one.")] = False,
) -> None:
    """Read the topics back: is every record in exactly one of sessions, repeats, late, dead letters, events?

    Prints one JSON object; exit code 1 if the account does not close, as while conversations are still open.
    """
    from jobs.accounting import read_account
    from jobs.local.service import find_settings, take_local_secret

    effective = find_settings(settings, namespace=namespace, input="replay" if replay else None)
    take_local_secret("kafka__bootstrap_servers", effective.kafka.bootstrap_servers)
    found = read_account(effective)
    print_json(found)
    raise typer.Exit(0 if found["accounted"] else 1)
