"""A sequence classifier from a directory or from the hub: read, checked, and put where it is to run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)
from transformers.utils import logging as transformers_logging

from models.calibration import COLDEST, HOTTEST
from models.compact import COMPACT_FILE, read_compact
from models.scorer import LABELS, TONES, ModelError, weights_digest


def placement(device: str) -> tuple[torch.device, torch.dtype]:
    """Choose device and precision: bf16 on a GPU that has it and on CPUs that compute in it, fp32 elsewhere."""
    if device == "cuda" and not torch.cuda.is_available():
        raise ModelError("device is cuda, but torch sees no GPU: use auto or cpu, or install torch with CUDA")
    if device != "cpu" and torch.cuda.is_available():
        return torch.device("cuda"), torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    return torch.device("cpu"), torch.bfloat16 if cpu_computes_in_bf16() else torch.float32


def cpu_computes_in_bf16() -> bool:
    """Whether this CPU has bf16 instructions. One without emulates them, at a sixth of the speed of fp32."""
    abilities = torch.cpu.get_capabilities()
    return bool(abilities.get("avx512_bf16") or abilities.get("amx_bf16"))


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
        raise ModelError(f"cannot load a sequence classifier from {source}: {error}") from error
    if missing:
        raise ModelError(f"{source} is not a trained classifier: weights missing for {', '.join(missing[:5])}")
    if isinstance(source, Path):
        return model, tokenizer, f"{source.resolve().name}@{weights_digest(source)}"
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
        raise ModelError(f"{path} is not a directory: give a directory with a model, a hub name, default or null")
    wanted = ("config.json", "tokenizer.json")
    missing = [name for name in wanted if not (path / name).is_file()]
    if not any(path.glob("*.safetensors")):
        missing.append("*.safetensors")
    if missing:
        raise ModelError(f"{path} is not a model directory: {', '.join(missing)} missing")


def columns_of(id2label: Mapping[Any, str], source: Path | str) -> tuple[list[tuple[int, str]], list[int]]:
    """Return (column of the logits, our label) pairs, and the columns of the tones, none or all of them.

    Raises ModelError unless both sides are there, once each, and nothing else.
    """
    columns = {name.strip().lower(): int(at) for at, name in id2label.items()}
    sided = [(at, name) for name, at in columns.items() if name in LABELS]
    toned = [columns[name] for name in TONES if name in columns]
    named = {name for _, name in sided}
    complete = {"negative", "positive"} <= named and len(toned) in (0, len(TONES))
    if not complete or len(sided) + len(toned) != len(id2label):
        raise ModelError(
            f"{source} has the labels {', '.join(id2label.values())}: negative, positive and optionally neutral are "
            f"needed, and besides them nothing or {', '.join(TONES)} (id2label in config.json)"
        )
    return sided, toned


def temperature_of(config: object, source: Path | str) -> float:
    """What sentiment's logits are divided by, so that a confidence can be believed; 1 where the config names none."""
    temperature = getattr(config, "sentiment_temperature", 1.0)
    if not isinstance(temperature, int | float) or not COLDEST <= temperature <= HOTTEST:
        raise ModelError(
            f"{source} has sentiment_temperature {temperature!r}: a number from {COLDEST:g} to {HOTTEST:g} is needed (config.json)"
        )
    return float(temperature)


def token_limit(config: object, wanted: int) -> int:
    """Keep within the positions that the model has; RoBERTa-like models lose those up to their padding id."""
    positions = getattr(config, "max_position_embeddings", None)
    if not isinstance(positions, int) or positions <= 0:
        return wanted
    offset = (getattr(config, "pad_token_id", None) or 0) + 1 if "roberta" in getattr(config, "model_type", "") else 0
    return min(wanted, positions - offset)
