"""How satisfied a customer leaves a session, from the course of the sentiment and what was measured beside it.

A softmax regression over a handful of numbers that a session record holds: small enough to be read, and every answer can be
taken apart into what each number added. Light on purpose: neither torch nor scikit-learn is imported.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from models.scorer import SATISFACTIONS, ModelError

DEFAULT_SATISFACTION = Path(__file__).parent / "weights" / "satisfaction.json"
FORMAT = 1
FEATURES = ("mood", "last_mood", "shift", "negative_share", "messages", "exchanges", "left_waiting", "never_answered")
LOGARITHMS = ("messages", "exchanges")
"""Features that are the logarithm of a count."""

MAX_BYTES = 65_536


class Contribution(NamedTuple):
    """A feature, its value, and by how much it moved the score: what would be missing if it were an average one."""

    feature: str
    value: float
    points: float


class Satisfaction(NamedTuple):
    """`score`: 0 to 1, p(satisfied) + p(neither) / 2; `probabilities` over SATISFACTIONS; the largest contribution first."""

    score: float
    probabilities: tuple[float, ...]
    contributions: list[Contribution]


@dataclass(frozen=True, slots=True)
class SatisfactionModel:
    """Softmax of bias + weights · (value − mean) / scale; a value that a session lacks is an average one.

    means, scales: for each of FEATURES; weights: (SATISFACTIONS, FEATURES); bias: for each of SATISFACTIONS.
    """

    version: str
    means: tuple[float, ...]
    scales: tuple[float, ...]
    weights: tuple[tuple[float, ...], ...]
    bias: tuple[float, ...]

    def rate(self, values: Mapping[str, float | None]) -> Satisfaction:
        """How satisfied the customer of a session with these features is. Features that aren't named are unknown."""
        each = [
            0.0 if (value := values.get(name)) is None else (value - mean) / scale
            for name, mean, scale in zip(FEATURES, self.means, self.scales, strict=True)
        ]
        probabilities = self._probabilities(each)
        score = _expected(probabilities)
        contributions = []
        for at, name in enumerate(FEATURES):
            value = values.get(name)
            if value is not None:
                without = _expected(self._probabilities([*each[:at], 0.0, *each[at + 1 :]]))
                contributions.append(Contribution(name, value, score - without))
        contributions.sort(key=lambda found: -abs(found.points))
        return Satisfaction(score, probabilities, contributions)

    def _probabilities(self, each: Sequence[float]) -> tuple[float, ...]:
        logits = [
            bias + sum(weight * value for weight, value in zip(row, each, strict=True))
            for bias, row in zip(self.bias, self.weights, strict=True)
        ]
        largest = max(logits)
        powers = [math.exp(logit - largest) for logit in logits]
        return tuple(power / sum(powers) for power in powers)

    def write(self, path: Path) -> None:
        """Write the model as JSON that a person can read."""
        told = {
            "format": FORMAT,
            "version": self.version,
            "outcomes": SATISFACTIONS,
            "features": {
                name: {"mean": mean, "scale": scale, "weights": [row[at] for row in self.weights]}
                for at, (name, mean, scale) in enumerate(zip(FEATURES, self.means, self.scales, strict=True))
            },
            "bias": self.bias,
        }
        path.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", "utf-8")

    @classmethod
    def read(cls, path: Path) -> SatisfactionModel:
        """Read what `write` wrote. Raises ModelError, naming file and field, for anything else."""
        try:
            if path.stat().st_size > MAX_BYTES:
                raise ModelError(f"{path} has more than {MAX_BYTES:,} bytes: it is no satisfaction model")
            told = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise ModelError(f"cannot read a satisfaction model from {path}: {error}") from error
        if not isinstance(told, dict) or told.get("format") != FORMAT or told.get("outcomes") != list(SATISFACTIONS):
            raise ModelError(
                f"{path} is no satisfaction model of format {FORMAT} with the outcomes {', '.join(SATISFACTIONS)}"
            )
        features = told.get("features")
        if not isinstance(features, dict) or set(features) != set(FEATURES):
            raise ModelError(f"{path}, features: exactly {', '.join(FEATURES)} are needed")
        for name, each in features.items():
            if not isinstance(each, dict):
                raise ModelError(f"{path}, {name}: an object with mean, scale and weights is needed")
        columns = [
            _numbers(features[name].get("weights"), len(SATISFACTIONS), f"{path}, {name}.weights") for name in FEATURES
        ]
        scales = tuple(_numbers([features[name].get("scale")], 1, f"{path}, {name}.scale")[0] for name in FEATURES)
        if not all(scale > 0 for scale in scales):
            raise ModelError(f"{path}: every scale must be above 0")
        return cls(
            str(told.get("version") or path.stem),
            tuple(_numbers([features[name].get("mean")], 1, f"{path}, {name}.mean")[0] for name in FEATURES),
            scales,
            tuple(tuple(column[row] for column in columns) for row in range(len(SATISFACTIONS))),
            _numbers(told.get("bias"), len(SATISFACTIONS), f"{path}, bias"),
        )


def load_satisfaction(source: str) -> SatisfactionModel | None:
    """`none`, `default` (the one that comes with the project), or a file. Raises ModelError if it can't be read."""
    if source == "none":
        return None
    return SatisfactionModel.read(DEFAULT_SATISFACTION if source == "default" else Path(source).expanduser())


def features_of(record: Mapping[str, Any]) -> dict[str, float | None]:
    """The features of a session record; None where the session doesn't tell.

    mood: mean sentiment of the customer's messages; last_mood: of their last third, of all where they are few; shift: last
    third − first third; negative_share: of the scored ones; messages: log(1 + the customer's); exchanges: log(1 + exchanges);
    left_waiting: 1 where it ended with the customer unanswered; never_answered: 1 where nobody ever answered, see `never_answered`.
    """
    sentiment = record["sentiment"]
    scored = sentiment["scored"]
    last = sentiment["last_third"]
    abandoned = record["abandoned"]
    return {
        "mood": sentiment["mean"],
        "last_mood": sentiment["mean"] if last is None else last,
        "shift": sentiment["shift"],
        "negative_share": sentiment["negative"] / scored if scored else None,
        "messages": math.log1p(record["customer_messages"]),
        "exchanges": math.log1p(record["exchanges"]),
        "left_waiting": float(abandoned is not None),
        "never_answered": float(never_answered(record)),
    }


def never_answered(record: Mapping[str, Any]) -> bool:
    """Whether a customer waited for an answer in the session and no agent ever gave one, be it that the session was resolved without."""
    return record["first_response_ms"] is None and not record["reply_count"] and record["waits_unanswered"] > 0


def _expected(probabilities: Sequence[float]) -> float:
    return probabilities[2] + probabilities[1] / 2


def _numbers(value: Any, count: int, where: str) -> tuple[float, ...]:
    if not isinstance(value, list) or len(value) != count:
        raise ModelError(f"{where}: {count} numbers are needed")
    if not all(isinstance(each, int | float) and not isinstance(each, bool) and math.isfinite(each) for each in value):
        raise ModelError(f"{where}: {value!r} is no finite number")
    return tuple(float(each) for each in value)
