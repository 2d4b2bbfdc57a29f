"""The commands that show something: alerts, settings, scores, what is wrong. Each imports what it needs when it runs."""

from __future__ import annotations

from typing import Annotated

import typer

from jobs.commands.shared import (
    ERRORS,
    Model,
    Namespace,
    SettingsFile,
    batches_of_standard_input,
    checked_place,
    print_json,
    standard_input,
)
from models.progress import console_for


def tail(
    settings: SettingsFile = None,
    namespace: Namespace = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Begin with what the stream still holds.")] = False,
) -> None:
    """Show alerts as they arrive through Redis, each a sentence, also across an outage of Redis; Ctrl-C ends it."""
    from zoneinfo import ZoneInfo

    from jobs.local.service import find_settings
    from jobs.tail import BEFORE_ALL, AlertStream, sentence

    effective = find_settings(settings, namespace=namespace)
    stream, zone, console = (
        AlertStream(effective, BEFORE_ALL if everything else "$"),
        ZoneInfo(effective.time.zone),
        console_for(stderr=False),
    )

    def told(fault: Exception | None) -> None:
        ERRORS.print(f"Redis does not answer ({fault}); waiting for it …" if fault else "Redis is back", style="yellow")

    for alert in stream.follow(told=told):
        if json:
            print_json(alert)
        else:
            console.print(sentence(alert, zone), soft_wrap=True)


def config(settings: SettingsFile = None, namespace: Namespace = None) -> None:
    """Print the settings in force, secrets hidden, after checking them, the rules, and the models and files that they name.

    Any of them can be set by the environment: REPLYWATCH_KAFKA__BOOTSTRAP_SERVERS=broker:9092
    """
    import yaml

    from jobs.checks import checked
    from jobs.local.service import find_settings
    from jobs.settings import printable

    effective = find_settings(settings, namespace=namespace)
    checked(effective)
    typer.echo(yaml.safe_dump(printable(effective), allow_unicode=True, sort_keys=False), nl=False)


def score(
    settings: SettingsFile = None,
    model: Model = None,
    device: Annotated[str | None, typer.Option(help="auto, cuda or cpu; default: scoring.device.")] = None,
    precision: Annotated[str | None, typer.Option(help="auto, fp32, bf16 or int8; default: scoring.precision.")] = None,
    least_confidence: Annotated[
        float | None, typer.Option(min=0, max=1, help="Below it the label is unknown, as in the job; default: scoring.least_confidence.")
    ] = None,
) -> None:
    """Score lines of text from standard input as the job would by the settings; one JSON object a line: text, label, score (-1…1),
    confidence (0…1), model, and what else it tells."""
    from jobs.settings import Scoring
    from jobs.settings_file import load_settings
    from jobs.text_lines import score_lines
    from models.sources import is_url

    checked_place(device or "auto", precision or "auto")
    scoring = load_settings(settings).scoring
    if model and is_url(model):  # what the settings say of a model at hand doesn't hold for it
        scoring = Scoring(least_confidence=scoring.least_confidence)
    given = {"model": model, "device": device, "precision": precision, "least_confidence": least_confidence}
    scoring = scoring.model_copy(update={name: value for name, value in given.items() if value is not None})
    for result in score_lines(
        batches_of_standard_input(), scoring.model, scoring.device, scoring.precision, scoring.least_confidence,
        batch_size=scoring.batch_size, threads=scoring.threads,
    ):
        print_json(result)


def mask() -> None:
    """Mask personal data in lines of text from standard input; one JSON object a line: masked, spans."""
    from jobs.text_lines import mask_lines

    for result in mask_lines(standard_input()):
        print_json(result)


def doctor(settings: SettingsFile = None, namespace: Namespace = None) -> None:
    """Check this machine and the services of the settings, and say what to do; exit code 1 if something is missing."""
    from jobs.doctor import examine
    from jobs.local.service import find_settings, take_local_secret

    effective = find_settings(settings, namespace=namespace)
    take_local_secret("flink__rest_url", effective.flink.rest_url)
    raise typer.Exit(examine(effective, console_for(stderr=False)))
