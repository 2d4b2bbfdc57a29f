"""A smaller network that begins with what a larger one knows: its matrices, projected onto fewer dimensions.

A network from scratch has to learn what words mean from the labelled texts alone. This one gets the larger one's embeddings and
layers in the directions in which its hidden states vary most (as SliceGPT cuts, Ashkboos et al. 2024, arXiv:2401.15024), the
heads and feed-forward units that weigh most, and learns the rest from it as its teacher. What is lost on the way is a good
deal: it is a beginning, not a compression.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from models.batches import padded
from models.scorer import ModelError
from models.tokenizer import BLANK, Encoder

BATCH, TOKENS = 64, 48


class Read(NamedTuple):
    """A network and what it reads with."""

    network: BertModel
    tokenizer: PreTrainedTokenizerFast


STREAMS = ("attention.output", "output")
"""The places of a layer where its result is added to what goes on, and normalised."""


def narrowed(large: Read, small: Read, texts: Sequence[str]) -> None:
    """Fill the network of `small` from the first layers of that of `large`. `texts` decide which directions vary.

    Raises ModelError where the sizes don't allow it.
    """
    _check(large.network.config, small.network.config)
    _fill(large.network, small.network, directions(large, texts), _spelt(large.tokenizer, small.tokenizer))


def _check(theirs: BertConfig, ours: BertConfig) -> None:
    width = theirs.hidden_size // theirs.num_attention_heads
    if ours.hidden_size > theirs.hidden_size or ours.hidden_size != ours.num_attention_heads * width:
        raise ModelError(
            f"hidden is {ours.hidden_size} with {ours.num_attention_heads} heads: heads of {width} are needed, and at most "
            f"{theirs.hidden_size // width} of them"
        )
    if ours.num_hidden_layers > theirs.num_hidden_layers or ours.intermediate_size > theirs.intermediate_size:
        raise ModelError(f"layers is {ours.num_hidden_layers}: the encoder has {theirs.num_hidden_layers}")


def _fill(large: BertModel, small: BertModel, basis: torch.Tensor, spelt: Sequence[Sequence[int]]) -> None:
    ours, theirs = small.config, large.config
    with torch.no_grad():
        basis = basis[:, : ours.hidden_size]
        _embeddings(large, small, basis, spelt)
        for from_layer, to_layer in zip(large.encoder.layer, small.encoder.layer, strict=False):
            heads = _heaviest(
                from_layer.attention.output.dense.weight, theirs.num_attention_heads, ours.num_attention_heads
            )
            units = _heaviest(from_layer.output.dense.weight, theirs.intermediate_size, ours.intermediate_size)
            for name in ("query", "key", "value"):
                one, other = (getattr(layer.attention.self, name) for layer in (from_layer, to_layer))
                other.weight.copy_(one.weight[heads] @ basis)
                other.bias.copy_(one.bias[heads])
            to_layer.intermediate.dense.weight.copy_(from_layer.intermediate.dense.weight[units] @ basis)
            to_layer.intermediate.dense.bias.copy_(from_layer.intermediate.dense.bias[units])
            for name, kept in zip(STREAMS, (heads, units), strict=True):
                one, other = from_layer.get_submodule(name), to_layer.get_submodule(name)
                other.dense.weight.copy_(basis.T @ one.dense.weight[:, kept])
                other.dense.bias.copy_(one.dense.bias @ basis)
                _norm(one.LayerNorm, other.LayerNorm, basis)


def directions(read: Read, texts: Sequence[str]) -> torch.Tensor:
    """(hidden, hidden): the principal directions of the hidden states of all layers over the tokens of `texts`, in columns, those
    that vary most first."""
    model, tokenizer = read
    rows = sorted((row.ids for row in Encoder(tokenizer, TOKENS).encode(list(texts)) if row.known), key=len)
    size = model.config.hidden_size
    squares = torch.zeros(size, size, dtype=torch.float64)
    for start in range(0, len(rows), BATCH):
        ids, mask = padded(rows[start : start + BATCH], int(tokenizer.pad_token_id or 0))
        with torch.no_grad():
            states = model(input_ids=ids, attention_mask=mask, output_hidden_states=True).hidden_states
        for state in states:
            flat = state[mask.bool()].double()
            squares += flat.T @ flat
    return torch.linalg.eigh(squares).eigenvectors.flip(1).float()


def _heaviest(weight: torch.Tensor, groups: int, most: int) -> torch.Tensor:
    """The columns of the `most` groups of columns with the largest norms, in their order."""
    by_group = weight.view(weight.shape[0], groups, -1)
    chosen = by_group.norm(dim=(0, 2)).topk(most).indices.sort().values
    width = by_group.shape[2]
    return (chosen[:, None] * width + torch.arange(width)).reshape(-1)


def _spelt(large: PreTrainedTokenizerFast, small: PreTrainedTokenizerFast) -> list[list[int]]:
    """Each piece of `small` in pieces of `large`; special ones as special ones."""
    special = {
        small.convert_tokens_to_ids(getattr(small, name)): large.convert_tokens_to_ids(getattr(large, name))
        for name in ("pad_token", "unk_token", "cls_token", "sep_token")
    }
    pieces = small.convert_ids_to_tokens(list(range(len(small))))
    rows = large.backend_tokenizer.encode_batch(pieces, add_special_tokens=False)
    nothing = large.backend_tokenizer.token_to_id(BLANK)
    unknown = special[small.unk_token_id]
    return [
        [special[at]] if at in special else [piece for piece in row.ids if piece != nothing] or row.ids or [unknown]
        for at, row in enumerate(rows)
    ]


def _embeddings(large: BertModel, small: BertModel, basis: torch.Tensor, spelt: Sequence[Sequence[int]]) -> None:
    """A piece that the large network spells in several gets their mean."""
    theirs, ours = large.embeddings, small.embeddings
    words = torch.stack([theirs.word_embeddings.weight[list(row)].mean(dim=0) for row in spelt])
    ours.word_embeddings.weight.copy_(words @ basis)
    ours.position_embeddings.weight.copy_(
        theirs.position_embeddings.weight[: len(ours.position_embeddings.weight)] @ basis
    )
    ours.token_type_embeddings.weight.copy_(theirs.token_type_embeddings.weight[:1] @ basis)
    _norm(theirs.LayerNorm, ours.LayerNorm, basis)


def _norm(large: torch.nn.LayerNorm, small: torch.nn.LayerNorm, basis: torch.Tensor) -> None:
    """A diagonal scale doesn't stay diagonal in another basis: its diagonal is what is kept of it."""
    small.weight.copy_(torch.einsum("ij,i,ij->j", basis, large.weight, basis))
    small.bias.copy_(large.bias @ basis)
