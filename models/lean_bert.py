"""A BERT classifier's forward pass without what a classifier doesn't need, for CPUs.

Query, key and value are one product; a batch without padding has no mask; and in the last layer only the first token, which the
answer is read from, goes beyond keys and values: a quarter of the work of four layers. What multiplies is given: `Dense` or
`Packed` in the network's own precision, or `models.eight_bits.Matrix`.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional
from transformers import BertForSequenceClassification
from transformers.activations import ACT2FN

Product = Callable[[torch.Tensor], torch.Tensor]
"""(…, inputs) → (…, outputs)."""

LANES = 16
"""Keys that torch's attention weighs at once on a CPU; those beyond a multiple of them it weighs one by one, which takes up to three times as long."""

WORTH_PADDING = {torch.bfloat16: 11, torch.float32: 8}
"""Up to so many keys of nothing cost less than that (measured on a Xeon with AVX-512 and AMX)."""

FUSED = {"linear": "none", "relu": "relu", "gelu": "gelu"}
"""What oneDNN does with a product's numbers itself, by its own names."""

TYPICAL_TOKENS = 1_024
"""For products of about so many tokens weights are laid out: without a number oneDNN's layout is slower than none."""


class Dense:
    """One or several linear layers of the same input as one, and what is done with each number that comes out (ACT2FN's name)."""

    def __init__(self, *layers: nn.Linear, activation: str = "linear") -> None:
        self._weight = torch.cat([each.weight for each in layers]).detach()
        self._bias = torch.cat([each.bias for each in layers]).detach()
        self._activation = ACT2FN[activation]

    def __call__(self, values: torch.Tensor) -> torch.Tensor:
        """(…, inputs) → (…, outputs)."""
        found: torch.Tensor = self._activation(functional.linear(values, self._weight, self._bias))
        return found


class Packed:
    """`Dense` in bf16 whose weights are laid out once as oneDNN multiplies them, which it does before every product otherwise; ReLU and GELU
    belong to the product."""

    def __init__(self, *layers: nn.Linear, activation: str = "linear") -> None:
        self._weight = torch.ops.mkldnn._reorder_linear_weight(torch.cat([each.weight for each in layers]).detach(), TYPICAL_TOKENS)
        self._bias = torch.cat([each.bias for each in layers]).detach()
        self._fused = FUSED.get(activation, "none")
        self._activation = ACT2FN["linear" if activation in FUSED else activation]

    @staticmethod
    def possible() -> bool:
        """Whether this CPU and this build of PyTorch can do it."""
        return torch.backends.mkldnn.is_available() and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())

    def __call__(self, values: torch.Tensor) -> torch.Tensor:
        """(…, inputs) → (…, outputs)."""
        product = torch.ops.mkldnn._linear_pointwise(values, self._weight, self._bias, self._fused, [], "none")
        found: torch.Tensor = self._activation(product)
        return found


class LeanBert:
    """Logits of a BERT classifier: `model(input_ids, attention_mask)`, see above."""

    def __init__(self, model: BertForSequenceClassification, product: Callable[..., Product]) -> None:
        """Put the linear layers into products. Those of `model` are not kept."""
        self._heads = model.config.num_attention_heads
        self._embeddings = model.bert.embeddings
        self._layers = [
            (
                product(layer.attention.self.query, layer.attention.self.key, layer.attention.self.value),
                product(layer.attention.output.dense),
                layer.attention.output.LayerNorm,
                product(layer.intermediate.dense, activation=model.config.hidden_act),
                product(layer.output.dense),
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
        more = -tokens % LANES
        more = more if more <= WORTH_PADDING.get(values.dtype, 0) else 0
        # A text that fills its row needs no mask, and attention is faster without one.
        hidden = None if bool(mask.all()) else mask.bool()[:, None, None, :]
        hidden_with_more = functional.pad(mask.bool(), (0, more))[:, None, None, :] if more else hidden
        for number, (inward, outward, first_norm, up, down, second_norm) in enumerate(self._layers):
            last = number == len(self._layers) - 1
            parts = inward(values).view(texts, tokens, 3, self._heads, -1).permute(2, 0, 3, 1, 4)
            asked, keys, told = parts[0], parts[1], parts[2]
            if last:
                asked, values = asked[:, :, :1], values[:, :1]
            elif more:
                keys, told = (functional.pad(each, (0, 0, 0, more)) for each in (keys, told))
            heard = functional.scaled_dot_product_attention(asked, keys, told, attn_mask=hidden if last else hidden_with_more)
            values = first_norm(values + outward(heard.transpose(1, 2).reshape(texts, values.shape[1], -1)))
            values = second_norm(values + down(up(values)))
        answer: torch.Tensor = self._classifier(self._pooler(values))
        return answer
