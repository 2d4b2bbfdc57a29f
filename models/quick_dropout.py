"""Dropout whose chances are drawn eight at a time: on a CPU torch's own costs a third of a training step.

torch draws a number for each unit, in one thread, from the Mersenne Twister. Here a draw of 64 bits decides about eight units,
which leaves a probability within 1 / 512 of the one that is asked for. The draws are torch's all the same: a seed fixes them, and a
checkpoint keeps where they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.nn import functional
from torch.overrides import TorchFunctionMode
from transformers import PreTrainedModel

BYTE_VALUES = 256
BYTES_PER_DRAW = 8
PLAIN_ATTENTION = "eager"
"""transformers' attention in single operations, dropout among them. For texts as short as ours it is also faster on a CPU than torch's
fused one, whose backward pass is made for long ones."""


def dropped(units: torch.Tensor, share: float) -> torch.Tensor:
    """`units` of any shape with about `share` of them at 0, and the others larger by what keeps the mean."""
    cut = round(share * BYTE_VALUES)
    if not cut:
        return units
    if cut == BYTE_VALUES:
        return units * 0
    draws = torch.empty(-(-units.numel() // BYTES_PER_DRAW), dtype=torch.int64).random_(torch.iinfo(torch.int64).min, None)
    chance = draws.view(torch.uint8)[: units.numel()].view(units.shape)
    return units * (chance >= cut).to(units.dtype).mul_(BYTE_VALUES / (BYTE_VALUES - cut))


class _Quick(TorchFunctionMode):  # type: ignore[misc]
    """Computes torch.nn.functional.dropout on a CPU by `dropped`, and everything else as it is."""

    def __torch_function__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None) -> Any:
        if func is functional.dropout:
            return _dropout(*args, **(kwargs or {}))
        return func(*args, **(kwargs or {}))


def _dropout(input: torch.Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> torch.Tensor:
    """As torch.nn.functional.dropout, which callers name the arguments of."""
    if training and not inplace and input.device.type == "cpu":
        return dropped(input, p)
    return functional.dropout(input, p, training, inplace)


@contextmanager
def quick_dropout(model: PreTrainedModel) -> Iterator[None]:
    """While it lasts, what torch drops on a CPU is drawn quickly, and `model`, if it is there, attends in single operations."""
    if model.device.type != "cpu":
        yield
        return
    attention = model.config._attn_implementation
    model.set_attn_implementation(PLAIN_ATTENTION)
    try:
        with _Quick():
            yield
    finally:
        model.set_attn_implementation(attention)
