"""Batches of texts: by length and padded for a network, and as a training takes them, encoded and with tokens hidden."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from models.heads import targets
from models.scorer import Limits
from models.sets import Example
from models.text import readable
from models.tokenizer import Encoder

Item = dict[str, Any]


def encoded(
    encoder: Encoder,
    examples: Sequence[Example],
    said: torch.Tensor | None = None,
    adjustment: float = 1.0,
    to_learn: bool = False,
) -> list[Item]:
    """Examples as the Trainer takes them; texts of which nothing is known are left out. said: a teacher's columns; adjustment: see
    `models.heads.log_shares`; to_learn: whether they are learnt from, see `Padding`."""
    limit = Limits().max_characters
    rows = encoder.encode([readable(example.text, limit) for example in examples])
    labels = targets(examples, adjustment)
    labels = labels if said is None else torch.cat([labels, said], dim=1)
    return [
        {"input_ids": row.ids, "labels": told, "length": len(row.ids), "text": example.text, "to_learn": to_learn}
        for row, told, example in zip(rows, labels, examples, strict=True)
        if row.known
    ]


def padded(rows: Sequence[Sequence[int]], padding: int) -> tuple[torch.Tensor, torch.Tensor]:
    """(rows, longest) ids, and the mask, 1 for a token and 0 for padding."""
    lengths = np.array([len(row) for row in rows])
    filled = np.arange(lengths.max()) < lengths[:, None]
    ids = np.full(filled.shape, padding)
    ids[filled] = np.fromiter(chain.from_iterable(rows), dtype=ids.dtype, count=lengths.sum())
    return torch.from_numpy(ids), torch.from_numpy(filled.astype(np.int64))


def batches_by_length(lengths: Sequence[int], most: int, pass_tokens: int, most_tokens: int) -> list[list[int]]:
    """The rows' numbers in batches of at most `most` rows and `most_tokens` tokens with their padding (or of one row), shortest rows
    first, to be padded to the longest of each.

    pass_tokens: what a forward pass costs beside its tokens, in tokens. A batch ends where its padding would cost more, so that
    a few rows of very different lengths are not all padded to the longest.
    """
    batches: list[list[int]] = []
    batch: list[int] = []
    tokens = 0
    for at in sorted(range(len(lengths)), key=lengths.__getitem__):
        length = lengths[at]
        padding, whole = length * len(batch) - tokens, length * (len(batch) + 1)
        if batch and (len(batch) == most or whole > most_tokens or padding > pass_tokens):
            batches.append(batch)
            batch, tokens = [], 0
        batch.append(at)
        tokens += length
    return [*batches, batch] if batch else batches


class Padding:
    """Makes a batch of items: padded to the longest, and those to learn from with a share of the tokens hidden, and perhaps each
    twice, see `models.consistency`.

    The items say what they are for, and not the network's mode: the Trainer makes a batch ahead, the first one after an evaluation
    while the network is still in the evaluation's.
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerFast,
        token_dropout: float,
        seed: int,
        twice: bool = False,
    ) -> None:
        self._padding = int(tokenizer.pad_token_id or 0)
        self._hidden = int(tokenizer.unk_token_id or 0)
        self._share = token_dropout
        self._chance = torch.Generator().manual_seed(seed)
        self._twice = twice

    def __call__(self, items: Sequence[Item]) -> dict[str, torch.Tensor]:
        """(batch, longest) ids and mask, and what the loss is told, see `models.heads.targets`."""
        to_learn = items[0]["to_learn"]
        if self._twice and to_learn:
            items = [*items, *items]
        ids, mask = padded([item["input_ids"] for item in items], self._padding)
        if self._share and to_learn:
            hidden = (torch.rand(ids.shape, generator=self._chance) < self._share) & mask.bool()
            hidden[:, 0] = False  # the first token is what the answer is read from
            ids = ids.masked_fill(hidden, self._hidden)
        return {"input_ids": ids, "attention_mask": mask, "labels": torch.stack([item["labels"] for item in items])}


def predicted(model: PreTrainedModel, items: Sequence[Item], padding: Padding, batch_size: int) -> torch.Tensor:
    """The logits of items, in their order. Trainer.predict would give them in its sampler's order, which it doesn't tell."""
    found = []
    with torch.inference_mode():
        for start in range(0, len(items), batch_size):
            batch = padding(items[start : start + batch_size])
            inputs = {name: batch[name].to(model.device) for name in ("input_ids", "attention_mask")}
            found.append(model(**inputs).logits.float().cpu())
    return torch.cat(found)
