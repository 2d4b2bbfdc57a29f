"""Train a model that reads customer service: data in, a directory that `load_scorer` loads and a model card out.

`RECIPES` are the shipped models' numbers; every one of them can be changed on the command line (`replywatch train --help`).
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from transformers import PreTrainedModel, set_seed

from models.baseline import TfidfScorer
from models.card import model_card
from models.corpus import Corpus, DataError, load_corpus
from models.evaluate import Figure, evaluate
from models.labels import UNKNOWN
from models.network import MULTILINGUAL_E5, NEW, NetworkShape, make_network
from models.scorer import Limits, ModelError
from models.sentiment import TransformerScorer
from models.sets import Example
from models.supervised import Schedule, train_supervised
from models.text import readable

WORK = "training"
"""The folder beside the output that takes checkpoints and TensorBoard logs; with it a broken-off training goes on."""

TINY_NETWORK = NetworkShape(NEW, layers=2, vocabulary=12_000, hidden=128, heads=4, dropout=0.2)
RECIPES = {
    "accurate": (NetworkShape(MULTILINGUAL_E5, layers=6), Schedule(epochs=3)),
    "tiny": (TINY_NETWORK, Schedule(epochs=3, batch_size=64, learning_rate=1e-3, weight_decay=0.1, token_dropout=0.25)),
}


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """What to train on, where to write to, and how.

    permissive_only: learn only from sets whose licence allows shipping the weights; max_tone_texts: of the texts that tell a
    tone and no sentiment so many at most; threads: of torch (0 = leave as it is).
    """

    data: Sequence[Path]
    output: Path
    shape: NetworkShape = field(default_factory=NetworkShape)
    schedule: Schedule = field(default_factory=Schedule)
    permissive_only: bool = True
    with_service_lines: bool = True
    with_baseline: bool = True
    max_tone_texts: int = 8_000
    threads: int = 0
    resume: bool = False


@dataclass(frozen=True, slots=True)
class TrainReport:
    """What came out; `figures` and `baseline` by set name, on texts not trained on."""

    output: Path
    version: str
    parameters: int
    train_texts: int
    validation_macro_f1: float
    best_step: int
    seconds: float
    figures: dict[str, Figure] = field(default_factory=dict)
    baseline: dict[str, Figure] = field(default_factory=dict)


def train(options: TrainOptions, console: Console | None = None) -> TrainReport:
    """Train, keep the best evaluation, measure it, write everything to `options.output`.

    Raises DataError if no data is found, ModelError if the output directory holds something else than a model.
    """
    console = console or Console(stderr=True)
    started = time.monotonic()
    schedule = options.schedule
    _check_output(options.output)
    set_seed(schedule.seed)
    if options.threads:
        torch.set_num_threads(options.threads)
    corpus = load_corpus(
        options.data,
        permissive_only=options.permissive_only,
        with_service_lines=options.with_service_lines,
        seed=schedule.seed,
    )
    if not any(example.label != UNKNOWN for example in corpus.validation):
        raise DataError("the data leaves no text with a sentiment for validation: more texts are needed")
    learnt = thinned(corpus.train, options.max_tone_texts, schedule.seed)
    held_out = thinned(corpus.validation, options.max_tone_texts // 8, schedule.seed)
    console.print(
        f"{len(learnt):,} texts to learn from, {len(held_out):,} to choose by; {corpus.repeats_removed:,} repeats removed"
    )

    cleaned = [readable(example.text, Limits().max_characters) for example in learnt]
    model, tokenizer = make_network(options.shape, cleaned, schedule.max_tokens)
    work = options.output.with_name(f"{options.output.name}-{WORK}")
    score, step = train_supervised(model, tokenizer, learnt, held_out, schedule, work, console, options.resume)
    seconds = time.monotonic() - started

    options.output.mkdir(parents=True, exist_ok=True)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    write_half(model, options.output)
    tokenizer.save_pretrained(options.output)
    # Figures are measured on what was written, through the scorer that will serve it.
    scorer = TransformerScorer(options.output, "cpu", Limits(max_tokens=schedule.max_tokens, threads=0, cache_size=0))
    linear = TfidfScorer(learnt, schedule.seed) if options.with_baseline else None
    tests = {name: [each for each in part if each.label != UNKNOWN] for name, part in corpus.tests.items()}
    report = TrainReport(
        output=options.output,
        version=scorer.version,
        parameters=parameters,
        train_texts=len(learnt),
        validation_macro_f1=score,
        best_step=step,
        seconds=seconds,
        figures={name: evaluate(scorer, part) for name, part in tests.items() if part},
        baseline={name: evaluate(linear, part) for name, part in tests.items() if part} if linear else {},
    )
    (options.output / "README.md").write_text(_card(options, corpus, report, len(tokenizer)), "utf-8")
    return report


def thinned(examples: Sequence[Example], most: int, seed: int) -> list[Example]:
    """The examples with at most `most` of those that tell a tone and no sentiment, in their order."""
    toned = [at for at, example in enumerate(examples) if example.label == UNKNOWN]
    dropped = set(random.Random(seed).sample(toned, max(0, len(toned) - most)))
    return [example for at, example in enumerate(examples) if at not in dropped]


def write_half(model: PreTrainedModel, output: Path) -> None:
    """Write the weights in half precision: a hundredth of a point of macro-F1, at half the size."""
    torch.nn.Module.to(model, torch.float16)
    model.save_pretrained(output)


def _check_output(output: Path) -> None:
    if output.exists() and not output.is_dir():
        raise ModelError(f"output {output} is a file: give a directory")
    if output.is_dir() and any(output.iterdir()) and not (output / "config.json").is_file():
        raise ModelError(f"output {output} holds other files than a model: give an empty or a new directory")


def _card(options: TrainOptions, corpus: Corpus, report: TrainReport, vocabulary: int) -> str:
    shape, schedule = options.shape, options.schedule
    return model_card(
        network=f"{shape.layers} layers ({report.parameters:,} parameters, {vocabulary:,} pieces), encoder: {shape.encoder}",
        corpus=corpus,
        figures=report.figures,
        baseline=report.baseline,
        training={
            "texts": f"{report.train_texts:,}; {corpus.repeats_removed:,} repeats removed",
            "optimiser": f"AdamW, {schedule.learning_rate:g} with warm-up and linear decay, batches of "
            f"{schedule.batch_size * schedule.accumulation}, at most {schedule.epochs:g} epochs, seed {schedule.seed}",
            "kept": f"step {report.best_step}, validation macro-F1 {report.validation_macro_f1:.3f}",
            "cost": f"{report.seconds / 60:.0f} minutes on {torch.get_num_threads()} CPU threads"
            if not torch.cuda.is_available()
            else f"{report.seconds / 60:.0f} minutes on a GPU",
        },
        max_tokens=schedule.max_tokens,
    )


def from_recipe(name: str, **changes: Any) -> tuple[NetworkShape, Schedule]:
    """A recipe's shape and schedule with single numbers changed. Raises ModelError for a name that isn't known."""
    if name not in RECIPES:
        raise ModelError(f"recipe {name!r} is not known: one of {', '.join(RECIPES)}")
    shape, schedule = RECIPES[name]
    given = {key: value for key, value in changes.items() if value is not None}
    of_shape = {key: value for key, value in given.items() if key in NetworkShape.__dataclass_fields__}
    of_schedule = {key: value for key, value in given.items() if key in Schedule.__dataclass_fields__}
    return replace(shape, **of_shape), replace(schedule, **of_schedule)


def report_lines(report: TrainReport) -> Iterator[str]:
    """The report for people: one line on the model, one for each set."""
    yield f"{report.version}: validation macro-F1 {report.validation_macro_f1:.3f} at step {report.best_step}"
    for name, figure in report.figures.items():
        linear = (
            f", TF-IDF + logistic regression {report.baseline[name].macro_f1:.3f}" if name in report.baseline else ""
        )
        yield f"{name}: macro-F1 {figure.macro_f1:.3f} on {figure.texts:,} texts{linear}"
