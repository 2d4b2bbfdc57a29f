"""The commands that make models. Each imports what it needs when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from jobs.commands.shared import ERRORS, print_json


def train(
    data: Annotated[
        list[Path],
        typer.Option(
            help="A folder with public sets (see models/sets.py), or a CSV or JSON lines file of your own: text, label, and "
            "optionally polite, angry, anxious, abusive, conversation, split. Repeatable."
        ),
    ],
    output: Annotated[Path, typer.Option(help="Directory for weights, tokeniser and model card.")],
    recipe: Annotated[
        str, typer.Option(help="accurate or tiny: the numbers that the options below change.")
    ] = "accurate",
    all_data: Annotated[
        bool, typer.Option("--all-data", help="Also learn from sets whose licence forbids shipping the weights.")
    ] = False,
    encoder: Annotated[
        str | None,
        typer.Option(help="multilingual-e5-small, new (from scratch), a directory, or a hub name."),
    ] = None,
    layers: Annotated[int | None, typer.Option(min=1, help="Of the encoder, from below.")] = None,
    vocabulary: Annotated[int | None, typer.Option(min=100, help="Pieces that are kept or learnt.")] = None,
    epochs: Annotated[float | None, typer.Option(min=0.01)] = None,
    batch_size: Annotated[int | None, typer.Option(min=1)] = None,
    learning_rate: Annotated[float | None, typer.Option(min=0)] = None,
    max_tokens: Annotated[int | None, typer.Option(min=8, help="Per text; head and tail are kept.")] = None,
    seed: Annotated[int | None, typer.Option()] = None,
    device: Annotated[str | None, typer.Option(help="auto or cpu")] = None,
    threads: Annotated[int, typer.Option(min=0, help="Of torch; 0: as many as there are cores.")] = 0,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the last checkpoint of a broken-off training.")
    ] = False,
) -> None:
    """Train a sentiment and tone model, measure it on texts not trained on, and write it with a model card.

    Checkpoints and TensorBoard logs go to OUTPUT-training. Use the model: scoring.model in the settings, or
    [bold]replywatch score --model OUTPUT[/].
    """
    from models.train import TrainOptions, from_recipe, report_lines
    from models.train import train as train_model

    shape, schedule = from_recipe(
        recipe,
        encoder=encoder,
        layers=layers,
        vocabulary=vocabulary,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        max_tokens=max_tokens,
        seed=seed,
        device=device,
    )
    options = TrainOptions(
        data, output, shape, schedule, permissive_only=not all_data, threads=threads, resume=resume
    )  # fmt: skip
    for line in report_lines(train_model(options, ERRORS)):
        typer.echo(line)


def evaluate(
    data: Annotated[list[Path], typer.Option(help="As in train; the test parts are measured on. Repeatable.")],
    models: Annotated[
        list[str] | None,
        typer.Option(
            "--model", help="NAME=DIRECTORY, or what scoring.model takes. Repeatable; default: the shipped ones."
        ),
    ] = None,
    rivals: Annotated[
        str, typer.Option(help="What to compare with, separated by commas; none for none.")
    ] = "tfidf,fasttext,snownlp,vader,lexicon",
    all_data: Annotated[
        bool,
        typer.Option("--all-data", help="Rivals that learn, learn from sets that forbid shipping the weights as well."),
    ] = False,
    most: Annotated[int, typer.Option(min=0, help="Texts of each set at most; 0: all.")] = 0,
    report: Annotated[
        Path | None,
        typer.Option(help="Folder for figures.json, confusion and reliability pictures, and the errors to read first."),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cuda or cpu")] = "auto",
    json: Annotated[
        bool, typer.Option("--json", help="Print one object, model → set → macro-F1, and no table.")
    ] = False,
) -> None:
    """Measure models on texts that none was trained on, beside SnowNLP, VADER, a lexicon, TF-IDF and fastText.

    The table shows macro-F1; below it, for each model, the slices (source, language, length) that it reads worst.
    """
    from models.comparison import compare, gaps, named_models, table
    from models.evaluation_report import write_report
    from models.sets import SETS

    chosen = named_models(models or ["default"])
    wanted = [name for name in rivals.split(",") if name and name != "none"]
    found = compare(
        data, chosen, wanted, permissive_only=not all_data, most=most, device=device, console=ERRORS
    )  # fmt: skip
    if report is not None:
        written = write_report(found, list(chosen), report)
        ERRORS.print(f"{len(written)} files written to {report}")
    if json:
        print_json(
            {model: {name: each.macro_f1 for name, each in sets.items()} for model, sets in found.figures.items()}
        )
        return
    console = Console()
    console.print(table(found))
    for model in chosen:
        console.print(f"{model}: {found.versions[model]}")
        console.print(gaps(found.answers[model], {info.name: info.language for info in SETS}))
