"""The training loop: AdamW with warm-up and decay, class weights, early stopping on validation macro-F1."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from transformers import BertForSequenceClassification, PreTrainedTokenizerFast

from models.data import Corpus, Example
from models.evaluate import macro_f1
from models.scorer import LABELS, Limits
from models.text import readable
from models.tokenizer import Encoder

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
    epochs: int = 3
    patience: int = 2  # epochs without a better validation macro-F1 before it stops
    batch_size: int = 64
    learning_rate: float = 1e-3
    warm_up: float = 0.06  # share of the steps
    weight_decay: float = 0.1
    dropout: float = 0.2
    token_dropout: float = 0.25  # share of tokens hidden from the network in training
    label_smoothing: float = 0.05
    seed: int = 20
    threads: int = 2
    with_service_lines: bool = True
    with_baseline: bool = True


def fit(
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
