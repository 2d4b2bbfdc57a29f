"""The commands that make models. Each imports what it needs when it runs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from jobs.commands.shared import ERRORS, checked_place, print_json
from models.progress import console_for

MOST_TIMES = 100


def train(
    data: Annotated[
        list[Path],
        typer.Option(
            help="A folder with public sets (see models/sets.py), or a CSV or JSON lines file of your own: text, label, and "
            "optionally polite, angry, anxious, abusive, satisfaction (of 200 texts at least), conversation, shop, split. Repeatable."
        ),
    ],
    output: Annotated[Path, typer.Option(help="Directory for weights, tokeniser and model card.")],
    recipe: Annotated[
        str, typer.Option(help="teacher, accurate, fast or tiny: the numbers that the options below change.")
    ] = "accurate",
    all_data: Annotated[
        bool, typer.Option("--all-data", help="Also learn from sets whose licence forbids shipping the weights.")
    ] = False,
    language: Annotated[
        str | None,
        typer.Option(
            help="zh or en: learn from texts in it only; the model says nothing of others. A text with Chinese characters is zh, "
            "another with letters en. Models in OUTPUT/zh and OUTPUT/en are one model, OUTPUT."
        ),
    ] = None,
    teacher: Annotated[
        list[Path] | None,
        typer.Option(
            help="Directory of a larger model to learn from beside the labels, or a file of what one said, as OUTPUT-training/teachers.safetensors "
            "keeps it; the recipes accurate and fast are meant for it. Repeatable: from the mean of several."
        ),
    ] = None,
    encoder: Annotated[
        str | None,
        typer.Option(
            help="multilingual-e5-small, narrowed-multilingual-e5-small (in fewer dimensions), new (from scratch), accurate or fast "
            "(go on from a model that comes with the project), a directory, or OWNER/NAME on the Hugging Face hub."
        ),
    ] = None,
    layers: Annotated[int | None, typer.Option(min=1, help="Of multilingual-e5-small, from below.")] = None,
    vocabulary: Annotated[int | None, typer.Option(min=100, help="Pieces that are kept of that encoder, or learnt.")] = None,
    tokenizer: Annotated[
        str | None, typer.Option(help="Directory, or OWNER/NAME on the hub, of one to take, where the encoder would learn its own (new, narrowed-…).")
    ] = None,
    wide: Annotated[
        int | None,
        typer.Option(min=0, help="Buckets of the part that knows runs of characters: a power of two; 0 for none."),
    ] = None,
    epochs: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="How often each text is read. 0: the network of a model that answers already (--encoder) stays as it is, and its wide "
            "part and temperature are learnt anew, in minutes.",
        ),
    ] = None,
    adapters: Annotated[
        str | None, typer.Option(help="none, lora or adalora: a large encoder learns with a hundredth of its numbers.")
    ] = None,
    rank: Annotated[int | None, typer.Option(min=1, help="Of the adapters.")] = None,
    unlabelled: Annotated[
        list[Path] | None,
        typer.Option(
            help="A file of conversations (lines, or JSON lines with text) whose hidden words are guessed first; personal data are "
            "masked, as in your own labelled files, and texts that are measured on left out. Repeatable."
        ),
    ] = None,
    unlabelled_epochs: Annotated[
        float | None, typer.Option(min=0.01, help="How often each of them is read; 1 where nothing is said.")
    ] = None,
    folds: Annotated[
        int,
        typer.Option(
            min=0, help="Cross-validation: train so many times, another part held out each time; keep no model."
        ),
    ] = 0,
    batch_size: Annotated[int | None, typer.Option(min=1)] = None,
    accumulation: Annotated[
        int | None, typer.Option(min=1, help="Batches that one step learns from: for a large batch in a small memory.")
    ] = None,
    learning_rate: Annotated[float | None, typer.Option(min=0)] = None,
    warm_up: Annotated[
        float | None, typer.Option(help="Share of the steps over which the learning rate rises; it falls over the others.")
    ] = None,
    weight_decay: Annotated[float | None, typer.Option(help="AdamW's: how strongly weights are drawn to nothing.")] = None,
    max_tokens: Annotated[int | None, typer.Option(min=8, help="Of a text to learn from; head and tail are kept.")] = None,
    read_tokens: Annotated[
        int | None, typer.Option(min=8, help="Of a text that the model scores, then and later; by default the recipe's, or as many.")
    ] = None,
    consistency: Annotated[
        float | None, typer.Option(min=0, help="Weight of R-Drop's term: each text is read twice, at twice the cost.")
    ] = None,
    averaging: Annotated[
        float | None, typer.Option(min=0, max=0.99999, help="Decay of the moving mean of the weights; 0 for none.")
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option(min=0, help="Evaluations without a better one after which it ends; 0: never, as a mean of the weights gains for longer."),
    ] = None,
    adjustment: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, help="1: all labels are equally likely; 0: their shares in the data are learnt as well; or between."
        ),
    ] = None,
    repeat: Annotated[
        list[str] | None,
        typer.Option(help="SET=TIMES: learn from each text of a set (a file's name without its ending) so often. Repeatable."),
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, max=2**32 - 1)] = None,
    device: Annotated[str | None, typer.Option(help="auto, cuda or cpu")] = None,
    compact: Annotated[
        bool, typer.Option("--compact", help="Write eight bits a weight: half the size, for a repository.")
    ] = False,
    threads: Annotated[int, typer.Option(min=0, help="Of torch; 0: as many as there are cores.")] = 0,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the last checkpoint of a broken-off training, with the same data and numbers.")
    ] = False,
) -> None:
    """Train a sentiment and tone model, measure it on texts not trained on, and write it with a model card.

    Checkpoints and TensorBoard logs go to OUTPUT-training. Use the model: scoring.model in the settings, or
    [bold]replywatch score --model OUTPUT[/].
    """
    from jobs.text_lines import as_in_the_job
    from models.cross_validation import cross_validate
    from models.recipes import TrainOptions, from_recipe
    from models.train import report_lines
    from models.train import train as train_model
    from models.training_checks import check_used

    changes: dict[str, Any] = {
        "encoder": encoder,
        "layers": layers,
        "vocabulary": vocabulary,
        "tokenizer": tokenizer,
        "wide": wide,
        "epochs": epochs,
        "adapters": adapters,
        "rank": rank,
        "batch_size": batch_size,
        "accumulation": accumulation,
        "learning_rate": learning_rate,
        "warm_up": warm_up,
        "weight_decay": weight_decay,
        "max_tokens": max_tokens,
        "read_tokens": read_tokens,
        "consistency": consistency,
        "averaging": averaging,
        "patience": patience,
        "adjustment": adjustment,
        "seed": seed,
        "device": device,
    }
    shape, schedule = from_recipe(recipe, **changes)
    options = TrainOptions(
        data, output, shape, schedule,
        permissive_only=not all_data, language=language or "", teachers=teacher or (), compact=compact, threads=threads, resume=resume,
        unlabelled=unlabelled or (), unlabelled_epochs=unlabelled_epochs or 1.0, repeat=_times(repeat or ()),
        mask=as_in_the_job(),
    )  # fmt: skip
    check_used([name for name, value in {**changes, "unlabelled_epochs": unlabelled_epochs}.items() if value is not None], options)
    if folds:
        typer.echo(cross_validate(options, folds, ERRORS))
        return
    for line in report_lines(train_model(options, ERRORS)):
        typer.echo(line)


def _times(given: Sequence[str]) -> dict[str, int]:
    """Set name → times of SET=TIMES."""
    found = {}
    for each in given:
        name, _, times = each.rpartition("=")
        if not name or not times.isdecimal() or not 1 <= int(times) <= MOST_TIMES:
            raise typer.BadParameter(f"{each!r}: SET=TIMES is needed, with 1 to {MOST_TIMES} times", param_hint="--repeat")
        found[name] = int(times)
    return found


def calibrate(
    data: Annotated[
        list[Path],
        typer.Option(
            help="A CSV or JSON lines file with text and label of your own, which the model has not learnt from. Repeatable."
        ),
    ],
    output: Annotated[Path, typer.Option(help="Directory for the copy.")],
    model: Annotated[str, typer.Option(help="accurate, fast, or a directory.")] = "default",
    device: Annotated[str, typer.Option(help="auto, cuda or cpu")] = "auto",
) -> None:
    """Fit a model to your shop by a few hundred labelled lines: how often each label is met, and how sure it may be.

    Minutes, and no training: a copy with a few other numbers in its config.json. A tenth of the lines is held out and measured on,
    before and after. Use it: scoring.model in the settings, or replywatch score --model OUTPUT.
    """
    from jobs.text_lines import as_in_the_job
    from models.calibrating import calibrate as fit
    from models.calibrating import described

    checked_place(device)
    found = fit(model, data, output, device=device, mask=as_in_the_job(), console=ERRORS)
    typer.echo(f"{found.version}: {described(found.scaling)}")
    for name, each in (("before", found.before), ("after", found.after)):
        if each is not None:
            error = "" if each.calibration_error is None else f", calibration error {each.calibration_error:.3f}"
            typer.echo(f"{name}: macro-F1 {each.macro_f1:.3f}{error} on {each.texts:,} texts held out")


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
        typer.Option(help="Folder for figures.json, slices.json, confusion and reliability pictures, and the errors to read first."),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cuda or cpu")] = "auto",
    json: Annotated[
        bool, typer.Option("--json", help="Print one object, model → set → macro-F1, and no table.")
    ] = False,
) -> None:
    """Measure models on texts that none was trained on, beside SnowNLP, VADER, a lexicon, TF-IDF and fastText.

    The tables show macro-F1, how far confidences can be believed, and how well tones are heard; below them, for each model, the slices
    (language, length, shop) that it reads worse than the sets that they are of.
    """
    from jobs.text_lines import as_in_the_job
    from models.comparison import compare, named_models
    from models.comparison_tables import believable, gaps, heard, table
    from models.scorer import SHIPPED

    checked_place(device)
    if report is not None:
        # The report needs what draws: that is told now, and not when all has been measured.
        from models.evaluation_report import write_report

        if report.exists() and not report.is_dir():
            raise typer.BadParameter(f"{report} is a file: name a folder, which is made if need be", param_hint="--report")
        report.mkdir(parents=True, exist_ok=True)
        if not os.access(report, os.W_OK | os.X_OK):
            raise typer.BadParameter(f"{report} can't be written to: name another folder", param_hint="--report")
    chosen = named_models(models or list(SHIPPED))
    wanted = [name for name in rivals.split(",") if name and name != "none"]
    in_full = not json or report is not None
    found = compare(
        data, chosen, wanted, permissive_only=not all_data, with_scaling=in_full, with_tones=in_full, most=most, device=device,
        mask=as_in_the_job(), console=ERRORS,
    )  # fmt: skip
    if report is not None:
        written = write_report(found, list(chosen), report)
        ERRORS.print(f"{len(written)} files written to {report}")
    if json:
        print_json(
            {
                model: {name: each.macro_f1 if each.texts else None for name, each in sets.items()}
                for model, sets in found.figures.items()
            }
        )
        return
    console = console_for(stderr=False)
    for shown in (table(found), believable(found), heard(found)):
        if shown.row_count:
            console.print(shown)
    for model in chosen:
        console.print(f"{model}: {found.versions[model]}")
        console.print(gaps(found.answers[model]))


def train_satisfaction(
    data: Annotated[
        list[Path],
        typer.Option(
            help="JSON lines of session records, as on the topic sessions, each with a field rating from 1 to 5; or a folder "
            "with the public sets. Repeatable."
        ),
    ],
    output: Annotated[Path, typer.Option(help="The JSON file for scoring.satisfaction.")],
    scorer: Annotated[
        str, typer.Option("--model", help="What reads the texts of the public sets, as scoring.model.")
    ] = "default",
) -> None:
    """Fit the model that rates a session's satisfaction on rated sessions, say how good it is, and write it.

    The one that comes with the project is set by hand: no public set of rated dialogues may shape what is shipped.
    """
    from models.satisfaction import SatisfactionModel, load_satisfaction
    from models.satisfaction_training import fit_satisfaction
    from models.scorer import ModelError, load_scorer
    from models.sources import is_url

    if not output.parent.is_dir():
        raise ModelError(f"the folder of {output} does not exist")
    if output.is_dir() or not os.access(output if output.exists() else output.parent, os.W_OK):
        raise ModelError(f"{output} can't be written: name a JSON file")
    if output.exists():
        try:
            SatisfactionModel.read(output)
        except ModelError as error:
            raise ModelError(f"{output} holds something else than a satisfaction model, which would be lost: name another file") from error
    cores: dict[str, Any] = {} if is_url(scorer) else {"threads": 0}
    report = fit_satisfaction(data, load_scorer(scorer, least_confidence=0.5, **cores), output.stem, ERRORS)
    report.model.write(output)
    load_satisfaction(str(output))
    typer.echo(report)


def serve(
    scorer: Annotated[str, typer.Option("--model", help="accurate, fast, a directory, or OWNER/NAME on the Hugging Face hub.")] = "default",
    host: Annotated[str, typer.Option(help="Where to listen; loopback unless you say otherwise.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0: any free one.")] = 8_088,
    device: Annotated[str, typer.Option(help="auto, cuda or cpu")] = "auto",
    precision: Annotated[str, typer.Option(help="auto, fp32, bf16 or int8")] = "auto",
    batch_size: Annotated[int, typer.Option(min=1, help="Texts of a forward pass; a GPU takes 256.")] = 64,
    threads: Annotated[int, typer.Option(min=0, help="Of the model, on a CPU; 0: as many as there are cores.")] = 0,
) -> None:
    """Serve a model to jobs on other machines: scoring.model is then its URL.

    The protocol is that of text-embeddings-inference (POST /predict), which serves any classifier too. With
    REPLYWATCH_SCORING__TOKEN in the environment of both sides, only who bears it is answered. Ctrl-C ends it.
    """
    from models.by_language import load_local
    from models.remote_client import bearer_token
    from models.scorer import Limits, ModelError
    from models.server import check_host
    from models.server import serve as serve_model
    from models.sources import WITHOUT_WEIGHTS, is_url, source_of

    checked_place(device, precision)
    check_host(host, bearer_token())
    if scorer in WITHOUT_WEIGHTS or is_url(scorer):
        raise ModelError(f"model {scorer} cannot be served: accurate, fast, a directory, or OWNER/NAME on the hub is needed")
    limits = Limits(batch_size=batch_size, threads=threads)
    server = serve_model(load_local(source_of(scorer), device, limits, precision), host, port)
    with server:
        ERRORS.print(f"{scorer} is served at http://{host}:{server.server_address[1]}")
        server.serve_forever()
