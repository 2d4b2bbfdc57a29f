"""Sentiment and tone by a transformer: any BERT-like sequence classifier, from a directory or from the hub.

What makes it fast on a CPU: a text is scored once however often it occurs, batches hold texts of one length, padding
goes only to the longest of its batch, and one thread per process leaves the cores to the other processes.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

import torch

from models.loading import columns_of, load_classifier, placement, temperature_of, token_limit
from models.scorer import Limits, Score
from models.text import readable
from models.tokenizer import Encoder

# Scored once at load, so that the first message doesn't pay for what torch sets up lazily.
_WARM_UP = ("hello", "什么时候发货", "thank you very much for the quick answer " * 8, "请问" * 40)


class TransformerScorer:
    """Scores texts with a sequence classifier whose labels are named negative, (neutral,) positive, and perhaps the tones.

    Thread-safe. The score of a text does not depend on its batch, up to rounding: 1e-4 in fp32, 0.03 in bf16.
    """

    def __init__(self, source: Path | str, device: str = "auto", limits: Limits | None = None) -> None:
        """Load and warm up. `source`: a directory (Path) or a hub name (str).

        Only safetensors are read and no code of a model is run. Raises ModelError, naming what is missing.
        """
        self._limits = limits or Limits()
        if self._limits.threads:
            torch.set_num_threads(self._limits.threads)
        self._device, dtype = placement(device)
        model, tokenizer, self._version = load_classifier(source)
        self._columns, self._tones = columns_of(model.config.id2label or {}, source)
        self._temperature = temperature_of(model.config, source)
        self._encoder = Encoder(tokenizer, token_limit(model.config, self._limits.max_tokens))
        self._padding = int(tokenizer.pad_token_id or 0)
        self._model = model.train(False).to(device=self._device, dtype=dtype)
        self._cache: OrderedDict[str, Score | None] = OrderedDict()
        self._lock = threading.Lock()
        self._score_unique([readable(text, self._limits.max_characters) for text in _WARM_UP])

    @property
    def version(self) -> str:
        """Name and content of the weights: `<directory or hub name>@<digest or commit>`."""
        return self._version

    def score(self, texts: Sequence[str]) -> list[Score | None]:
        """Return one entry per text, in order; None where nothing is left to read, or nothing that the model knows."""
        cleaned = [readable(text, self._limits.max_characters) for text in texts]
        known: dict[str, Score | None] = {"": None}
        fresh: list[str] = []
        with self._lock:
            for text in dict.fromkeys(cleaned):
                if text in self._cache:
                    self._cache.move_to_end(text)
                    known[text] = self._cache[text]
                elif text:
                    fresh.append(text)
            known.update(zip(fresh, self._score_unique(fresh), strict=True))
            self._remember(fresh, known)
        return [known[text] for text in cleaned]

    def _remember(self, texts: Sequence[str], scores: dict[str, Score | None]) -> None:
        size = self._limits.cache_size
        for text in texts[-size:] if size else ():
            self._cache[text] = scores[text]
        while len(self._cache) > size:
            self._cache.popitem(last=False)

    def _score_unique(self, texts: Sequence[str]) -> list[Score | None]:
        """Score in batches of similar length and put the scores back in order."""
        encoded = self._encoder.encode(texts)
        order = sorted((at for at, row in enumerate(encoded) if row.known), key=lambda at: len(encoded[at].ids))
        scores: list[Score | None] = [None] * len(texts)
        for start in range(0, len(order), self._limits.batch_size):
            batch = order[start : start + self._limits.batch_size]
            for at, score in zip(batch, self._forward([encoded[at].ids for at in batch]), strict=True):
                scores[at] = score
        return scores

    def _forward(self, rows: Sequence[list[int]]) -> list[Score]:
        """One forward pass; rows are sorted, so the last one is the longest."""
        width = len(rows[-1])
        ids = torch.tensor([row + [self._padding] * (width - len(row)) for row in rows], device=self._device)
        lengths = torch.tensor([len(row) for row in rows], device=self._device)
        mask = (torch.arange(width, device=self._device)[None, :] < lengths[:, None]).long()
        with torch.inference_mode():
            logits = self._model(input_ids=ids, attention_mask=mask).logits.float()
            odds = torch.softmax(logits[:, [column for column, _ in self._columns]] / self._temperature, dim=-1)
            heard = torch.sigmoid(logits[:, self._tones])
        scores = []
        for values, tones in zip(odds.tolist(), heard.tolist(), strict=True):
            best = max(range(len(values)), key=values.__getitem__)
            by_label = dict(zip((label for _, label in self._columns), values, strict=True))
            difference = by_label["positive"] - by_label["negative"]
            score = round(max(-1.0, min(1.0, difference)), 6)
            heard_tones = tuple(round(tone, 6) for tone in tones)
            scores.append(Score(self._columns[best][1], score, heard_tones, round(values[best], 6)))
        return scores
