"""Weights in eight bits a number, so that they fit into a repository: written once, unpacked at load.

A matrix is kept as int8 rows, each with a scale of its own (symmetric, the largest value is 127); everything else in half
precision. A row's numbers are off by half a step at most: 1/254 of its largest. What is loaded is an ordinary network in
single precision. The file is `model.int8.safetensors`; a matrix `name` has its scales under `name.scale`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from models.scorer import ModelError

COMPACT_FILE = "model.int8.safetensors"
SCALE = ".scale"
LARGEST = 127.0
SMALLEST = 1e-8
"""A row of zeros is divided by it."""

SMALLEST_MATRIX = 4_096
"""Matrices of fewer numbers stay in half precision: there is nothing to gain."""


def write_compact(state: Mapping[str, torch.Tensor], directory: Path) -> Path:
    """Write a network's state to `directory`/model.int8.safetensors; the file."""
    kept: dict[str, torch.Tensor] = {}
    for name, tensor in state.items():
        if not tensor.is_floating_point():
            continue  # positions and the like: made anew with the network
        if tensor.ndim != 2 or tensor.numel() < SMALLEST_MATRIX:
            kept[name] = tensor.to(torch.float16).contiguous()
            continue
        kept[name], kept[name + SCALE] = quantised(tensor)
    path = directory / COMPACT_FILE
    save_file(kept, path, metadata={"format": "pt"})
    path.chmod(0o644)
    return path


def quantised(matrix: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """A matrix's rows as int8, and the scale of each row."""
    scales = matrix.float().abs().amax(dim=1).clamp(min=SMALLEST) / LARGEST
    return (matrix.float() / scales[:, None]).round().clamp(-LARGEST, LARGEST).to(torch.int8), scales


def read_compact(path: Path) -> dict[str, torch.Tensor]:
    """The state in single precision. Raises ModelError for a file that is damaged or of another kind."""
    try:
        kept = load_file(path)
    except (OSError, SafetensorError) as error:
        raise ModelError(f"cannot read {path}: {error}") from error
    state: dict[str, torch.Tensor] = {}
    for name, tensor in kept.items():
        if name.endswith(SCALE) and name.removesuffix(SCALE) in kept:
            continue
        if tensor.dtype is torch.int8:
            if name + SCALE not in kept:
                raise ModelError(f"{path} has no {name + SCALE}: the file is damaged")
            state[name] = tensor.float() * kept[name + SCALE].float()[:, None]
        else:
            state[name] = tensor.float()
    return state
