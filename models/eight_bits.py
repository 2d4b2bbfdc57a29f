"""Matrices multiplied in eight bits, for CPUs.

They are those of `models.compact`: rows of int8, each with a scale. What goes into one is quantised on the way, token by token;
what comes out is in single precision.
"""

from __future__ import annotations

import torch
from torch import nn

from models.compact import SMALLEST, quantised

ENGINE = "fbgemm"
HALF_RANGE = 63
"""What goes in gets seven bits: AVX2 adds two products in 16 bits, which eight would overflow."""


def possible() -> bool:
    """Whether this machine's build of PyTorch can do it."""
    return ENGINE in torch.backends.quantized.supported_engines


class Matrix:
    """One or several linear layers of the same input as one, in eight bits.

    Each token is divided by its largest number before the product, and multiplied by it afterwards: so the range is known, and a
    text's answer does not depend on its batch, as it would with one range for all that is multiplied at once.
    """

    def __init__(self, *layers: nn.Linear) -> None:
        weight = torch.cat([each.weight for each in layers]).detach()
        numbers, scales = quantised(weight)
        table = torch._make_per_channel_quantized_tensor(numbers, scales.double(), torch.zeros(len(scales)).long(), 0)
        before, torch.backends.quantized.engine = torch.backends.quantized.engine, ENGINE
        try:
            self._packed = torch.ops.quantized.linear_prepack(table, None)
        finally:
            torch.backends.quantized.engine = before
        self._bias = torch.cat([each.bias for each in layers]).detach()

    def __call__(self, values: torch.Tensor) -> torch.Tensor:
        """(…, inputs) → (…, outputs)."""
        largest = torch.linalg.vector_norm(values, float("inf"), dim=-1, keepdim=True).clamp_(min=SMALLEST)
        product = torch.ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32(
            values / largest, 1 / HALF_RANGE, HALF_RANGE + 1, self._packed
        )
        return torch.addcmul(self._bias, product, largest, out=product)
