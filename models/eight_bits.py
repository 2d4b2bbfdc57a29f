"""Matrices multiplied in eight bits, for CPUs.

They are those of `models.compact`: rows of int8, each with a scale. What goes into one is quantised on the way, token by token;
what comes out is in single precision. The product is oneDNN's (https://uxlfoundation.github.io/oneDNN, "Nuances of int8
computations"), which PyTorch's own compiler calls for quantised networks.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from transformers.activations import ACT2FN

from models.compact import SMALLEST, quantised

EIGHT_BITS = 127
SEVEN_BITS = 63
"""The largest number that goes in: a CPU without an instruction for sums of four products (VNNI, or AMX's units) adds two of them in
16 bits, which eight bits a number would overflow."""

ENGINE = "x86"
"""What PyTorch calls oneDNN's eight-bit products together with a CPU that they are written for."""


def possible() -> bool:
    """Whether this machine's build of PyTorch can do it."""
    return ENGINE in torch.backends.quantized.supported_engines


def largest_input() -> int:
    """What the largest number of a token is mapped to."""
    abilities = torch.cpu.get_capabilities()
    return EIGHT_BITS if any(abilities.get(name) for name in ("avx512_vnni", "avx_vnni", "amx_int8")) else SEVEN_BITS


class Matrix:
    """One or several linear layers of the same input as one, in eight bits, and what is done with each number that comes out (ACT2FN's name).

    Each token is divided by its largest number before the product, and multiplied by it afterwards: so the range is known, and a
    text's answer does not depend on its batch, as it would with one range for all that is multiplied at once.
    """

    def __init__(self, *layers: nn.Linear, activation: str = "linear") -> None:
        weight = torch.cat([each.weight for each in layers]).detach()
        numbers, scales = quantised(weight)
        self._largest = largest_input()
        self._packed = torch.ops.onednn.qlinear_prepack(numbers, None)
        self._scales = scales / self._largest
        self._zeros = torch.zeros(len(scales), dtype=torch.int64)
        self._bias = torch.cat([each.bias for each in layers]).detach()
        self._activation = ACT2FN[activation]

    def __call__(self, values: torch.Tensor) -> torch.Tensor:
        """(…, inputs) → (…, outputs)."""
        # `abs` would make a copy, and a norm by infinity takes longer than the product.
        largest = torch.maximum(values.amax(-1, keepdim=True), -values.amin(-1, keepdim=True)).clamp_(min=SMALLEST)
        zero = self._largest + 1
        scaled = torch.mul(values, self._largest / largest).add_(zero + 0.5)  # half a step more, for conversion cuts off
        steps = torch.empty(scaled.shape, dtype=torch.uint8)
        np.copyto(steps.numpy(), scaled.numpy(), casting="unsafe")  # PyTorch's own conversion takes five times as long
        product = torch.ops.onednn.qlinear_pointwise(
            steps, 1.0, zero, self._packed, self._scales, self._zeros, None, 1.0, 0, torch.float32, "none", [], ""
        )
        found: torch.Tensor = self._activation(torch.addcmul(self._bias, product, largest, out=product))
        return found
