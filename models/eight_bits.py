"""A BERT classifier's forward pass with its matrices multiplied in eight bits, for CPUs.

The matrices are those of `models.compact`: rows of int8, each with a scale. What goes into one is quantised on the way, token by
token; everything between them stays in single precision. In the last layer only the first token, which the answer is read
from, goes beyond keys and values.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional
from transformers import BertForSequenceClassification

from models.compact import SMALLEST, quantised

ENGINE = "fbgemm"
HALF_RANGE = 63
"""What goes in gets seven bits: AVX2 adds two products in 16 bits, which eight would overflow."""


def fits(model: nn.Module) -> bool:
    """Whether a model can be computed this way on this machine."""
    return isinstance(model, BertForSequenceClassification) and ENGINE in torch.backends.quantized.supported_engines


class Matrix:
    """One or several linear layers of the same input as one, in eight bits.

    Each token is divided by its largest number before the product, and multiplied by it afterwards: so the range is known, and a
    text's answer does not depend on its batch, as it would with one range for all that is multiplied at once.
    """

    def __init__(self, *layers: nn.Linear) -> None:
        weight = torch.cat([each.weight for each in layers]).detach()
        numbers, scales = quantised(weight)
        table = torch._make_per_channel_quantized_tensor(numbers, scales.double(), torch.zeros(len(scales)).long(), 0)
        self._packed = torch.ops.quantized.linear_prepack(table, None)
        self._bias = torch.cat([each.bias for each in layers]).detach()

    def __call__(self, values: torch.Tensor) -> torch.Tensor:
        """(…, inputs) → (…, outputs)."""
        largest = torch.linalg.vector_norm(values, float("inf"), dim=-1, keepdim=True).clamp_(min=SMALLEST)
        product = torch.ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32(
            values / largest, 1 / HALF_RANGE, HALF_RANGE + 1, self._packed
        )
        return torch.addcmul(self._bias, product, largest, out=product)


class EightBitBert:
    """Logits of a BERT classifier: `model(input_ids, attention_mask)` in eight bits, see above."""

    def __init__(self, model: BertForSequenceClassification) -> None:
        """Pack the matrices. The single-precision ones of `model` are not kept."""
        before, torch.backends.quantized.engine = torch.backends.quantized.engine, ENGINE
        try:
            self._pack(model)
        finally:
            torch.backends.quantized.engine = before

    def _pack(self, model: BertForSequenceClassification) -> None:
        config = model.config
        self._heads = config.num_attention_heads
        self._embeddings = model.bert.embeddings
        self._activation = model.bert.encoder.layer[0].intermediate.intermediate_act_fn
        self._layers = [
            (
                Matrix(layer.attention.self.query, layer.attention.self.key, layer.attention.self.value),
                Matrix(layer.attention.output.dense),
                layer.attention.output.LayerNorm,
                Matrix(layer.intermediate.dense),
                Matrix(layer.output.dense),
                layer.output.LayerNorm,
            )
            for layer in model.bert.encoder.layer
        ]
        self._pooler = model.bert.pooler
        self._classifier = model.classifier

    def __call__(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """(texts, labels) logits of (texts, tokens) ids and mask, 1 for a token and 0 for padding."""
        texts, tokens = ids.shape
        values = self._embeddings(input_ids=ids)
        # A text that fills its row needs no mask, and attention is faster without one.
        hidden = None if bool(mask.all()) else mask.bool()[:, None, None, :]
        for number, (inward, outward, first_norm, up, down, second_norm) in enumerate(self._layers):
            last = number == len(self._layers) - 1
            parts = inward(values).view(texts, tokens, 3, self._heads, -1).permute(2, 0, 3, 1, 4)
            asked, keys, told = parts[0], parts[1], parts[2]
            if last:
                asked, values = asked[:, :, :1], values[:, :1]
            heard = functional.scaled_dot_product_attention(asked, keys, told, attn_mask=hidden)
            values = first_norm(values + outward(heard.transpose(1, 2).reshape(texts, values.shape[1], -1)))
            values = second_norm(values + down(self._activation(up(values))))
        answer: torch.Tensor = self._classifier(self._pooler(values))
        return answer
