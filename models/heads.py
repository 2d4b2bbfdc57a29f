"""One network, several answers: the loss over sentiment, tones and satisfaction, of which most sets tell only one."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from models.labels import OUTPUTS, SATISFACTIONS, TONES, UNKNOWN
from models.scorer import LABELS
from models.sets import Example
from models.wide import WIDE_SATISFACTION

SENTIMENT = slice(0, len(LABELS))
"""The columns of the logits that sentiment's softmax is over; the tones' sigmoids follow, and satisfaction's softmax."""

TONE = slice(len(LABELS), len(LABELS) + len(TONES))
SATISFACTION = slice(len(OUTPUTS), len(OUTPUTS) + len(SATISFACTIONS))
"""The columns of satisfaction's softmax; none, if no set tells it."""

TOLD_TONES = slice(1, 1 + len(TONES))
TOLD_PRIORS = slice(TOLD_TONES.stop, TOLD_TONES.stop + len(LABELS))
TOLD_SATISFACTION = TOLD_PRIORS.stop
TOLD_COLUMNS = TOLD_SATISFACTION + 1
"""Of `targets`; a teacher's columns follow them."""


class Question(NamedTuple):
    """Where its answer is told in `targets`, and which columns answer it in the network's logits and in the wide part's."""

    told: int
    deep: slice
    wide: slice


ABOUT_SENTIMENT = Question(0, SENTIMENT, SENTIMENT)
ABOUT_SATISFACTION = Question(TOLD_SATISFACTION, SATISFACTION, WIDE_SATISFACTION)
QUESTIONS = (ABOUT_SENTIMENT, ABOUT_SATISFACTION)

MAX_TONE_WEIGHT = 8.0
"""A tone is seldom heard: a text with it weighs more, up to so much."""

IMPOSSIBLE = -1e4
"""The log prior of a label that a set doesn't have: its softmax is over the others."""


Loss = Callable[[Any, torch.Tensor, Any], torch.Tensor]
"""Of (outputs, told, number of items), as `Trainer(compute_loss_func=…)` takes it."""


def targets(examples: Sequence[Example], adjustment: float = 1.0) -> torch.Tensor:
    """What the loss is told of each example, (examples, TOLD_COLUMNS): its label, its tones, the log priors of the sentiments in
    its set, and its satisfaction; UNKNOWN where a set doesn't tell. adjustment: see `log_shares`."""
    priors = log_priors(examples, adjustment)
    rows = [[example.label, *example.tones, *priors[example.source], example.satisfaction] for example in examples]
    return torch.tensor(rows, dtype=torch.float32)


def outputs(examples: Sequence[Example]) -> tuple[str, ...]:
    """The columns of a network that learns from the examples."""
    return OUTPUTS + SATISFACTIONS if any(example.satisfaction != UNKNOWN for example in examples) else OUTPUTS


def log_priors(examples: Sequence[Example], adjustment: float = 1.0) -> dict[str, list[float]]:
    """`log_shares` of the sentiments of each set; of all sets for one that tells a single sentiment, which would teach nothing by its
    own: whoever collects complaints only doesn't say that there is nothing else. Zeros where all sets together tell a single one."""
    told: dict[str, list[int]] = {}
    for example in examples:
        told.setdefault(example.source, []).append(example.label)
    labels_of_all = [example.label for example in examples]
    every = log_shares(labels_of_all, adjustment) if len(set(labels_of_all) - {UNKNOWN}) > 1 else [0.0] * len(LABELS)
    return {
        source: every if len(set(labels) - {UNKNOWN}) == 1 else log_shares(labels, adjustment)
        for source, labels in told.items()
    }


def log_shares(told: Sequence[int], adjustment: float = 1.0) -> list[float]:
    """The logarithm of the share of each of three answers, IMPOSSIBLE for one that is never told; zeros where none is.

    adjustment: what the logarithm is multiplied by (Menon et al. 2021, their τ): at 1 what is learnt is as if all answers were
    equally likely, at 0 their shares are learnt as well, as far as a text shows what set it is from.
    """
    counts = [told.count(each) for each in range(len(LABELS))]
    return [
        adjustment * math.log(each / sum(counts)) if each else IMPOSSIBLE if any(counts) else 0.0 for each in counts
    ]


class KnownAnswers(NamedTuple):
    """Of the texts that a set tells the answer of to one question: which of all they are, the answers, (texts,), and the logits and the log
    priors of the answers, (texts, answers): the labels' shares in a text's set for sentiment, all sets together for satisfaction."""

    known: torch.Tensor
    labels: torch.Tensor
    logits: torch.Tensor
    priors: torch.Tensor


def known_answers(logits: torch.Tensor, told: torch.Tensor, question: Question, adjustment: float = 1.0) -> KnownAnswers:
    """What a network answers to a question. logits: all of its columns; told: as in `targets`; adjustment: see `log_shares`."""
    known = told[:, question.told] != UNKNOWN
    labels = told[known, question.told].long()
    if question is ABOUT_SATISFACTION:
        priors = torch.tensor(log_shares(labels.tolist(), adjustment)).expand(len(labels), -1)
    else:
        priors = told[known, TOLD_PRIORS]
    return KnownAnswers(known, labels, logits[known, question.deep], priors)


def most_likely(logits: NDArray[np.float32], told: NDArray[np.float32], question: Question) -> NDArray[np.int64]:
    """Each text's most likely answer to a question among those that its set has, (texts,): a set of reviews that knows no neutral
    isn't asked for it. logits: (texts, answers) to that question; told: as in `targets`."""
    if question is ABOUT_SENTIMENT:
        logits = np.where(told[:, TOLD_PRIORS] > IMPOSSIBLE / 2, logits, -np.inf)
    answers: NDArray[np.int64] = logits.argmax(axis=1)
    return answers


def masked_loss(examples: Sequence[Example], label_smoothing: float, adjustment: float = 1.0) -> Loss:
    """The loss of a training on `examples`: cross-entropy over sentiment, binary cross-entropy over each tone, cross-entropy over
    satisfaction.

    What a set doesn't tell adds nothing. Sentiment's logits are moved by the log priors of the text's set (logit adjustment,
    Menon et al. 2021): so a set full of neutral texts doesn't teach that texts are neutral, and one without any doesn't
    teach that none are; the network learns what speaks for a label, all being equally likely. A tone weighs by how seldom
    it is heard; satisfaction's logits are moved by the log priors of all sets together. adjustment: how far logits are moved, as
    in `targets`, see `log_shares`. The signature is that of `Trainer(compute_loss_func=…)`.
    """
    satisfaction_priors = torch.tensor(log_shares([example.satisfaction for example in examples], adjustment))
    heard_by_tone = zip(*(example.tones for example in examples), strict=True)
    tone_weights = torch.tensor([_positive_weight(heard) for heard in heard_by_tone])

    def loss(outputs: Any, told: torch.Tensor, num_items_in_batch: Any = None) -> torch.Tensor:
        logits = outputs["logits"].float()
        sided = told[:, 0] != UNKNOWN
        total = logits.sum() * 0.0  # a batch that tells nothing has no gradient, and still a graph
        if sided.any():
            total = total + _moved_loss(
                logits[sided, SENTIMENT], told[sided, 0], told[sided, TOLD_PRIORS], label_smoothing
            )
        heard = told[:, TOLD_TONES]
        known = heard != UNKNOWN
        if known.any():
            each = functional.binary_cross_entropy_with_logits(
                logits[:, TONE], heard.clamp(min=0), pos_weight=tone_weights.to(logits.device), reduction="none"
            )
            total = total + each[known].mean()
        rated = told[:, TOLD_SATISFACTION] != UNKNOWN
        if rated.any():
            priors = satisfaction_priors.to(logits.device).expand(int(rated.sum()), -1)
            total = total + _moved_loss(
                logits[rated, SATISFACTION], told[rated, TOLD_SATISFACTION], priors, label_smoothing
            )
        return total

    return loss


def _moved_loss(logits: torch.Tensor, told: torch.Tensor, priors: torch.Tensor, label_smoothing: float) -> torch.Tensor:
    """Cross-entropy of logits moved by the log priors; smoothing spreads over the answers that are met at all."""
    possible = (priors > IMPOSSIBLE / 2).float()
    spread = possible / possible.sum(dim=-1, keepdim=True)
    wanted = functional.one_hot(told.long(), len(LABELS)).float() * (1 - label_smoothing) + spread * label_smoothing
    return functional.cross_entropy(logits + priors, wanted)


def _positive_weight(heard: Sequence[int]) -> float:
    """The weight of a text with the tone: texts without it by texts with it, the square root, bounded."""
    with_it, without = heard.count(1), heard.count(0)
    return min(MAX_TONE_WEIGHT, math.sqrt(without / with_it)) if with_it and without else 1.0
