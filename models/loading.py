"""A sequence classifier from a directory or from the hub: read, checked, and put where it is to run."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import torch
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BertForSequenceClassification,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)
from transformers.utils import logging as transformers_logging

from models import eight_bits
from models.calibration import COLDEST, HOTTEST, LARGEST_BIAS, WIDEST, Mix
from models.compact import COMPACT_FILE, read_compact
from models.compiled import CompiledForward, Forward
from models.lean_bert import Dense, LeanBert, Packed
from models.scorer import LABELS, LANGUAGES, SATISFACTIONS, TONES, ModelError
from models.versions import directory_version
from models.wide import WIDE_FILE


def check_gpu(device: str) -> None:
    """Raise ModelError where a GPU is asked for and none is there."""
    if device == "cuda" and not torch.cuda.is_available():
        raise ModelError("device is cuda, but torch sees no GPU: use auto or cpu, or install torch with CUDA")


def placed(model: PreTrainedModel, device: str, precision: str) -> tuple[Forward, torch.device, str]:
    """The network's forward pass where it is to run, the device, and the precision that was chosen.

    auto: bf16 on a GPU that has it, and on a CPU with matrix units for it (AMX); on other CPUs int8 where the network can be computed
    so, else bf16 where the CPU has instructions for it, else fp32. Raises ModelError for what this machine or this network cannot do.
    """
    check_gpu(device)
    model.train(False)
    on_gpu = device != "cpu" and torch.cuda.is_available()
    place = torch.device("cuda" if on_gpu else "cpu")
    is_bert = isinstance(model, BertForSequenceClassification)
    has_int8 = not on_gpu and is_bert and eight_bits.possible()
    if precision == "auto":
        has_bf16 = gpu_computes_in_bf16() if on_gpu else cpu_computes_in_bf16()
        has_units = torch.cpu.get_capabilities().get("amx_bf16")
        precision = "int8" if has_int8 and not has_units else "bf16" if has_bf16 else "fp32"
    if precision == "int8":
        if not has_int8:
            raise ModelError("precision is int8: it needs a BERT on a CPU of the x86 kind; use auto, bf16 or fp32")
        return LeanBert(model, eight_bits.Matrix), place, precision
    placed_model = model.to(device=place, dtype=torch.bfloat16 if precision == "bf16" else torch.float32)
    if is_bert and not on_gpu:
        return LeanBert(placed_model, Packed if precision == "bf16" and Packed.possible() else Dense), place, precision

    def forward(ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = placed_model(input_ids=ids, attention_mask=mask).logits
        return logits

    if on_gpu:
        return CompiledForward(forward, int(model.config.pad_token_id or 0), place), place, precision
    return forward, place, precision


def cpu_computes_in_bf16() -> bool:
    """Whether this CPU has bf16 instructions. One without emulates them, at a sixth of the speed of fp32."""
    abilities = torch.cpu.get_capabilities()
    return bool(abilities.get("avx512_bf16") or abilities.get("amx_bf16"))


@cache
def cpu_gains_from_bf16() -> bool:
    """Whether this CPU multiplies matrices in bf16 more quickly than in fp32. Some have the instructions (avx512_bf16) and not the units that
    make them pay: a virtual Xeon without AMX was seen at half the speed of fp32."""
    return cpu_computes_in_bf16() and _product_seconds(torch.bfloat16) < _product_seconds(torch.float32)


def _product_seconds(of: torch.dtype, times: int = 9) -> float:
    """What a product of the size of a training's takes here, the quickest of some."""
    left, right = torch.ones(1024, 384, dtype=of), torch.ones(384, 1536, dtype=of)
    taken = []
    for _ in range(times):
        began = perf_counter()
        left @ right
        taken.append(perf_counter() - began)
    return min(taken)


def gpu_computes_in_bf16() -> bool:
    """Whether the GPU has bf16 instructions: those before Ampere emulate them."""
    return bool(torch.cuda.is_bf16_supported(including_emulation=False))


def load_classifier(source: Path | str) -> tuple[PreTrainedModel, PreTrainedTokenizerFast, str]:
    """The network in single precision, its tokeniser, and its version: name and content of the weights.

    Only safetensors are read and no code of a model is run. Raises ModelError, naming what is missing.
    """
    local = isinstance(source, Path)
    if isinstance(source, Path):
        _check_directory(source)
    transformers_logging.disable_progress_bar()  # a service has nobody to watch it
    try:
        tokenizer = load_tokenizer(source, local)
        if isinstance(source, Path) and (source / COMPACT_FILE).is_file():
            model, missing = _unpacked(source)
        else:
            model, missing = _pretrained(source, local)
    except ModelError:
        raise
    except Exception as error:  # the libraries raise many kinds (OSError, ValueError, SafetensorError, KeyError …)
        absent = "" if local else f" (there is no directory {source} here, so it was taken for a model of the hub)"
        raise ModelError(f"cannot load a sequence classifier from {source}{absent}: {error}") from error
    if missing:
        raise ModelError(f"{source} is not a trained classifier: weights missing for {', '.join(missing[:5])}")
    if len(tokenizer) > model.config.vocab_size:
        raise ModelError(f"{source} has a tokenizer of {len(tokenizer):,} pieces for a network of {model.config.vocab_size:,}: one of another model")
    if isinstance(source, Path):
        return model, tokenizer, directory_version(source)
    return model, tokenizer, f"{source}@{getattr(model.config, '_commit_hash', None) or 'unknown'}"


def load_tokenizer(source: Path | str, local: bool) -> PreTrainedTokenizerFast:
    """The tokeniser of a directory or hub name. Raises ModelError where it is none of the fast ones."""
    tokenizer = AutoTokenizer.from_pretrained(source, trust_remote_code=False, local_files_only=local)
    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        raise ModelError(f"{source} has no fast tokenizer: a tokenizer.json is needed")
    return tokenizer


def _pretrained(source: Path | str, local: bool) -> tuple[PreTrainedModel, list[str]]:
    """A classifier as Hugging Face writes it, and the names of what it lacks."""
    model, report = AutoModelForSequenceClassification.from_pretrained(
        source,
        trust_remote_code=False,
        use_safetensors=True,
        local_files_only=local,
        dtype=torch.float32,
        output_loading_info=True,
    )
    return model, sorted(report["missing_keys"]) + sorted(map(str, report["mismatched_keys"]))


def _unpacked(source: Path) -> tuple[PreTrainedModel, list[str]]:
    """A classifier whose weights are kept in eight bits, and the names of what it lacks."""
    config = AutoConfig.from_pretrained(source, trust_remote_code=False, local_files_only=True)
    model = AutoModelForSequenceClassification.from_config(config, trust_remote_code=False)
    report = model.load_state_dict(read_compact(source / COMPACT_FILE), strict=False)
    made = {name for name, tensor in model.state_dict().items() if not tensor.is_floating_point()}
    return model, sorted(set(report.missing_keys) - made) + sorted(report.unexpected_keys)


def _check_directory(path: Path) -> None:
    if not path.is_dir():
        raise ModelError(f"{path} is not a directory: give a directory with a model, accurate, fast, lexicon, null, or OWNER/NAME on the hub")
    wanted = ("config.json", "tokenizer.json")
    missing = [name for name in wanted if not (path / name).is_file()]
    if not any(each.name != WIDE_FILE for each in path.glob("*.safetensors")):
        missing.append("*.safetensors")
    if missing:
        raise ModelError(f"{path} is not a model directory: {', '.join(missing)} missing")


class Columns(NamedTuple):
    """Of a network's logits: (column, our label) pairs, and the columns of TONES and of SATISFACTIONS, none or all of them each."""

    sided: list[tuple[int, str]]
    tones: list[int]
    satisfaction: list[int]


def columns_of(id2label: Mapping[Any, str], source: Path | str) -> Columns:
    """Which column of the logits is which answer.

    Raises ModelError unless both sides are there, once each, and nothing else.
    """
    if not all(isinstance(name, str) for name in id2label.values()):
        raise ModelError(f"{source} has labels that are no words (id2label in config.json)")
    columns = {name.strip().lower(): int(at) for at, name in id2label.items()}
    sided = [(at, name) for name, at in columns.items() if name in LABELS]
    toned = [columns[name] for name in TONES if name in columns]
    rated = [columns[name] for name in SATISFACTIONS if name in columns]
    named = {name for _, name in sided}
    complete = {"negative", "positive"} <= named and len(toned) in (0, len(TONES)) and len(rated) in (0, len(SATISFACTIONS))
    if not complete or len(sided) + len(toned) + len(rated) != len(id2label):
        raise ModelError(
            f"{source} has the labels {', '.join(id2label.values())}: negative, positive and optionally neutral are "
            f"needed, and besides them nothing, or all of {', '.join(TONES)}, or all of {', '.join(SATISFACTIONS)} "
            "(id2label in config.json)"
        )
    return Columns(sided, toned, rated)


SENTIMENT_MIX = ("sentiment_temperature", "wide_weight")
SATISFACTION_MIX = ("satisfaction_temperature", "satisfaction_wide_weight")
"""The names of a mix's two numbers in config.json."""


def mix_of(config: object, source: Path | str, names: tuple[str, str] = SENTIMENT_MIX) -> Mix:
    """What logits are divided by, so that a confidence can be believed, and the weight of the wide part; 1 and 0
    where the config names none. Raises ModelError for a number out of bounds."""
    found = []
    for name, (default, low, high) in zip(names, ((1.0, COLDEST, HOTTEST), (0.0, 0.0, WIDEST)), strict=True):
        value = getattr(config, name, default)
        if not isinstance(value, int | float) or not low <= value <= high:
            raise ModelError(
                f"{source} has {name} {value!r}: a number from {low:g} to {high:g} is needed (config.json)"
            )
        found.append(float(value))
    return Mix(*found)


LANGUAGE = "reads_language"
"""Where the config of a model that reads one language names which of LANGUAGES (a word that configs from elsewhere don't use). Others
read all of them."""


def language_in(config: object, source: Path | str) -> str:
    """The language that a model reads, of LANGUAGES, or nothing for all of them. Raises ModelError for anything else."""
    language = getattr(config, LANGUAGE, "") or ""
    if language and not (isinstance(language, str) and language in LANGUAGES):
        raise ModelError(f"{source} has {LANGUAGE} {language!r}: {' or '.join(LANGUAGES)} is needed, or none for both (config.json)")
    return str(language)


SENTIMENT_BIAS = "sentiment_bias"


def bias_of(config: object, columns: Columns, source: Path | str) -> list[float]:
    """What is added to each of sentiment's logits (after temperature and wide part), see `models.calibrating`; zeros where the config
    names nothing, else numbers over LABELS. Raises ModelError for anything else."""
    bias = getattr(config, SENTIMENT_BIAS, None)
    if bias is None:
        return [0.0] * len(columns.sided)
    told = isinstance(bias, list) and len(bias) == len(LABELS) and len(columns.sided) == len(LABELS)
    if not told or not all(isinstance(each, int | float) and abs(each) <= LARGEST_BIAS for each in bias):
        raise ModelError(
            f"{source} has {SENTIMENT_BIAS} {bias!r}: {len(LABELS)} numbers from {-LARGEST_BIAS:g} to {LARGEST_BIAS:g} are needed, for a "
            f"model with the labels {', '.join(LABELS)} (config.json)"
        )
    return [float(bias[LABELS.index(name)]) for _, name in columns.sided]


USUAL_TOKENS, SHORTEST = 64, 8


def token_limit(config: object, wanted: int) -> int:
    """Tokens of a text that are read: those wanted, or for 0 those that the model was trained on (`max_tokens` in its config),
    within the positions that it has; RoBERTa-like models lose those up to their padding id."""
    trained = getattr(config, "max_tokens", None)
    wanted = wanted or (trained if isinstance(trained, int) and trained >= SHORTEST else USUAL_TOKENS)
    positions = getattr(config, "max_position_embeddings", None)
    if not isinstance(positions, int) or positions <= 0:
        return wanted
    offset = (getattr(config, "pad_token_id", None) or 0) + 1 if "roberta" in getattr(config, "model_type", "") else 0
    return min(wanted, positions - offset)
