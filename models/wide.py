"""The wide part: a weight for each label of each run of one to four characters, beside the network's deep part.

What TF-IDF with logistic regression knows (a product's name that goes with complaints, a rare word) a small network doesn't
learn, and the other way round; their sum is better than either (wide and deep, Cheng et al. 2016, arXiv:1606.07792). Runs are
hashed into buckets (feature hashing, Weinberger et al. 2009), so that there is no vocabulary to keep; everything is computed
on arrays, some 280,000 short Chinese messages a second on one core. `models/wide_training.py` learns the weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from models.scorer import LABELS, SATISFACTIONS, ModelError
from models.text import cut

WIDE_FILE = "wide.safetensors"
LONGEST_RUN = 4
MAX_CHARACTERS = 400
LARGEST = 127.0
WIDE_SATISFACTION = slice(len(LABELS), len(LABELS + SATISFACTIONS))
"""The columns of its answer behind those of sentiment, if there are any."""

ONCE = "once"
"""The array that the file has where runs count once."""

CHUNK = 512
"""Texts at a time: as many as make the arrays large enough for NumPy, and not too large for the memory."""

_FIRST, _LAST = "\x02", "\x03"
_MIX = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(29)

Floats = NDArray[np.float32]
Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class WidePart:
    """weights: (buckets, labels) int8, with `scales` (labels,); rarity: (buckets,) uint8, a bucket's inverse document
    frequency in steps of `step`, 0 for one that was never met; bias: (labels,). `buckets` is a power of two; the labels are LABELS,
    and SATISFACTIONS behind them where those were learnt, too. once: a run that a text repeats counts once, else as often as it is
    there, which wide parts of earlier versions have learnt; what somebody says three times isn't three times as true (Pang et al.
    2002, arXiv:cs/0205070: presence instead of frequency)."""

    weights: NDArray[np.int8]
    scales: Floats
    rarity: NDArray[np.uint8]
    step: float
    bias: Floats
    once: bool = False

    def logits(self, texts: Sequence[str]) -> Floats:
        """(texts, labels): what the runs of each text speak for, the text's length being divided out. Texts are as `readable`
        leaves them."""
        parts = [self._logits(texts[start : start + CHUNK]) for start in range(0, len(texts), CHUNK)]
        return np.concatenate(parts) if parts else np.empty((0, len(self.scales)), dtype=np.float32)

    def _logits(self, texts: Sequence[str]) -> Floats:
        buckets, owners = (runs_once if self.once else runs)(texts, len(self.rarity))
        rarity = self.rarity[buckets] * np.float32(self.step)
        found = np.empty((len(texts), len(self.scales)), dtype=np.float32)
        length = np.sqrt(np.bincount(owners, rarity * rarity, len(texts)))
        for label, scale in enumerate(self.scales):
            found[:, label] = np.bincount(owners, rarity * self.weights[buckets, label], len(texts)) * scale
        return found / np.maximum(length, 1e-6).astype(np.float32)[:, None] + self.bias

    def write(self, directory: Path) -> Path:
        """Write `directory`/wide.safetensors; the file."""
        path = directory / WIDE_FILE
        step = np.array([self.step], dtype=np.float32)
        kept = {"weights": self.weights, "scales": self.scales, "rarity": self.rarity, "step": step, "bias": self.bias}
        if self.once:
            kept[ONCE] = np.ones(1, dtype=np.uint8)
        save_file({name: np.ascontiguousarray(array) for name, array in kept.items()}, path)
        path.chmod(0o644)
        return path

    @classmethod
    def read(cls, path: Path) -> WidePart:
        """Read what `write` wrote. Raises ModelError for a file that is damaged or of another kind."""
        try:
            kept = load_file(path)
        except (OSError, SafetensorError) as error:
            raise ModelError(f"cannot read {path}: {error}") from error
        once = kept.pop(ONCE, None) is not None
        shapes = {name: array.shape for name, array in kept.items()}
        buckets = shapes.get("rarity", (0,))[0]
        labels = shapes.get("bias", ())  # those of satisfaction are there or not
        wanted = {"weights": (buckets, *labels), "scales": labels, "rarity": (buckets,), "step": (1,), "bias": labels}
        if labels not in ((len(LABELS),), (len(LABELS + SATISFACTIONS),)) or shapes != wanted or buckets < 2 or buckets & (buckets - 1):
            raise ModelError(f"{path} is not a wide part: its arrays are {shapes}")
        return cls(kept["weights"], kept["scales"], kept["rarity"], float(kept["step"][0]), kept["bias"], once)


def compressed(weights: Floats, rarity: Floats, bias: Floats) -> WidePart:
    """A wide part whose runs count once, from weights (buckets, labels), inverse document frequencies (buckets,) and a bias (labels,)."""
    scales = np.maximum(np.abs(weights).max(axis=0), 1e-8).astype(np.float32) / np.float32(LARGEST)
    step = float(max(rarity.max(), 1e-8)) / 255.0
    return WidePart(
        np.rint(weights / scales).astype(np.int8),
        scales,
        np.rint(rarity / step).astype(np.uint8),
        step,
        bias.astype(np.float32),
        once=True,
    )


def runs(texts: Sequence[str], buckets: int) -> tuple[Numbers, Numbers]:
    """The bucket of every run of characters, and the number of the text that it is in. `buckets`: a power of two; texts are as
    `readable` leaves them, and a long one's head and tail are read.

    A part of the format: other hashes would need other weights.
    """
    marked = [f"{_FIRST}{cut(text, MAX_CHARACTERS).lower()}{_LAST}" for text in texts]
    if not marked:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    signs = np.frombuffer("".join(marked).encode("utf-32-le"), dtype=np.uint32).astype(np.uint64)
    owners = np.repeat(np.arange(len(marked)), [len(text) for text in marked])
    top = np.uint64(64 - (buckets.bit_length() - 1))
    hashes = (signs + np.uint64(1)) * _MIX
    found, found_owners = [hashes >> top], [owners]
    for length in range(2, LONGEST_RUN + 1):
        hashes = ((hashes[:-1] ^ (hashes[:-1] >> _SHIFT)) + signs[length - 1 :] + np.uint64(length)) * _MIX
        within = owners[: len(hashes)] == owners[length - 1 :]
        found.append((hashes >> top)[within])
        found_owners.append(owners[: len(hashes)][within])
    return np.concatenate(found).astype(np.int64), np.concatenate(found_owners)


def runs_once(texts: Sequence[str], buckets: int) -> tuple[Numbers, Numbers]:
    """As `runs`, each bucket once a text, in order."""
    found, owners = runs(texts, buckets)
    pairs = np.unique(owners * buckets + found)
    return pairs & (buckets - 1), pairs >> (buckets.bit_length() - 1)
