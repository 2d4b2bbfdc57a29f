"""Tiny classifiers with weights at random and the shipped `fast` one's tokeniser, in directories as Hugging Face writes them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from transformers import AutoModelForSequenceClassification, BertConfig, PreTrainedConfig, RobertaConfig

from models.labels import OUTPUTS
from models.loading import load_tokenizer
from models.scorer import WEIGHTS

SIZES = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64, "max_position_embeddings": 80}


def roberta_with_tones(path: Path) -> Path:
    """What is no BERT is computed by its own forward pass."""
    return _written(RobertaConfig(**SIZES), OUTPUTS, path)


def bert_with_tones(path: Path, labels: Sequence[str] = OUTPUTS) -> Path:
    """One as a training writes it."""
    return _written(BertConfig(**SIZES), labels, path)


def binary_bert(path: Path) -> Path:
    """Two sides, and nothing else."""
    return _written(BertConfig(**SIZES), ("NEGATIVE", "POSITIVE"), path)


def _written(config: PreTrainedConfig, labels: Sequence[str], path: Path) -> Path:
    tokenizer = load_tokenizer(WEIGHTS / "fast", local=True)
    config.vocab_size, config.pad_token_id = len(tokenizer), tokenizer.pad_token_id
    config.id2label, config.label2id = dict(enumerate(labels)), {name: at for at, name in enumerate(labels)}
    torch.manual_seed(1)
    model = AutoModelForSequenceClassification.from_config(config)
    for name, each in model.named_parameters():  # as they are made at first, all answers are nearly alike
        if "LayerNorm" not in name:
            torch.nn.init.normal_(each, std=0.3)
    model.save_pretrained(path)
    tokenizer.save_pretrained(path)
    return path
