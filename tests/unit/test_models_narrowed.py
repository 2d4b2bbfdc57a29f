"""A network in fewer dimensions begins with what the larger one knows."""

from __future__ import annotations

import pytest
import torch
from transformers import BertConfig, BertForSequenceClassification

from models.narrowed import Read, directions, narrowed
from models.scorer import ModelError
from models.service_lines import service_lines
from models.tokenizer import Encoder, train_tokenizer

TEXTS = [f"{who} {does} the {what} {when}" for who in ("we", "they", "nobody") for does in ("send", "lose", "love")
         for what in ("parcel", "order", "refund") for when in ("today", "again", "quickly")]  # fmt: skip


def network(pieces: int, hidden: int, heads: int, layers: int) -> BertForSequenceClassification:
    torch.manual_seed(3)
    config = BertConfig(
        vocab_size=pieces,
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=4 * hidden,
        max_position_embeddings=64,
        type_vocab_size=1,
    )
    return BertForSequenceClassification(config).eval()


def states(read: Read) -> torch.Tensor:
    """(texts, hidden): what the first token holds of each text at the end."""
    rows = [row.ids for row in Encoder(read.tokenizer, 48).encode(TEXTS)]
    with torch.no_grad():
        return torch.stack([read.network(input_ids=torch.tensor([row])).last_hidden_state[0, 0] for row in rows])


def alike(one: torch.Tensor, other: torch.Tensor) -> float:
    """The correlation of the distances between the texts in one and in the other."""
    return float(torch.corrcoef(torch.stack([torch.cdist(each, each).flatten() for each in (one, other)]))[0, 1])


def test_in_all_dimensions_it_is_nearly_the_larger_network() -> None:
    tokenizer = train_tokenizer(TEXTS * 4, 60, 48)
    large = Read(network(len(tokenizer), 32, 4, 2).bert, tokenizer)
    small = Read(network(len(tokenizer), 32, 4, 2).bert, tokenizer)
    torch.nn.init.zeros_(small.network.embeddings.word_embeddings.weight)
    narrowed(large, small, TEXTS)
    # Not quite: a norm takes away the mean of its dimensions, which is another one after a turn.
    assert alike(states(large), states(small)) > 0.9


def test_in_fewer_dimensions_the_same_texts_stay_near_each_other() -> None:
    english = [line.text for line in service_lines() if line.text.isascii()][:1_500] + TEXTS * 4
    wide_pieces, small_pieces = train_tokenizer(english, 300, 48), train_tokenizer(english, 80, 48)
    large = Read(network(len(wide_pieces), 32, 4, 3).bert, wide_pieces)
    small, untouched = (Read(network(len(small_pieces), 16, 2, 2).bert, small_pieces) for _ in range(2))
    narrowed(large, small, TEXTS)
    assert len(small_pieces) < len(wide_pieces)
    assert small_pieces.vocab != wide_pieces.vocab
    assert alike(states(large), states(small)) > alike(states(large), states(untouched)) + 0.1


def test_directions_are_those_that_vary_most_first() -> None:
    tokenizer = train_tokenizer(TEXTS * 4, 60, 48)
    read = Read(network(len(tokenizer), 32, 4, 1).bert, tokenizer)
    basis = directions(read, TEXTS)
    assert torch.allclose(basis.T @ basis, torch.eye(32), atol=1e-4)
    held = (states(read) @ basis).pow(2).sum(dim=0)
    assert held[:4].sum() > held[-4:].sum() * 10


@pytest.mark.parametrize(("hidden", "heads", "layers", "message"), [
    (20, 2, 1, r"hidden is 20 with 2 heads: heads of 8 are needed, and at most 4 of them"),
    (40, 5, 1, r"hidden is 40 with 5 heads"),
    (16, 2, 3, r"layers is 3: the encoder has 2"),
])  # fmt: skip
def test_sizes_that_do_not_fit_are_refused(hidden: int, heads: int, layers: int, message: str) -> None:
    tokenizer = train_tokenizer(TEXTS * 4, 60, 48)
    large = Read(network(len(tokenizer), 32, 4, 2).bert, tokenizer)
    with pytest.raises(ModelError, match=message):
        narrowed(large, Read(network(len(tokenizer), hidden, heads, layers).bert, tokenizer), TEXTS)
