"""Train a model that reads customer service: data in, a directory that `load_scorer` loads and a model card out."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import torch
from rich.console import Console
from transformers import PreTrainedModel

from models.baseline import TfidfScorer
from models.card import model_card
from models.checkpoints import telling_how_to_go_on
from models.compact import write_compact
from models.corpus import Corpus
from models.distillation import teachers_names
from models.evaluate import Figure, by_question, evaluate
from models.fitting import LEAST_RATED, fit, parts, prepare, rated
from models.labels import OUTPUTS
from models.network import NO_ANSWERS
from models.progress import console_for
from models.recipes import TrainOptions
from models.schedule import Schedule
from models.scorer import Limits, ModelError
from models.sentiment import TransformerScorer
from models.tone_figures import REMEMBERED, ToneFigure, by_tones, tone_figures
from models.training_checks import check_sources
from models.wide import WidePart

LEFT_OUT = "left out (repeats, near copies of texts held out, contradictory labels)"
WORK = "training"
"""The folder beside the output that takes checkpoints and TensorBoard logs; with it a broken-off training goes on."""


@dataclass(frozen=True, slots=True)
class TrainReport:
    """What came out; `figures` and `baseline` by set name, `tones` by set name and tone, on texts not trained on."""

    output: Path
    version: str
    parameters: int
    train_texts: int
    validation_macro_f1: float
    best_step: int
    seconds: float
    figures: dict[str, Figure] = field(default_factory=dict)
    baseline: dict[str, Figure] = field(default_factory=dict)
    tones: dict[str, dict[str, ToneFigure]] = field(default_factory=dict)


def train(options: TrainOptions, console: Console | None = None) -> TrainReport:
    """Train, keep the best evaluation, measure it, write everything to `options.output`.

    Raises DataError if no data is found, ModelError if the output directory holds something else than a model, or is one that is learnt from.
    """
    console = console or console_for()
    started = time.monotonic()
    output = options.output.absolute()
    work = output.with_name(f"{output.name}-{WORK}")
    check_output(options.output)
    check_sources(options, work)
    resumable = options.schedule.adapters != "adalora" and options.schedule.epochs > 0
    with telling_how_to_go_on(work, resumable, options.resume, console):
        corpus = prepare(options)
        taught_by = teachers_names(options.teachers)
        learnt, held_out = parts(corpus, options)
        console.print(
            f"{len(learnt):,} texts to learn from, {len(held_out):,} to choose by; {corpus.repeats_removed:,} {LEFT_OUT}"
        )
        few = rated(corpus.train)
        if 0 < few < LEAST_RATED:
            console.print(f"satisfaction is not learnt: {few:,} texts are rated, of at least {LEAST_RATED} that are needed")
        measured = chain(corpus.validation, *corpus.tests.values())  # not all of the former are chosen by
        model, tokenizer, wide, macro_f1, step = fit(options, learnt, held_out, work, console, measured)
    seconds = time.monotonic() - started

    options.output.mkdir(parents=True, exist_ok=True)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    write(model, wide, options.output, options.compact)
    tokenizer.save_pretrained(options.output)
    # Figures are measured on what was written, through the scorer that will serve it.
    scorer = TransformerScorer(options.output, "cpu", Limits(threads=0, cache_size=REMEMBERED))
    linear = TfidfScorer(learnt, options.schedule.seed) if options.with_baseline else None
    tests, toned = by_question(corpus.tests), by_tones(corpus.tests)
    found: dict[str, Figure] = {}
    tones: dict[str, dict[str, ToneFigure]] = {}
    for name in dict.fromkeys([*tests, *toned]):  # a set's tones next to its sentiment: its texts are read once
        if name in tests:
            found[name] = evaluate(scorer, tests[name])
        if name in toned:
            tones[name] = tone_figures(scorer, toned[name])
    report = TrainReport(
        output=options.output,
        version=scorer.version,
        parameters=parameters,
        train_texts=len(learnt),
        validation_macro_f1=macro_f1,
        best_step=step,
        seconds=seconds,
        figures=found,
        baseline={name: evaluate(linear, part) for name, part in tests.items()} if linear else {},
        tones=tones,
    )
    layers = getattr(model.config, "num_hidden_layers", options.shape.layers)
    network = (
        f"{layers} layers ({parameters:,} parameters, {len(tokenizer):,} pieces), "
        f"encoder: {Path(options.shape.encoder).name}"  # a directory's path is nobody's business
    )
    (options.output / "README.md").write_text(_card(options, corpus, report, network, taught_by, model.config.num_labels > len(OUTPUTS)), "utf-8")
    return report


def write(model: PreTrainedModel, wide: WidePart | None, output: Path, compact: bool) -> None:
    """Write the network to a directory: its weights in half precision (a hundredth of a point of macro-F1, at half the size),
    or in eight bits; nothing stays of an earlier one."""
    for path in output.glob("*.safetensors"):
        path.unlink()
    if compact:
        model.config.save_pretrained(output)
        write_compact(model.state_dict(), output)
    else:
        torch.nn.Module.to(model, torch.float16)
        model.save_pretrained(output)
    if wide is not None:
        wide.write(output)


def check_output(output: Path) -> None:
    """Raise ModelError where a model must not be written, or can't."""
    if output.exists() and not output.is_dir():
        raise ModelError(f"output {output} is a file: give a directory")
    if output.is_dir() and any(output.iterdir()) and not (output / "config.json").is_file():
        raise ModelError(f"output {output} holds other files than a model: give an empty or a new directory")


def _card(options: TrainOptions, corpus: Corpus, report: TrainReport, network: str, taught_by: str, rates: bool) -> str:
    schedule = options.schedule
    times = ", ".join(f"{name} {count} times" for name, count in options.repeat.items())
    return model_card(
        network=network,
        corpus=corpus,
        figures=report.figures,
        baseline=report.baseline,
        training={
            "texts": f"{report.train_texts:,}{f' ({times})' if times else ''}; {corpus.repeats_removed:,} {LEFT_OUT}",
            **_other_sources(options, taught_by),
            "optimiser": _optimiser(schedule),
            "kept": f"step {report.best_step}, validation macro-F1 {report.validation_macro_f1:.3f}",
            "cost": f"{report.seconds / 60:.0f} minutes on "
            + ("a GPU" if torch.cuda.is_available() and schedule.device != "cpu" else f"{torch.get_num_threads()} CPU threads")
            + (", if it was broken off: since then" if options.resume else ""),
        },
        max_tokens=schedule.reads,
        language=options.language,
        tones=report.tones,
        compact=options.compact,
        rates=rates,
    )


def _optimiser(schedule: Schedule) -> str:
    """How the network learnt, for the card."""
    if not schedule.epochs:
        return "none: the network is the encoder's; its wide part and its temperature were learnt"
    return (
        f"AdamW, {schedule.learning_rate:g} with warm-up over {schedule.warm_up:.2g} of the steps and linear decay, weight decay "
        f"{schedule.weight_decay:g}, batches of {schedule.batch_size * schedule.accumulation}, at most {schedule.epochs:g} epochs, "
        f"logit adjustment {schedule.adjustment:g}, seed {schedule.seed}"
    )


def _other_sources(options: TrainOptions, taught_by: str) -> dict[str, str]:
    """What shaped the network beside the labelled sets, for the card."""
    told = {}
    if options.unlabelled:
        told["read before"] = f"{len(options.unlabelled)} files of texts without labels, {options.unlabelled_epochs:g} epochs"
    if options.shape.encoder not in NO_ANSWERS or options.teachers:
        told["not in the table above"] = "what the encoder or the teachers learnt from, see their cards: they may know texts held out here"
    if taught_by:
        told["learnt from"] = f"the labels, and the probabilities of {taught_by}"
    return told


def report_lines(report: TrainReport) -> Iterator[str]:
    """The report for people: one line on the model, one for each set."""
    yield f"{report.version}: validation macro-F1 {report.validation_macro_f1:.3f} at step {report.best_step}"
    for name, figure in report.figures.items():
        linear = (
            f", TF-IDF + logistic regression {report.baseline[name].macro_f1:.3f}" if name in report.baseline else ""
        )
        yield f"{name}: macro-F1 {figure.macro_f1:.3f} on {figure.texts:,} texts{linear}"
