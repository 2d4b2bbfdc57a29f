"""One network, several answers: the loss over sentiment and tones, of which most sets tell only one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.nn import functional

from models.labels import TONES, UNKNOWN
from models.scorer import LABELS
from models.sets import Example

SENTIMENT = slice(0, len(LABELS))
"""The columns of the logits that sentiment's softmax is over; the others are the tones' sigmoids."""

TONE = slice(len(LABELS), len(LABELS) + len(TONES))
MAX_TONE_WEIGHT = 8.0
"""A tone is seldom heard: a text with it weighs more, up to so much."""


def targets(examples: Sequence[Example]) -> torch.Tensor:
    """Labels as the loss takes them: (examples, 1 + tones) integers, UNKNOWN where a set doesn't tell."""
    return torch.tensor([[example.label, *example.tones] for example in examples], dtype=torch.long)


def masked_loss(
    examples: Sequence[Example], label_smoothing: float
) -> Callable[[Any, torch.Tensor, Any], torch.Tensor]:
    """The loss of a training on `examples`: cross-entropy over sentiment plus binary cross-entropy over each tone.

    Sentiment's classes weigh by the inverse square root of their share, a tone by how seldom it is heard. What a set
    doesn't tell adds nothing. The signature is that of `Trainer(compute_loss_func=…)`.
    """
    labels = targets(examples)
    weights = class_weights(labels[:, 0])
    tone_weights = torch.stack([_positive_weight(labels[:, 1 + at]) for at in range(len(TONES))])

    def loss(outputs: Any, told: torch.Tensor, num_items_in_batch: Any = None) -> torch.Tensor:
        logits = outputs["logits"].float()
        sided = told[:, 0] != UNKNOWN
        total = logits.sum() * 0.0  # a batch that tells nothing has no gradient, and still a graph
        if sided.any():
            total = total + functional.cross_entropy(
                logits[sided][:, SENTIMENT],
                told[sided, 0],
                weights.to(logits.device),
                label_smoothing=label_smoothing,
            )
        heard = told[:, 1:]
        known = heard != UNKNOWN
        if known.any():
            each = functional.binary_cross_entropy_with_logits(
                logits[:, TONE], heard.clamp(min=0).float(), pos_weight=tone_weights.to(logits.device), reduction="none"
            )
            total = total + each[known].mean()
        return total

    return loss


def class_weights(labels: torch.Tensor) -> torch.Tensor:
    """The weight of each sentiment, 1 where all are as frequent: (their number / count)^½ over the known labels."""
    counts = torch.bincount(labels[labels != UNKNOWN], minlength=len(LABELS)).float().clamp(min=1)
    return (counts.sum() / (len(LABELS) * counts)).sqrt()


def _positive_weight(heard: torch.Tensor) -> torch.Tensor:
    """The weight of a text with the tone: texts without it by texts with it, the square root, bounded."""
    with_it, without = (heard == 1).sum().float(), (heard == 0).sum().float()
    if not with_it or not without:
        return torch.tensor(1.0)
    return (without / with_it).sqrt().clamp(max=MAX_TONE_WEIGHT)
