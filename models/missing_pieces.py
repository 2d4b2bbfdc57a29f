"""Characters that a given encoder's tokeniser doesn't know: they become pieces of their own.

To a word-piece tokeniser a whole word is unknown that has one such character in it: of "great😡" nothing is left, and the smileys that
say most of a short message are what an encoder made from books knows least.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import torch
from tokenizers import AddedToken
from transformers import PreTrainedModel, PreTrainedTokenizerFast

LEAST_TEXTS = 20
"""Texts that a character has to be in before it can be learnt what it means."""


def add_missing(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, texts: Sequence[str]) -> None:
    """Give the tokeniser a piece, and the network an embedding (the mean of the others), for each character that is in LEAST_TEXTS of
    the texts and unknown."""
    found = Counter(sign for text in texts for sign in set(text) if not sign.isspace())
    often = sorted(sign for sign, count in found.items() if count >= LEAST_TEXTS)
    rows = tokenizer.backend_tokenizer.encode_batch(often, add_special_tokens=False)
    pieces = set().union(*tokenizer.get_vocab())  # a letter that is known in words only must not break them up
    unknown = [sign for sign, row in zip(often, rows, strict=True) if tokenizer.unk_token_id in row.ids and sign not in pieces]
    # Looked for in the text as it is: a tokeniser that puts blanks around Chinese characters would do so with the piece.
    tokenizer.add_tokens([AddedToken(sign, normalized=False) for sign in unknown])
    fit_embeddings(model, tokenizer)


def fit_embeddings(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    """Give the network embeddings for the pieces that its tokeniser has more than it."""
    before = model.get_input_embeddings().num_embeddings
    if len(tokenizer) > before:
        model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
        weight = model.get_input_embeddings().weight
        with torch.no_grad():
            weight[before:] = weight[:before].mean(dim=0)
