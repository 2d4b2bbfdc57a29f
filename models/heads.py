"""One network, several answers: the loss over sentiment and tones, of which most sets tell only one."""

from __future__ import annotations

import math
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
TOLD_COLUMNS = 1 + len(TONES) + len(LABELS)
"""Of `targets`; a teacher's columns follow them."""

MAX_TONE_WEIGHT = 8.0
"""A tone is seldom heard: a text with it weighs more, up to so much."""

IMPOSSIBLE = -1e4
"""The log prior of a label that a set doesn't have: its softmax is over the others."""


Loss = Callable[[Any, torch.Tensor, Any], torch.Tensor]
"""Of (outputs, told, number of items), as `Trainer(compute_loss_func=…)` takes it."""


def targets(examples: Sequence[Example]) -> torch.Tensor:
    """What the loss is told of each example, (examples, 1 + tones + sentiments): its label, its tones, UNKNOWN where a set
    doesn't tell, and the log priors of the sentiments in its set."""
    priors = log_priors(examples)
    rows = [[example.label, *example.tones, *priors[example.source]] for example in examples]
    return torch.tensor(rows, dtype=torch.float32)


def log_priors(examples: Sequence[Example]) -> dict[str, list[float]]:
    """The logarithm of each sentiment's share in each set, IMPOSSIBLE where it has none."""
    counts: dict[str, list[int]] = {}
    for example in examples:
        count = counts.setdefault(example.source, [0] * len(LABELS))
        if example.label != UNKNOWN:
            count[example.label] += 1
    return {
        source: [math.log(each / sum(count)) if each else IMPOSSIBLE if any(count) else 0.0 for each in count]
        for source, count in counts.items()
    }


def masked_loss(examples: Sequence[Example], label_smoothing: float) -> Loss:
    """The loss of a training on `examples`: cross-entropy over sentiment plus binary cross-entropy over each tone.

    What a set doesn't tell adds nothing. Sentiment's logits are moved by the log priors of the text's set (logit adjustment,
    Menon et al. 2021): so a set full of neutral texts doesn't teach that texts are neutral, and one without any doesn't
    teach that none are; the network learns what speaks for a label, all being equally likely. A tone weighs by how seldom
    it is heard. The signature is that of `Trainer(compute_loss_func=…)`.
    """
    heard_by_tone = zip(*(example.tones for example in examples), strict=True)
    tone_weights = torch.tensor([_positive_weight(heard) for heard in heard_by_tone])

    def loss(outputs: Any, told: torch.Tensor, num_items_in_batch: Any = None) -> torch.Tensor:
        logits = outputs["logits"].float()
        sided = told[:, 0] != UNKNOWN
        total = logits.sum() * 0.0  # a batch that tells nothing has no gradient, and still a graph
        if sided.any():
            total = total + _sentiment_loss(logits[sided], told[sided], label_smoothing)
        heard = told[:, 1 : 1 + len(TONES)]
        known = heard != UNKNOWN
        if known.any():
            each = functional.binary_cross_entropy_with_logits(
                logits[:, TONE], heard.clamp(min=0), pos_weight=tone_weights.to(logits.device), reduction="none"
            )
            total = total + each[known].mean()
        return total

    return loss


def _sentiment_loss(logits: torch.Tensor, told: torch.Tensor, label_smoothing: float) -> torch.Tensor:
    """Cross-entropy of logits moved by the log priors; smoothing spreads over the labels that the set has."""
    priors = told[:, 1 + len(TONES) :]
    possible = (priors > IMPOSSIBLE / 2).float()
    spread = possible / possible.sum(dim=-1, keepdim=True)
    wanted = (
        functional.one_hot(told[:, 0].long(), len(LABELS)).float() * (1 - label_smoothing) + spread * label_smoothing
    )
    return functional.cross_entropy(logits[:, SENTIMENT] + priors, wanted)


def _positive_weight(heard: Sequence[int]) -> float:
    """The weight of a text with the tone: texts without it by texts with it, the square root, bounded."""
    with_it, without = heard.count(1), heard.count(0)
    return min(MAX_TONE_WEIGHT, math.sqrt(without / with_it)) if with_it and without else 1.0
