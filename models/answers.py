"""What teachers said of texts, kept in a file: a student learns from it without them, who may be too large to ship, or gone.

Texts are known by a digest: the file tells none of them. It holds a row for each: `texts`, the digests, and `said`, a probability for each column
in steps of 1 / 254, or NOTHING. What was read is in the file's metadata: the columns' names, and the teachers' versions.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from models.scorer import ModelError
from models.whole_file import save_whole

TEXTS, SAID = "texts", "said"
COLUMNS, TEACHERS = "columns", "teachers"
STEPS = 254
NOTHING = 255
"""In `said`: a teacher told nothing of this text, or nothing of this column."""


@dataclass(frozen=True, slots=True)
class Answers:
    """digests: (texts) int64, ascending; said: (texts, columns) bytes, see above; teachers: the versions of those who said it."""

    digests: NDArray[np.int64]
    said: NDArray[np.uint8]
    columns: tuple[str, ...]
    teachers: tuple[str, ...]

    @classmethod
    def of(cls, texts: Sequence[str], said: torch.Tensor, columns: Sequence[str], teachers: Sequence[str]) -> Answers:
        """Those of the teachers of these versions: said: (texts, columns) probabilities, nan for nothing. A column of nothing is left out."""
        told = [at for at in range(len(columns)) if not said[:, at].isnan().all()]
        steps = np.rint(np.nan_to_num(said[:, told].numpy() * STEPS, nan=NOTHING)).astype(np.uint8)
        digests, first = np.unique(_digests(texts), return_index=True)
        return cls(digests, steps[first], tuple(columns[at] for at in told), tuple(teachers))

    @classmethod
    def read(cls, path: Path) -> Answers:
        """From a file. Raises ModelError where it isn't one of answers."""
        try:
            with safe_open(path, "np") as file:
                told = file.metadata() or {}
                if {TEXTS, SAID} <= set(file.keys()) and {COLUMNS, TEACHERS} <= told.keys():
                    digests, said = file.get_tensor(TEXTS), file.get_tensor(SAID)
                    columns, teachers = (tuple(map(str, json.loads(told[name]))) for name in (COLUMNS, TEACHERS))
                    if digests.dtype == np.int64 and said.dtype == np.uint8 and said.shape == (len(digests), len(columns)):
                        return cls(digests, said, columns, teachers)
        except (OSError, SafetensorError, ValueError, TypeError) as error:
            raise ModelError(f"{path} is no file of a teacher's answers: {error}") from error
        raise ModelError(f"{path} is no file of a teacher's answers: give a directory with a model, or what a training from one has kept")

    def write(self, path: Path) -> None:
        """To a file that `read` takes."""
        path.parent.mkdir(parents=True, exist_ok=True)
        told = {COLUMNS: json.dumps(self.columns), TEACHERS: json.dumps(self.teachers)}
        save_whole({TEXTS: torch.from_numpy(self.digests), SAID: torch.from_numpy(self.said)}, path, told)

    def known(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        """(texts): whether a text was asked about."""
        return self._known(_digests(texts))

    def about(self, texts: Sequence[str], columns: Sequence[str]) -> torch.Tensor:
        """(texts, columns) probabilities, nan for nothing, and for texts that nobody asked about."""
        found = np.full((len(texts), len(columns)), np.nan, np.float32)
        digests = _digests(texts)
        asked = self._known(digests)
        rows = self.said[np.searchsorted(self.digests, digests[asked])].astype(np.float32)
        rows[rows == NOTHING] = np.nan
        for at, name in enumerate(columns):
            if name in self.columns:
                found[asked, at] = rows[:, self.columns.index(name)] / STEPS
        return torch.from_numpy(found)

    def _known(self, digests: NDArray[np.int64]) -> NDArray[np.bool_]:
        known: NDArray[np.bool_] = np.isin(digests, self.digests)
        return known


def _digests(texts: Sequence[str]) -> NDArray[np.int64]:
    """Eight bytes of SHA-256 each: of a million texts, two are alike once in forty million times."""
    read = (hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8] for text in texts)
    return np.frombuffer(b"".join(read), "<i8").astype(np.int64)
