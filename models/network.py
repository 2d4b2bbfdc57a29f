"""The network that is trained: an encoder from somewhere, and one linear layer with a column for each answer."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    BertConfig,
    BertForSequenceClassification,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from models.compact import COMPACT_FILE
from models.labels import OUTPUTS, SATISFACTIONS
from models.loading import LANGUAGE, SATISFACTION_MIX, SENTIMENT_BIAS, SENTIMENT_MIX, load_classifier, load_tokenizer
from models.missing_pieces import add_missing, fit_embeddings
from models.narrowed import Read, narrowed
from models.packed_encoder import PackedEncoder
from models.scorer import SHIPPED, ModelError
from models.sources import source_of
from models.tokenizer import train_tokenizer

MULTILINGUAL_E5 = "multilingual-e5-small"
NARROWED_E5 = "narrowed-multilingual-e5-small"
NEW = "new"
NO_ANSWERS = (MULTILINGUAL_E5, NARROWED_E5, NEW)
"""Encoders that know no answer yet, and nothing of what is held out."""

ENCODERS = (*SHIPPED, *NO_ANSWERS)
"""What a network can be made from by name."""

POSITIONS = 128
DIRECTION_TEXTS = 2_000
"""Texts that decide which directions of the encoder a narrowed network keeps."""


@dataclass(frozen=True, slots=True)
class NetworkShape:
    """What the network is made from.

    encoder: `multilingual-e5-small` (the packed one, cut to `layers` and `vocabulary`), `narrowed-multilingual-e5-small` (its
    first layers in fewer dimensions, with a tokeniser of its own, see `models.narrowed`), `new` (from scratch, a tokeniser of
    its own), a model that comes with the project (one of SHIPPED), a directory, or a hub name; `hidden` is a new or narrowed
    one's only, `heads` a new one's (a narrowed one has the encoder's, as many as fit); wide: buckets of the wide part beside it
    (a power of two, see `models.wide`), 0 for none; columns: what it answers, see `models.heads.outputs`; tokenizer: a directory
    or a hub name, instead of one that a new or narrowed encoder would learn.
    """

    encoder: str = MULTILINGUAL_E5
    layers: int = 6
    vocabulary: int = 28_000
    hidden: int = 256
    heads: int = 4
    dropout: float = 0.1
    wide: int = 0
    columns: tuple[str, ...] = OUTPUTS
    tokenizer: str = ""

    def __post_init__(self) -> None:
        if self.wide & (self.wide - 1) or self.wide == 1:
            raise ModelError(f"wide is {self.wide}: a power of two is needed, or 0 for no wide part")
        if self.tokenizer and self.encoder not in (NEW, NARROWED_E5):
            raise ModelError(f"encoder {self.encoder} has a tokenizer of its own: give one with {NEW} or {NARROWED_E5}")


def make_network(
    shape: NetworkShape, texts: Sequence[str], max_tokens: int, known: PreTrainedTokenizerFast | None = None
) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """The network and its tokeniser. `texts` decide about the vocabulary that is kept, learnt or added, unless its tokeniser is
    `known` from a training that is gone on with: the embeddings are then those of its checkpoint.

    Raises ModelError if the encoder cannot be had.
    """
    if shape.encoder == MULTILINGUAL_E5:
        return _packed(PackedEncoder(), shape, texts, known)
    if shape.encoder == NARROWED_E5:
        return _narrowed(shape, texts, max_tokens, known)
    if shape.encoder == NEW:
        return _new(shape, known or _tokenizer(shape, texts, max_tokens))
    source = source_of(shape.encoder, ENCODERS)
    compact = isinstance(source, Path) and (source / COMPACT_FILE).is_file()
    model, tokenizer = _gone_on_with(source, shape) if compact or _answers(source) else _pretrained(source, shape)
    if known:
        fit_embeddings(model, known)
    elif not compact:
        add_missing(model, tokenizer, texts)
    _forget_fitted(model)
    return model, known or tokenizer


def answering_network(shape: NetworkShape) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """The network of a model that answers already, as it is, and its tokeniser; columns that it lacks of `shape` say nothing, the language that
    it reads and what it tells of satisfaction stay, with its temperature, also where `shape` has no column for it.

    Raises ModelError if it cannot be had, or lacks one of OUTPUTS.
    """
    source = source_of(shape.encoder, ENCODERS)
    model, tokenizer = _gone_on_with(source, shape, as_it_is=True)
    temperature, _ = SATISFACTION_MIX
    _forget_fitted(model, but={temperature, LANGUAGE})
    return model, tokenizer


def _forget_fitted(model: PreTrainedModel, but: Collection[str] = ()) -> None:
    """Take out of the config what was fitted to the model as it was before."""
    for name in {*SENTIMENT_MIX, *SATISFACTION_MIX, SENTIMENT_BIAS, LANGUAGE}.difference(but):
        vars(model.config).pop(name, None)


def _answers(source: Path | str) -> bool:
    """Whether a model has all of OUTPUTS among its columns; one that can't be read has none."""
    try:
        config = AutoConfig.from_pretrained(source, trust_remote_code=False, local_files_only=isinstance(source, Path))
        return set(OUTPUTS) <= {str(name).lower() for name in config.id2label.values()}
    except Exception:  # the libraries raise many kinds, see `models.loading`, and `_pretrained` tells what is wrong
        return False


def _packed(
    packed: PackedEncoder, shape: NetworkShape, texts: Sequence[str], known: PreTrainedTokenizerFast | None
) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    if not 1 <= shape.layers <= packed.config.num_hidden_layers:
        raise ModelError(f"layers is {shape.layers}: {MULTILINGUAL_E5} has 1 to {packed.config.num_hidden_layers}")
    tokenizer, kept = (known, list(range(len(known)))) if known else packed.tokenizer(texts, shape.vocabulary)
    sizes = packed.config.to_dict() | {"num_hidden_layers": shape.layers, "max_position_embeddings": POSITIONS}
    model = BertForSequenceClassification(_config(sizes, shape, tokenizer))
    state = packed.state(shape.layers, kept, POSITIONS)
    unread = model.bert.load_state_dict(state, strict=False)
    if unread.unexpected_keys or any(not name.startswith("pooler.") for name in unread.missing_keys):
        raise ModelError(f"the packed encoder does not fit: {unread}")
    return model, tokenizer


def _narrowed(
    shape: NetworkShape, texts: Sequence[str], max_tokens: int, known: PreTrainedTokenizerFast | None
) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    packed = PackedEncoder()
    fitting = replace(shape, heads=max(1, shape.hidden * packed.config.num_attention_heads // packed.config.hidden_size))
    model, tokenizer = _new(fitting, known or _tokenizer(shape, texts, max_tokens))
    if known is None:
        large, spelling = _packed(packed, NetworkShape(layers=shape.layers), texts, None)
        large.train(False)
        some = random.Random(0).sample(list(texts), min(DIRECTION_TEXTS, len(texts)))
        narrowed(Read(large.bert, spelling), Read(model.bert, tokenizer), some)
    return model, tokenizer


def _tokenizer(shape: NetworkShape, texts: Sequence[str], max_tokens: int) -> PreTrainedTokenizerFast:
    """The given one, or one that is learnt."""
    if not shape.tokenizer:
        return train_tokenizer(texts, shape.vocabulary, max_tokens)
    source = source_of(shape.tokenizer, SHIPPED)
    try:
        return load_tokenizer(source, isinstance(source, Path))
    except ModelError:
        raise
    except Exception as error:  # the libraries raise many kinds, see `models.loading`
        raise ModelError(f"cannot load a tokenizer from {source}: {error}") from error


def _new(shape: NetworkShape, tokenizer: PreTrainedTokenizerFast) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    sizes = {
        "hidden_size": shape.hidden,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "intermediate_size": 4 * shape.hidden,
        "hidden_act": "relu",  # a fifth faster than GELU on a CPU, at the same macro-F1
        "max_position_embeddings": POSITIONS,
    }
    return BertForSequenceClassification(_config(sizes, shape, tokenizer)), tokenizer


def _gone_on_with(
    source: Path | str, shape: NetworkShape, as_it_is: bool = False
) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """A model that was trained here; its answers are gone on from, and new ones begin at nothing. Its sizes and its tokeniser are
    its own, whatever the shape says. as_it_is: it isn't trained: what it tells of satisfaction stays, and ModelError is raised where it
    lacks one of OUTPUTS."""
    known, tokenizer, _ = load_classifier(source)
    before = {name.lower(): int(at) for at, name in known.config.id2label.items()}
    if as_it_is:
        missing = [name for name in OUTPUTS if name not in before]
        if missing:
            raise ModelError(f"{source} does not answer {', '.join(missing)}: train it first, with epochs above 0")
        if before.keys() >= set(SATISFACTIONS):
            shape = replace(shape, columns=OUTPUTS + SATISFACTIONS)
    model = type(known)(type(known.config).from_dict(known.config.to_dict() | _names(shape)))
    state = known.state_dict()
    layer = _answering_layer(known, source)
    for name in (f"{layer}.weight", f"{layer}.bias"):
        if name in state:
            rows = [state[name][before[column]] if column in before else state[name][0] * 0 for column in shape.columns]
            state[name] = torch.stack(rows)
    model.load_state_dict(state)
    return model, tokenizer


def _answering_layer(model: PreTrainedModel, source: Path | str) -> str:
    """The name of the linear layer with a row for each answer: the last one, in every make of classifier."""
    linear = [(name, each.out_features) for name, each in model.named_modules() if isinstance(each, torch.nn.Linear)]
    if not linear or linear[-1][1] != model.config.num_labels:
        raise ModelError(f"{source} has no single layer that answers: it can't be gone on from; give the encoder it was made from")
    return str(linear[-1][0])


def _pretrained(source: Path | str, shape: NetworkShape) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """Any encoder in Hugging Face format; safetensors only, and no code of a model is run."""
    local = isinstance(source, Path)
    try:
        tokenizer = load_tokenizer(source, local)
        model = AutoModelForSequenceClassification.from_pretrained(
            source,
            trust_remote_code=False,
            use_safetensors=True,
            local_files_only=local,
            dtype=torch.float32,  # weights kept in half precision are not trained in it: AdamW would overflow
            ignore_mismatched_sizes=True,
            **_names(shape),
        )
    except ModelError:
        raise
    except Exception as error:  # the libraries raise many kinds, see `models.loading`
        raise ModelError(f"cannot load an encoder from {source}: {error}") from error
    return model, tokenizer


def _config(sizes: dict[str, Any], shape: NetworkShape, tokenizer: PreTrainedTokenizerFast) -> BertConfig:
    return BertConfig(
        **sizes
        | {
            "vocab_size": len(tokenizer),
            "type_vocab_size": 1,
            "pad_token_id": tokenizer.pad_token_id,
            "hidden_dropout_prob": shape.dropout,
            "attention_probs_dropout_prob": shape.dropout,
            **_names(shape),
        }
    )


def _names(shape: NetworkShape) -> dict[str, Any]:
    return {"id2label": dict(enumerate(shape.columns)), "label2id": {name: at for at, name in enumerate(shape.columns)}}
