"""What the tokeniser of a given encoder doesn't know becomes pieces of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from transformers import BertConfig, BertModel, BertTokenizerFast

from models.missing_pieces import LEAST_TEXTS
from models.network import NetworkShape, make_network
from models.tokenizer import Encoder

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "great", "good", "so", "质", "量", "好"]
TEXTS = ["great😡 so"] * LEAST_TEXTS + ["质量好”"] * LEAST_TEXTS + ["馊"] * LEAST_TEXTS + ["🦄"] * (LEAST_TEXTS - 1)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A word-piece encoder that knows a handful of words and no smiley."""
    path = tmp_path_factory.mktemp("encoder")
    BertTokenizerFast(vocab={word: at for at, word in enumerate(WORDS)}, do_lower_case=True).save_pretrained(path)
    torch.manual_seed(1)
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    BertModel(BertConfig(vocab_size=len(WORDS), max_position_embeddings=32, **sizes)).save_pretrained(path)
    return path


def test_an_unknown_character_no_longer_hides_the_word_beside_it(encoder: Path) -> None:
    _, tokenizer = make_network(NetworkShape(encoder=str(encoder)), TEXTS, 16)
    assert tokenizer.tokenize("Great😡 so") == ["great", "😡", "so"]
    assert tokenizer.tokenize("质量好”") == ["质", "量", "好", "”"]
    assert tokenizer.tokenize("good馊馊") == ["good", "馊", "馊"]
    assert [row.known for row in Encoder(tokenizer, 16).encode(["😡", "🦄"])] == [True, False]


def test_pieces_that_are_added_begin_as_the_mean_and_the_others_stay(encoder: Path) -> None:
    known = BertModel.from_pretrained(encoder).get_input_embeddings().weight
    model, tokenizer = make_network(NetworkShape(encoder=str(encoder)), TEXTS, 16)
    weight = model.get_input_embeddings().weight
    assert len(weight) == len(tokenizer) == model.config.vocab_size == len(WORDS) + 3
    assert torch.equal(weight[: len(WORDS)], known)
    assert torch.allclose(weight[len(WORDS) :], known.mean(dim=0).expand(3, -1))


def test_a_training_that_is_gone_on_with_has_the_pieces_that_it_began_with(encoder: Path) -> None:
    shape = NetworkShape(encoder=str(encoder))
    _, tokenizer = make_network(shape, TEXTS, 16)
    model, resumed = make_network(shape, ["something else"], 16, tokenizer)
    assert resumed is tokenizer and model.config.vocab_size == len(tokenizer)


def test_what_is_known_stays_as_it_is(encoder: Path) -> None:
    model, tokenizer = make_network(NetworkShape(encoder=str(encoder)), ["great so good 质量好"] * LEAST_TEXTS, 16)
    assert len(tokenizer) == model.config.vocab_size == len(WORDS)
    assert not json.loads((encoder / "config.json").read_text()).get("id2label")
