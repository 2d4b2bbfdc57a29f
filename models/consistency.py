"""A network that answers alike whichever of its units are dropped: R-Drop (Wu et al. 2021, arXiv:2106.14448).

Each text is in a batch twice, the second half in the order of the first; the two passes differ by dropout and by the tokens
that are hidden, and the loss has the distance of their answers beside it.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional
from transformers import PreTrainedModel

from models.heads import SENTIMENT, Loss


def consistent_loss(own: Loss, weight: float, model: PreTrainedModel) -> Loss:
    """The loss `own`, and beside it in training `weight` times the distance between the two halves of a batch."""

    def loss(outputs: Any, told: torch.Tensor, num_items_in_batch: Any = None) -> torch.Tensor:
        by_labels = own(outputs, told, num_items_in_batch)
        if not model.training:
            return by_labels
        one, other = functional.log_softmax(outputs["logits"][:, SENTIMENT].float(), dim=-1).chunk(2)
        # The mean of the divergences in both directions; every text counts, also one that no set gives a sentiment.
        apart = functional.kl_div(one, other, reduction="batchmean", log_target=True)
        apart = apart + functional.kl_div(other, one, reduction="batchmean", log_target=True)
        return by_labels + weight * apart / 2

    return loss
