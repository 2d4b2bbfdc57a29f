"""Sentiment and tone by a transformer: any BERT-like sequence classifier, from a directory or from the hub.

What makes it fast on a CPU: batches hold texts of similar length, padding goes only to the longest of its batch, matrices are
multiplied in bf16 or eight bits, and one thread per process leaves the cores to the other processes.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from models.batches import batches_by_length, padded
from models.cached import CachedScorer
from models.calibration import Mix
from models.endings import LONG, PLAINLY, ending
from models.labels import NEGATIVE
from models.loading import (
    SATISFACTION_MIX,
    bias_of,
    columns_of,
    language_in,
    load_classifier,
    mix_of,
    placed,
    token_limit,
)
from models.scorer import LABELS, SATISFACTIONS, TONES, Limits, ModelError, Score, score_of
from models.text import is_in, readable
from models.tokenizer import Encoded, Encoder
from models.wide import WIDE_FILE, WIDE_SATISFACTION, WidePart

Answer = tuple[list[float], list[float], list[float]]
"""The probabilities of the model's labels in the order of its columns, of TONES, and of SATISFACTIONS."""

UNBOUNDED = 10**9


class Passes(NamedTuple):
    """fixed: what a forward pass costs beside its tokens, in tokens; most: tokens, padding included, that one pass takes at most."""

    fixed: int
    most: int


PASSES = {"fp32": Passes(30, 1_024), "bf16": Passes(100, UNBOUNDED), "int8": Passes(15, 1_024)}
PASSES_ON_GPU = Passes(10_000, UNBOUNDED)
"""Measured with both shipped models: bf16 on a CPU with matrix units (3.5 ms and 1.3 ms beside 35 and 11 µs a token), int8 on one with
VNNI, where a pass of more tokens leaves the caches (632 instead of 580 English lines a second by `accurate`); a GPU is waiting
for work. fp32 has numbers of int8's size, and its bound."""

# Scored once at load, so that the first message doesn't pay for what torch sets up lazily.
_WARM_UP = ("hello", "什么时候发货", "thank you very much for the quick answer " * 8, "请问" * 40)


class TransformerScorer(CachedScorer):
    """Scores texts with a sequence classifier whose labels are named negative, (neutral,) positive, and perhaps the tones and the
    satisfactions.

    Thread-safe. What is told of a text does not depend on its batch, up to rounding: 1e-4 in fp32, 0.03 in bf16
    and int8; an end that is negative by just PLAINLY may count or not, see `models.endings`.
    """

    def __init__(
        self, source: Path | str, device: str = "auto", limits: Limits | None = None, precision: str = "auto"
    ) -> None:
        """Load and warm up. `source`: a directory (Path) or a hub name (str).

        Only safetensors are read and no code of a model is run. Raises ModelError, naming what is missing.
        """
        super().__init__(limits or Limits())
        if self._limits.threads:
            torch.set_num_threads(self._limits.threads)
        model, tokenizer, self._version = load_classifier(source)
        columns = columns_of(model.config.id2label or {}, source)
        self._columns, self._tones, self._satisfaction = columns
        labels = [label for _, label in self._columns]
        self._negative = labels.index(LABELS[NEGATIVE])
        self._language = language_in(model.config, source)
        self._mix = mix_of(model.config, source)
        self._satisfaction_mix = mix_of(model.config, source, SATISFACTION_MIX) if self._satisfaction else Mix(1.0)
        wide = self._mix.wide_weight or self._satisfaction_mix.wide_weight
        self._wide = wide_part(source, self._columns, bool(self._satisfaction_mix.wide_weight)) if wide else None
        self._encoder = Encoder(tokenizer, token_limit(model.config, self._limits.max_tokens))
        self._padding = int(tokenizer.pad_token_id or 0)
        self._logits, self._device, self._precision = placed(model, device, precision)
        self._bias = torch.tensor(bias_of(model.config, columns, source), device=self._device)
        self._passes = PASSES[self._precision] if self._device.type == "cpu" else PASSES_ON_GPU
        self.score_unique([readable(text, self._limits.max_characters) for text in _WARM_UP])

    @property
    def language(self) -> str:
        """The one of LANGUAGES that it reads; empty for all."""
        return self._language

    @property
    def precision(self) -> str:
        """fp32, bf16 or int8: what was chosen."""
        return self._precision

    @property
    def version(self) -> str:
        """Name and content of the weights: `<directory or hub name>@<digest or commit>`."""
        return self._version

    def probabilities(self, texts: Sequence[str]) -> list[dict[str, float] | None]:
        """The probability of each label, tone and satisfaction that the model tells, by name, in order; None for nothing to read."""
        return self.probabilities_of_cleaned([readable(text, self._limits.max_characters) for text in texts])

    def probabilities_of_cleaned(self, texts: Sequence[str]) -> list[dict[str, float] | None]:
        """`probabilities` of texts that are cleaned already."""
        labels = (label for _, label in self._columns)
        names = (*labels, *(TONES if self._tones else ()), *(SATISFACTIONS if self._satisfaction else ()))
        return [answer and dict(zip(names, chain(*answer), strict=True)) for answer in self._answers(texts)]

    def score_unique(self, texts: Sequence[str]) -> list[Score | None]:
        """Score in batches of similar length."""
        names, least = [label for _, label in self._columns], self._limits.least_confidence
        return [
            answer and score_of(dict(zip(names, answer[0], strict=True)), answer[1], least, answer[2])
            for answer in self._answers(texts)
        ]

    def _answers(self, texts: Sequence[str]) -> list[Answer | None]:
        """Read the texts, and the end of the long ones once more by itself, see `models.endings`."""
        encoded = self._encoder.encode(texts)
        # Without neutral, any calm end takes a side.
        long = [at for at, row in enumerate(encoded) if row.cut or len(row.ids) > LONG] if len(self._columns) == len(LABELS) else []
        if not long:
            return self._read(texts, encoded)
        ends = [ending(texts[at]) for at in long]
        answers = self._read([*texts, *ends], [*encoded, *self._encoder.encode(ends)])
        for at, end in zip(long, answers[len(texts) :], strict=True):
            whole = answers[at]
            if whole is not None and end is not None and end[0][self._negative] >= max(PLAINLY, whole[0][self._negative]):
                answers[at] = (end[0], heard_in_either(whole[1], end[1]), whole[2])
        return answers[: len(texts)]

    def _read(self, texts: Sequence[str], encoded: Sequence[Encoded]) -> list[Answer | None]:
        """Read in batches of similar length and put the answers back in order."""
        known = [at for at, row in enumerate(encoded) if row.known and self._reads(texts[at])]
        lengths = [len(encoded[at].ids) for at in known]
        batches = [
            [known[each] for each in batch]
            for batch in batches_by_length(lengths, self._limits.batch_size, *self._passes)
        ]
        # A GPU works on one batch while the next one is put together: nothing is read back before all are on their way.
        wide = self._wide.logits(texts) if self._wide else None
        found = [
            self._forward([encoded[at].ids for at in batch], None if wide is None else wide[batch]) for batch in batches
        ]
        answers: list[Answer | None] = [None] * len(texts)
        for batch, told in zip(batches, found, strict=True):
            for at, answer in zip(batch, zip(*(each.tolist() for each in told), strict=True), strict=True):
                answers[at] = answer
        return answers

    def _reads(self, text: str) -> bool:
        """Whether the text is in the language of a model for one: of others it has learnt nothing, and says nothing."""
        return not self._language or is_in(text, self._language)

    def _forward(
        self, rows: Sequence[list[int]], wide: NDArray[np.float32] | None
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """One forward pass: probabilities (texts, labels), (texts, tones) and (texts, satisfactions).

        wide: what the wide part says of each, over its labels.
        """
        ids, mask = padded(rows, self._padding)
        with torch.inference_mode():
            logits = self._logits(self._moved(ids), self._moved(mask)).float()
            sided = logits[:, [column for column, _ in self._columns]] / self._mix.temperature
            rated = logits[:, self._satisfaction] / self._satisfaction_mix.temperature
            if wide is not None:
                beside = self._moved(torch.from_numpy(wide))
                sided = sided + beside[:, : len(LABELS)] * self._mix.wide_weight
                if self._satisfaction_mix.wide_weight:
                    rated = rated + beside[:, WIDE_SATISFACTION] * self._satisfaction_mix.wide_weight
            probabilities = torch.softmax(sided + self._bias, dim=-1)
            return probabilities, torch.sigmoid(logits[:, self._tones]), torch.softmax(rated, dim=-1)

    def _moved(self, tensor: torch.Tensor) -> torch.Tensor:
        """To where the network is; from pinned memory, so that this thread doesn't wait for the GPU."""
        return tensor if self._device.type == "cpu" else tensor.pin_memory().to(self._device, non_blocking=True)


def heard_in_either(one: Sequence[float], other: Sequence[float]) -> list[float]:
    """The tones of a text of which two parts were read: angry, anxious or abusive it is where a part is; polite where the first is."""
    return [a if tone == "polite" else max(a, b) for tone, a, b in zip(TONES, one, other, strict=True)] if one else []


def wide_part(source: Path | str, columns: Sequence[tuple[int, str]], rates: bool = False) -> WidePart:
    """The wide part beside a network; rates: which tells satisfaction, too. Raises ModelError where its config speaks of one and
    there is none that fits."""
    if not isinstance(source, Path) or not (source / WIDE_FILE).is_file():
        raise ModelError(f"{source} has a wide_weight, but no {WIDE_FILE}: give the whole directory")
    if tuple(label for _, label in columns) != LABELS:
        raise ModelError(
            f"{source} has a wide part, but not the labels {', '.join(LABELS)} in this order (config.json)"
        )
    wide = WidePart.read(source / WIDE_FILE)
    if rates and len(wide.bias) < WIDE_SATISFACTION.stop:
        raise ModelError(f"{source} has a satisfaction_wide_weight, but its {WIDE_FILE} tells no satisfaction")
    return wide
