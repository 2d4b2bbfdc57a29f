"""Encoders of several makes learn whole and by adapters: tiny ones at random, one step each."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console
from transformers import (
    AutoModelForSequenceClassification,
    BertConfig,
    BertForSequenceClassification,
    DebertaV2Config,
    DistilBertConfig,
    ElectraConfig,
    GPT2Config,
    ModernBertConfig,
    PreTrainedConfig,
    PreTrainedTokenizerFast,
    RobertaConfig,
    XLNetConfig,
)

from models.adapters import KINDS, learnt_as_they_are, with_adapters
from models.labels import NEGATIVE, OUTPUTS, POSITIVE
from models.schedule import Schedule
from models.scorer import ModelError
from models.sets import Example
from models.supervised import train_supervised
from models.tokenizer import train_tokenizer

EXAMPLES = [Example(f"{word} {at}", label, source="own") for at in range(8) for word, label in (("great", POSITIVE), ("broken", NEGATIVE))]
PIECES = 60
SIZES: dict[str, Any] = {
    "vocab_size": PIECES,
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 40,
}
OWN = {"bos_token_id": 2, "eos_token_id": 3, "pad_token_id": 0}
CONFIGS: dict[str, PreTrainedConfig] = {
    "BERT": BertConfig(**SIZES),
    "RoBERTa": RobertaConfig(**SIZES),
    "DistilBERT": DistilBertConfig(vocab_size=PIECES, dim=16, n_layers=1, n_heads=2, hidden_dim=32, max_position_embeddings=40),
    "ELECTRA": ElectraConfig(**SIZES, embedding_size=16),
    "ModernBERT": ModernBertConfig(**SIZES, **OWN, cls_token_id=2, sep_token_id=3),
    "DeBERTa": DebertaV2Config(**SIZES, relative_attention=True, max_relative_positions=40, pos_att_type=["p2c", "c2p"]),
    "GPT-2": GPT2Config(vocab_size=PIECES, n_embd=16, n_layer=1, n_head=2, n_positions=40, **OWN),
    "XLNet": XLNetConfig(vocab_size=PIECES, d_model=16, n_layer=1, n_head=2, d_inner=32, **OWN),
}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Networks as small as these are slower with more."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    return train_tokenizer([example.text for example in EXAMPLES] * 20, PIECES, 16)


def network(name: str) -> Any:
    torch.manual_seed(1)
    config = CONFIGS[name]
    config.num_labels = len(OUTPUTS)
    return AutoModelForSequenceClassification.from_config(config)


@pytest.mark.parametrize("adapters", KINDS)
@pytest.mark.parametrize("name", CONFIGS)
def test_an_encoder_of_any_make_learns_whole_and_by_adapters(
    name: str, adapters: str, tokenizer: PreTrainedTokenizerFast, tmp_path: Path
) -> None:
    model = network(name)
    before = {each: tensor.clone() for each, tensor in model.state_dict().items()}
    # Factors of an adapter begin with a product of zero, and what the first step gives one of them the second gives the other.
    schedule = Schedule(
        epochs=2, batch_size=16, learning_rate=0.1, warm_up=0, evaluations_per_epoch=1, max_tokens=16, adapters=adapters, rank=2, device="cpu"
    )
    train_supervised(model, tokenizer, EXAMPLES, EXAMPLES, schedule, tmp_path, Console(file=io.StringIO()))
    after = model.state_dict()
    assert after.keys() == before.keys()  # the adapters are folded in
    moved = {each for each, tensor in before.items() if not torch.equal(tensor, after[each])}
    own = {f"{layer}.{each}" for layer in learnt_as_they_are(model) for each, _ in model.get_submodule(layer).named_parameters()}
    assert own & moved
    assert moved - own
    if adapters != "none":
        assert {model.get_submodule(each.rpartition(".")[0]).__class__.__name__ for each in moved - own} <= {"Linear", "Conv1D"}
    assert all(tensor.isfinite().all() for tensor in after.values())


def test_what_is_at_random_beside_the_encoder_learns_without_an_adapter() -> None:
    assert learnt_as_they_are(network("BERT")) == ["classifier", "bert.pooler"]
    assert learnt_as_they_are(network("DistilBERT")) == ["pre_classifier", "classifier"]
    assert learnt_as_they_are(network("DeBERTa")) == ["pooler", "classifier"]
    assert learnt_as_they_are(network("XLNet")) == ["sequence_summary", "logits_proj"]
    learner = with_adapters(network("DistilBERT"), "lora", 2, 10)
    whole = {name for name, each in learner.named_parameters() if each.requires_grad and "lora_" not in name}
    assert {name.split(".modules_to_save.")[0].rpartition("model.")[2] for name in whole} == {"pre_classifier", "classifier"}


def test_what_cannot_have_adapters_is_told_in_words() -> None:
    with pytest.raises(ModelError, match=r"lora of rank 0 can't be put beside a distilbert network: .*; train all of it"):
        with_adapters(network("DistilBERT"), "lora", 0, 10)
    without_layers = BertForSequenceClassification(BertConfig(**SIZES | {"num_hidden_layers": 0}))
    for adapters in ("lora", "adalora"):
        with pytest.raises(ModelError, match=rf"{adapters} of rank 2 can't be put beside a bert network: .*; train all of it"):
            with_adapters(without_layers, adapters, 2, 10)
