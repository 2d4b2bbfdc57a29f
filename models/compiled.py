"""A network's forward pass compiled for a GPU by `torch.compile`: many small kernels become few.

One compilation serves batches of all sizes. Triton, which does it, needs a C compiler on the machine; where it can't work
the network is computed as it is, which costs a small network about half of its speed, and the log says so.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import torch
from torch.nn import functional

Forward = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""Logits (texts, columns) of ids and mask, both (texts, tokens)."""

LOG = logging.getLogger(__name__)

ROWS, WIDTH = 8, 8
"""Batches are padded to multiples of these: matrix units take eights, and sizes 0 and 1 would be compiled anew."""


class CompiledForward:
    """A forward pass on a GPU, as `Forward`."""

    def __init__(
        self, forward: Forward, padding: int, device: torch.device, backend: str | Callable[..., object] = "inductor"
    ) -> None:
        """Compile `forward` with one of torch's backends, which takes half a minute where nothing of it is in torch's cache on disk."""
        self._padding = padding
        self._forward: Forward = torch.compile(forward, dynamic=True, backend=backend)
        ids = torch.full((2 * ROWS, 2 * WIDTH), padding, device=device)
        mask = torch.ones_like(ids)
        try:
            with torch.inference_mode():
                for rows, width in ((len(ids), ids.shape[1]), (len(ids), WIDTH), (ROWS, WIDTH)):
                    self._forward(ids[:rows, :width].contiguous(), mask[:rows, :width].contiguous())
        except Exception as error:  # the compilers behind torch raise many kinds; what they do is only to be faster
            LOG.warning("torch.compile does not work here, the model runs uncompiled: %s", error)
            self._forward = forward

    def __call__(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """The logits, for as many texts as came."""
        texts, tokens = ids.shape
        beside, below = -tokens % WIDTH, -texts % ROWS
        if beside or below:
            ids = functional.pad(ids, (0, beside, 0, below), value=self._padding)
            # A row that is all padding would be a softmax over nothing.
            mask = functional.pad(functional.pad(mask, (0, beside)), (0, 0, 0, below), value=1)
        return self._forward(ids, mask)[:texts]
