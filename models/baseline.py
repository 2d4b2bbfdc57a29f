"""The bar that a network has to be measured against: a linear classifier over hashed character n-grams.

It is trained on the same texts in the same run, so that a model card can say how much the network is worth.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import torch

from models.data import Example
from models.scorer import LABELS, Score
from models.text import readable

BUCKETS = 1 << 19
MAX_CHARACTERS = 400
EPOCHS = 5
BATCH = 128


class LinearScorer:
    """Softmax regression over the set of character n-grams of 1 to 4, each weighing 1/√(their number)."""

    version = "linear"

    def __init__(self, examples: Sequence[Example], seed: int) -> None:
        torch.manual_seed(seed)
        self._table = torch.nn.EmbeddingBag(BUCKETS, len(LABELS), mode="sum", sparse=True)
        torch.nn.init.zeros_(self._table.weight)
        optimizer = torch.optim.Adagrad(self._table.parameters(), lr=0.3)
        features = [_features(example.text) for example in examples]
        labels = torch.tensor([example.label for example in examples])
        # Said aloud, because torch warns about sparse gradients until somebody decides.
        with torch.sparse.check_sparse_tensor_invariants(False):
            for _ in range(EPOCHS):
                order = torch.randperm(len(examples))
                for start in range(0, len(examples), BATCH):
                    picked = order[start : start + BATCH]
                    logits = self._logits([features[at] for at in picked.tolist()])
                    optimizer.zero_grad()
                    torch.autograd.backward(torch.nn.functional.cross_entropy(logits, labels[picked]))
                    optimizer.step()

    def score(self, texts: Sequence[str]) -> list[Score | None]:
        """Return a score per text, in order; None where there is nothing to read."""
        scores: list[Score | None] = []
        with torch.inference_mode():
            for start in range(0, len(texts), BATCH):
                features = [_features(text) for text in texts[start : start + BATCH]]
                for row, odds in zip(features, torch.softmax(self._logits(features), -1).tolist(), strict=True):
                    best = max(range(len(odds)), key=odds.__getitem__)
                    scores.append(Score(LABELS[best], odds[2] - odds[0]) if len(row) else None)
        return scores

    def _logits(self, features: Sequence[torch.Tensor]) -> torch.Tensor:
        ids = torch.cat(list(features))
        lengths = torch.tensor([len(row) for row in features])
        offsets = torch.cat([torch.zeros(1, dtype=torch.long), lengths.cumsum(0)[:-1]])
        weights = (1.0 / lengths.clamp(min=1).float().sqrt()).repeat_interleave(lengths)
        logits: torch.Tensor = self._table(ids, offsets, per_sample_weights=weights)
        return logits


def _features(text: str) -> torch.Tensor:
    text = f" {readable(text, MAX_CHARACTERS).lower()} "
    if not text.strip():
        return torch.zeros(0, dtype=torch.long)
    grams = {text[at : at + size] for size in (1, 2, 3, 4) for at in range(len(text) - size + 1)}
    return torch.tensor(sorted(zlib.crc32(gram.encode()) % BUCKETS for gram in grams))
