"""Train the project's own small sentiment model from scratch.

    python -m models.train --data DIR [--data DIR] --output DIR

Writes weights (safetensors, half precision), config, tokenizer and a model card with measured figures to the output
directory, which `load_scorer` can load.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

from models.baseline import LinearScorer
from models.card import model_card
from models.data import Corpus, DataError, Example, load_corpus
from models.evaluate import Figure, evaluate, macro_f1
from models.scorer import LABELS, Limits, ModelError
from models.sentiment import TransformerScorer
from models.text import readable
from models.tokenizer import Encoder, train_tokenizer

# Texts of similar length share a batch; sorting within this many batches keeps enough chance in their order.
BATCHES_PER_POOL = 40
MAX_GRADIENT_NORM = 1.0
FINAL_LEARNING_RATE = 0.02  # share of the highest one that is left after the last step


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """What to train on, where to write to, and the numbers of the network and of the training."""

    data: Sequence[Path]
    output: Path
    vocabulary_size: int = 12_000
    hidden_size: int = 128
    layers: int = 2
    heads: int = 4
    max_tokens: int = 64
    epochs: int = 8
    patience: int = 2  # epochs without a better validation macro-F1 before it stops
    batch_size: int = 64
    learning_rate: float = 1.5e-3
    warm_up: float = 0.06  # share of the steps
    weight_decay: float = 0.05
    dropout: float = 0.15
    token_dropout: float = 0.15  # share of tokens hidden from the network in training
    label_smoothing: float = 0.05
    seed: int = 20
    threads: int = 2
    with_service_lines: bool = True
    with_baseline: bool = True


@dataclass(frozen=True, slots=True)
class TrainReport:
    """What came out; `figures` and `baseline` by set name, on texts not trained on."""

    output: Path
    version: str
    parameters: int
    train_texts: int
    validation_macro_f1: float
    best_epoch: int
    seconds: float
    figures: dict[str, Figure] = field(default_factory=dict)
    baseline: dict[str, Figure] = field(default_factory=dict)


def train(config: TrainConfig, console: Console | None = None) -> TrainReport:
    """Train, keep the best epoch, evaluate, write everything to `config.output`.

    Raises DataError if no data is found, ModelError if the output directory holds something else than a model.
    """
    started = time.monotonic()
    _check_output(config.output)
    torch.manual_seed(config.seed)
    torch.set_num_threads(config.threads)
    corpus = load_corpus(config.data, with_service_lines=config.with_service_lines)
    if not corpus.validation:
        raise DataError("the data leaves no text for validation: more texts are needed")

    tokenizer = train_tokenizer((example.text for example in corpus.train), config.vocabulary_size, config.max_tokens)
    model = _network(config, tokenizer)
    score, epoch = _fit(model, tokenizer, corpus, config, console or Console(stderr=True))
    seconds = time.monotonic() - started

    config.output.mkdir(parents=True, exist_ok=True)
    torch.nn.Module.to(model, torch.float16)
    model.save_pretrained(config.output)
    tokenizer.save_pretrained(config.output)
    # Figures are measured on what was written, through the scorer that will serve it.
    limits = Limits(max_tokens=config.max_tokens, threads=config.threads, cache_size=0)
    scorer = TransformerScorer(config.output, "cpu", limits)
    linear = LinearScorer(corpus.train, config.seed) if config.with_baseline else None
    tests = {name: examples for name, examples in corpus.tests.items() if examples}
    report = TrainReport(
        output=config.output,
        version=scorer.version,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        train_texts=len(corpus.train),
        validation_macro_f1=score,
        best_epoch=epoch,
        seconds=seconds,
        figures={name: evaluate(scorer, examples) for name, examples in tests.items()},
        baseline={name: evaluate(linear, examples) for name, examples in tests.items()} if linear else {},
    )
    (config.output / "README.md").write_text(_card(config, corpus, report, len(tokenizer)), "utf-8")
    return report


def _network(config: TrainConfig, tokenizer: PreTrainedTokenizerFast) -> BertForSequenceClassification:
    return BertForSequenceClassification(
        BertConfig(
            vocab_size=len(tokenizer),
            hidden_size=config.hidden_size,
            num_hidden_layers=config.layers,
            num_attention_heads=config.heads,
            intermediate_size=4 * config.hidden_size,
            hidden_act="relu",  # a fifth faster than GELU on a CPU, at the same macro-F1
            hidden_dropout_prob=config.dropout,
            attention_probs_dropout_prob=config.dropout,
            max_position_embeddings=config.max_tokens,
            type_vocab_size=1,
            pad_token_id=tokenizer.pad_token_id,
            id2label=dict(enumerate(LABELS)),
            label2id={label: at for at, label in enumerate(LABELS)},
        )
    )


def _fit(
    model: BertForSequenceClassification,
    tokenizer: PreTrainedTokenizerFast,
    corpus: Corpus,
    config: TrainConfig,
    console: Console,
) -> tuple[float, int]:
    """Train `model` in place and leave it at its best epoch; return that epoch's macro-F1 and number."""
    encoder = Encoder(tokenizer, config.max_tokens)
    rows, labels = _encode(encoder, corpus.train)
    validation_rows, validation_labels = _encode(encoder, corpus.validation)
    counts = Counter(labels)
    weights = torch.tensor([len(labels) / (len(LABELS) * max(1, counts[at])) for at in range(len(LABELS))])
    criterion = torch.nn.CrossEntropyLoss(weights, label_smoothing=config.label_smoothing)
    decayed = [parameter for parameter in model.parameters() if parameter.ndim > 1]
    plain = [parameter for parameter in model.parameters() if parameter.ndim <= 1]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": config.weight_decay}, {"params": plain, "weight_decay": 0.0}],
        lr=config.learning_rate,
    )
    steps_per_epoch = -(-len(rows) // config.batch_size)
    steps = steps_per_epoch * config.epochs
    warm_up = max(1, int(steps * config.warm_up))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, warm_up, steps))
    chance = random.Random(config.seed)
    unknown, padding = int(tokenizer.unk_token_id or 0), int(tokenizer.pad_token_id or 0)
    best, best_epoch, best_state = -1.0, 0, {}
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("training", total=steps)
        for epoch in range(1, config.epochs + 1):
            model.train()
            for batch in _batches([len(row) for row in rows], config.batch_size, chance):
                ids, mask = _pad([rows[at] for at in batch], padding)
                hidden = (torch.rand(ids.shape) < config.token_dropout) & mask.bool()
                hidden[:, 0] = False
                loss = criterion(
                    model(input_ids=ids.masked_fill(hidden, unknown), attention_mask=mask).logits,
                    torch.tensor([labels[at] for at in batch]),
                )
                optimizer.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_(model.parameters(), MAX_GRADIENT_NORM)
                optimizer.step()
                schedule.step()
                progress.advance(task)
            score = macro_f1(validation_labels, _predict(model, validation_rows, config.batch_size, padding))
            progress.console.print(f"epoch {epoch}: validation macro-F1 {score:.4f}, last loss {loss.item():.3f}")
            if score > best:
                best, best_epoch = score, epoch
                best_state = {name: value.clone() for name, value in model.state_dict().items()}
            elif epoch - best_epoch >= config.patience:
                break
    model.load_state_dict(best_state)
    model.train(False)
    return best, best_epoch


def _rate(step: int, warm_up: int, steps: int) -> float:
    """Linear warm-up, then linear decay to FINAL_LEARNING_RATE."""
    if step < warm_up:
        return (step + 1) / warm_up
    return FINAL_LEARNING_RATE + (1 - FINAL_LEARNING_RATE) * max(0.0, (steps - step) / max(1, steps - warm_up))


def _encode(encoder: Encoder, examples: Sequence[Example]) -> tuple[list[list[int]], list[int]]:
    limit = Limits().max_characters
    encoded = encoder.encode([readable(example.text, limit) for example in examples])
    kept = [(row.ids, example.label) for row, example in zip(encoded, examples, strict=True) if row.known]
    return [ids for ids, _ in kept], [label for _, label in kept]


def _batches(lengths: Sequence[int], size: int, chance: random.Random) -> Iterator[list[int]]:
    """Yield indices in batches of similar length, in random order."""
    order = list(range(len(lengths)))
    chance.shuffle(order)
    pool = size * BATCHES_PER_POOL
    batches = []
    for start in range(0, len(order), pool):
        part = sorted(order[start : start + pool], key=lengths.__getitem__)
        batches += [part[at : at + size] for at in range(0, len(part), size)]
    chance.shuffle(batches)
    yield from batches


def _pad(rows: Sequence[list[int]], padding: int) -> tuple[torch.Tensor, torch.Tensor]:
    width = max(map(len, rows))
    ids = torch.tensor([row + [padding] * (width - len(row)) for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows])
    return ids, mask


def _predict(model: BertForSequenceClassification, rows: Sequence[list[int]], size: int, padding: int) -> list[int]:
    model.train(False)
    order = sorted(range(len(rows)), key=lambda at: len(rows[at]))
    predicted = [0] * len(rows)
    with torch.inference_mode():
        for start in range(0, len(order), size):
            batch = order[start : start + size]
            ids, mask = _pad([rows[at] for at in batch], padding)
            best = model(input_ids=ids, attention_mask=mask).logits.argmax(-1).tolist()
            for at, label in zip(batch, best, strict=True):
                predicted[at] = label
    return predicted


def _check_output(output: Path) -> None:
    if output.exists() and not output.is_dir():
        raise ModelError(f"output {output} is a file: give a directory")
    if output.is_dir() and any(output.iterdir()) and not (output / "config.json").is_file():
        raise ModelError(f"output {output} holds other files than a model: give an empty or a new directory")


def _card(config: TrainConfig, corpus: Corpus, report: TrainReport, vocabulary: int) -> str:
    counts = Counter(LABELS[example.label] for example in corpus.train)
    return model_card(
        shape={
            "layers": config.layers,
            "hidden": config.hidden_size,
            "parameters": report.parameters,
            "vocabulary": vocabulary,
            "max_tokens": config.max_tokens,
        },
        sets=corpus.sets,
        figures=report.figures,
        baseline=report.baseline,
        training={
            "texts": ", ".join(f"{label} {counts[label]:,}" for label in LABELS)
            + f"; {corpus.repeats_removed:,} repeats removed",
            "optimiser": f"AdamW, {config.learning_rate:g} with warm-up and linear decay, batches of "
            f"{config.batch_size}, class weights, at most {config.epochs} epochs",
            "kept": f"epoch {report.best_epoch}, validation macro-F1 {report.validation_macro_f1:.3f}",
            "cost": f"{report.seconds / 60:.0f} minutes on {config.threads} CPU threads, seed {config.seed}",
        },
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Run from the command line; prints one line per set."""
    parser = argparse.ArgumentParser(prog="python -m models.train", description="Train the sentiment model.")
    parser.add_argument("--data", type=Path, action="append", required=True, help="folder with sets; repeatable")
    parser.add_argument("--output", type=Path, required=True, help="directory for weights, tokenizer and model card")
    defaults = {name: TrainConfig.__dataclass_fields__[name].default for name in ("epochs", "seed", "threads")}
    for name, value in defaults.items():
        parser.add_argument(f"--{name}", type=int, default=value, help=f"default {value}")
    report = train(TrainConfig(**vars(parser.parse_args(arguments))))
    print(f"{report.version}: validation macro-F1 {report.validation_macro_f1:.3f} after epoch {report.best_epoch}")
    for name, figure in report.figures.items():
        linear = f", linear baseline {report.baseline[name].macro_f1:.3f}" if name in report.baseline else ""
        print(f"{name}: macro-F1 {figure.macro_f1:.3f} on {figure.texts:,} texts{linear}")


if __name__ == "__main__":
    main()
