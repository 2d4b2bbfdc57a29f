"""One small protocol behind which every sentiment model sits.

This module is light on purpose: torch and transformers are imported only when a model is loaded, so that a process
that measures without a model, or only talks about scores, starts at once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple, Protocol

LABELS = ("negative", "neutral", "positive")
UNSURE = "unknown"
"""The label of a text about which a scorer is less sure than it was asked to be."""

TONES = ("polite", "angry", "anxious", "abusive")
SATISFACTIONS = ("dissatisfied", "neither", "satisfied")
"""How a customer is with the service at that moment, as people rated it; in the order of LABELS."""

LANGUAGES = {"zh": "Chinese", "en": "English"}
"""The languages that are told apart, see `models.text.language_of`, and what people call them."""

WEIGHTS = Path(__file__).parent / "weights"
SHIPPED = ("accurate", "fast")
"""The models that come with the project; `default` is the first of them."""

DEFAULT_WEIGHTS = WEIGHTS / SHIPPED[0]
DEVICES = ("auto", "cuda", "cpu")
PRECISIONS = ("auto", "fp32", "bf16", "int8")
LEFT_TO_SERVER = ("device", "precision", "batch_size", "max_tokens", "threads")
"""What a model server is started with: whoever asks it has no say in it."""


class ModelError(RuntimeError):
    """A model cannot be loaded, or does not keep the contract of `Scorer`."""


class Score(NamedTuple):
    """Sentiment of one text: `label` is one of LABELS or UNSURE, `score` = p(positive) - p(negative), -1 to 1.

    `tones`: the probability of each of TONES, in their order; empty where the model tells none. `confidence`: the
    probability of the likeliest label; nan where the scorer knows none. `satisfaction`: the probability of each of SATISFACTIONS;
    empty where the model tells none.
    """

    label: str
    score: float
    tones: tuple[float, ...] = ()
    confidence: float = math.nan
    satisfaction: tuple[float, ...] = ()


def score_of(
    probabilities: Mapping[str, float], tones: Sequence[float], least_confidence: float, satisfaction: Sequence[float] = ()
) -> Score:
    """The score of a text from the probabilities of its labels, by name, and of TONES and of SATISFACTIONS, or of none. What is no
    number stays none: CheckedScorer refuses it."""
    best = max(probabilities, key=probabilities.__getitem__)
    difference = probabilities["positive"] - probabilities["negative"]
    return Score(
        best if probabilities[best] >= least_confidence else UNSURE,
        round(max(-1.0, min(1.0, difference)) if math.isfinite(difference) else math.nan, 6),
        tuple(round(tone, 6) for tone in tones),
        round(probabilities[best], 6),
        tuple(round(each, 6) for each in satisfaction),
    )


class Scorer(Protocol):
    """What scores texts. `version` names the weights, so that two scores can be told apart later."""

    @property
    def version(self) -> str: ...

    def score(self, texts: Sequence[str]) -> list[Score | None]:
        """Return one entry per text, in order; None where a text holds nothing to read."""
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a loaded model.

    batch_size: texts per forward pass; max_tokens: per text with special ones, head and tail are kept (0: what the model was
    trained on, 64 where it doesn't say);
    max_characters: per text before the tokenizer, head and tail are kept; cache_size: texts whose score is
    remembered across calls (0 = none); threads: of torch in this process (0 = leave as it is); least_confidence: below it
    the label is UNSURE.
    """

    batch_size: int = 64
    max_tokens: int = 0
    max_characters: int = 1_000
    cache_size: int = 4_096
    threads: int = 1
    least_confidence: float = 0.0

    def __post_init__(self) -> None:
        lowest = {"batch_size": 1, "max_tokens": 0, "max_characters": 8, "cache_size": 0, "threads": 0}
        for name, low in lowest.items():
            if getattr(self, name) < low:
                raise ValueError(f"{name} is {getattr(self, name)}: at least {low} is needed")
        if not 0.0 <= self.least_confidence <= 1.0:
            raise ValueError(f"least_confidence is {self.least_confidence}: a probability from 0 to 1 is needed")


class NullScorer:
    """Scores nothing. For measuring everything else, and for running without a model."""

    version = "null"

    def score(self, texts: Sequence[str]) -> list[Score | None]:
        """Return None for every text."""
        return [None] * len(texts)


class CheckedScorer:
    """Holds another scorer to the contract at run time: same length, a known label, a finite score in range,
    no tones or a probability for each."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer

    @property
    def version(self) -> str:
        """The version of the scorer inside."""
        return self._scorer.version

    def score(self, texts: Sequence[str]) -> list[Score | None]:
        """Score with the scorer inside. Raises ModelError where its answer breaks the contract."""
        scores = self._scorer.score(texts)
        if len(scores) != len(texts):
            raise ModelError(f"model {self.version} returned {len(scores)} scores for {len(texts)} texts")
        for position, score in enumerate(scores):
            if score is None:
                continue
            if score.label not in (*LABELS, UNSURE) or not (math.isfinite(score.score) and -1.0 <= score.score <= 1.0):
                raise ModelError(f"model {self.version} returned {score} for text {position}: not a score")
            if not (math.isnan(score.confidence) or 0.0 <= score.confidence <= 1.0):
                raise ModelError(f"model {self.version} returned {score} for text {position}: no confidence")
            for what, names, told in (("tones", TONES, score.tones), ("satisfaction", SATISFACTIONS, score.satisfaction)):
                if told and (len(told) != len(names) or not all(0.0 <= each <= 1.0 for each in told)):
                    raise ModelError(f"model {self.version} returned {score} for text {position}: no {what}")
        return scores


def load_scorer(model: str, device: str = "auto", precision: str = "auto", **limits: Any) -> Scorer:
    """Load a scorer and warm it up.

    `model`: "null" (scores nothing), "lexicon" (a list of words), "default" or one of SHIPPED (they come with the project), a local
    directory (with a model, or with one for each language, see `models.by_language`), OWNER/NAME of a model on the hub, or the URL of a
    model server. `device`: "auto" (the GPU where there is one), "cuda" or "cpu". `precision`: "auto", "fp32", "bf16" or "int8", see
    `models.loading.placed`. `limits`: see Limits.
    Raises ValueError for an unknown device, precision or limit, and ModelError where there is no usable model, or a server is
    asked for what it decides itself.
    """
    check_place(device, precision)
    unknown = sorted(set(limits) - {field.name for field in fields(Limits)})
    if unknown:
        known = ", ".join(field.name for field in fields(Limits))
        raise ValueError(f"unknown limit {', '.join(unknown)}: known are {known}")
    bounds = Limits(**limits)
    if model == "null":
        return NullScorer()
    if model == "lexicon":
        from models.lexicon import LexiconScorer

        return CheckedScorer(LexiconScorer())

    from models.sources import is_url, source_of

    if is_url(model):
        from models.remote import RemoteScorer

        check_left_to_server(model, device, precision, **limits)
        return CheckedScorer(RemoteScorer(model, bounds))

    from models.by_language import load_local

    return CheckedScorer(load_local(source_of(model), device, bounds, precision))


def check_place(device: str, precision: str) -> None:
    """Raise ValueError for an unknown device or precision."""
    if device not in DEVICES:
        raise ValueError(f"device is {device!r}: one of {', '.join(DEVICES)} is needed")
    if precision not in PRECISIONS:
        raise ValueError(f"precision is {precision!r}: one of {', '.join(PRECISIONS)} is needed")


def check_left_to_server(model: str, device: str = "auto", precision: str = "auto", **limits: Any) -> None:
    """Raise ModelError where another value than the default is given for what a server decides for itself."""
    usual: dict[str, Any] = {"device": "auto", "precision": "auto", **{each.name: each.default for each in fields(Limits)}}
    given = {"device": device, "precision": precision, **limits}
    told = [f"{name} {given[name]}" for name in LEFT_TO_SERVER if name in given and given[name] != usual[name]]
    if told:
        raise ModelError(
            f"{', '.join(told)} would be ignored: the server at {model} decides that itself; leave it out here, and give it to "
            "`replywatch serve` there"
        )
