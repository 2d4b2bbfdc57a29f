"""A file of tensors that is there whole or not at all, however its writing ends."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file


def save_whole(tensors: Mapping[str, torch.Tensor], path: Path, metadata: dict[str, str] | None = None) -> None:
    """Write copies of `tensors` to the safetensors file `path`, which has another name until it is complete: tensors that share
    memory, as tied embeddings do, aren't written otherwise."""
    begun = path.with_suffix(".part")
    save_file({name: tensor.clone().contiguous() for name, tensor in tensors.items()}, begun, metadata=metadata)
    begun.replace(path)
