"""A BERT classifier's forward pass without what a classifier doesn't need, for CPUs.

Query, key and value are one product; a batch without padding has no mask; and in the last layer only the first token, which the
answer is read from, goes beyond keys and values: a quarter of the work of four layers. What multiplies is given: `Dense`
in the network's own precision, or `models.eight_bits.Matrix`.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional
from transformers import BertForSequenceClassification

Product = Callable[[torch.Tensor], torch.Tensor]
"""(…, inputs) → (…, outputs)."""


class Dense:
    """One or several linear layers of the same input as one."""

    def __init__(self, *layers: nn.Linear) -> None:
        self._weight = torch.cat([each.weight for each in layers]).detach()
        self._bias = torch.cat([each.bias for each in layers]).detach()

    def __call__(self, values: torch.Tensor) -> torch.Tensor:
        """(…, inputs) → (…, outputs)."""
        return functional.linear(values, self._weight, self._bias)


class LeanBert:
    """Logits of a BERT classifier: `model(input_ids, attention_mask)`, see above."""

    def __init__(self, model: BertForSequenceClassification, product: Callable[..., Product]) -> None:
        """Put the linear layers into products. Those of `model` are not kept."""
        self._heads = model.config.num_attention_heads
        self._embeddings = model.bert.embeddings
        self._activation = model.bert.encoder.layer[0].intermediate.intermediate_act_fn
        self._layers = [
            (
                product(layer.attention.self.query, layer.attention.self.key, layer.attention.self.value),
                product(layer.attention.output.dense),
                layer.attention.output.LayerNorm,
                product(layer.intermediate.dense),
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
