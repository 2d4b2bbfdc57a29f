"""The rules: what to watch for, from a YAML file, with every threshold's unit and default.

A file that can't be used is refused at start with the file, the line and the reason; nothing is guessed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from udfs.folding import fold
from udfs.yaml_file import read_yaml, validated

Severity = Literal["critical", "error", "warning", "info"]


class _Rule(BaseModel):
    """What all kinds have. Adding a kind: a class here, in `Rule` and with a unit in `UNITS`; its thresholds, a field of that name in
    `udfs.limits.Limits`; what it measures in `udfs.measures`; and its two sentences in `udfs.summaries`, of its begin and its end."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    unit: ClassVar[str]  # of what it measures, and of its threshold

    id: str = Field(pattern=r"^[a-z][a-z0-9_.]{0,63}$", description="name in alerts and in dedup_key")
    severity: Severity = "warning"
    enabled: bool = True
    about: str = Field(default="", max_length=500, description="what a supervisor should know or do; it is in the alerts")

    @property
    def threshold(self) -> int | float | None:
        """What alerts name as the limit, in `unit`; None for a kind without one."""
        return None

    @property
    def limit(self) -> Any:
        """The rule as one of its kind in `udfs.limits.Limits`: its id, and what it compares with in ms, messages or hundredths of score."""
        return self.id if self.threshold is None else (self.id, self.threshold)


class _Waiting(_Rule):
    unit = "ms"

    limit_seconds: float

    @property
    def threshold(self) -> int:
        return round(self.limit_seconds * 1_000)


class SlowReply(_Waiting):
    """The oldest unanswered customer message waits longer than this."""

    kind: Literal["slow_reply"]
    limit_seconds: float = Field(default=60, gt=0, le=86_400, allow_inf_nan=False)


class Silence(_Waiting):
    """This long has passed since the customer's last line, unanswered."""

    kind: Literal["silence"]
    limit_seconds: float = Field(default=120, gt=0, le=86_400, allow_inf_nan=False)


class PromisedReturn(_Waiting):
    """An agent's line only asked the customer to wait, and no agent has written anything for this long."""

    kind: Literal["promised_return"]
    limit_seconds: float = Field(default=900, gt=0, le=86_400, allow_inf_nan=False)


class Abandonment(_Rule):
    """The session closed with a customer message unanswered."""

    unit = "ms"

    kind: Literal["abandonment"]


class Monologue(_Rule):
    """So many agent messages in a row."""

    unit = "messages"

    kind: Literal["monologue"]
    count: int = Field(default=5, ge=2, le=1_000)

    @property
    def threshold(self) -> int:
        return self.count


class NegativeStreak(_Rule):
    """So many customer messages in a row with a sentiment at or below a score."""

    unit = "messages"

    kind: Literal["negative_streak"]
    count: int = Field(default=3, ge=1, le=100)
    at_or_below: float = Field(default=-0.3, ge=-1, le=1, allow_inf_nan=False, description="score, -1…1")

    @property
    def threshold(self) -> int:
        return self.count

    @property
    def limit(self) -> tuple[str, int, int]:
        return self.id, self.count, round(self.at_or_below * 100)


class SentimentShift(_Rule):
    """The mean score of the last third of the customer's messages fell this far below that of the first third."""

    unit = "points"

    kind: Literal["sentiment_shift"]
    drop: float = Field(default=0.8, ge=0.01, le=2, allow_inf_nan=False, description="in points of score, which spans -1…1")
    min_scored: int = Field(default=6, ge=3, le=1_000, description="scored customer messages")

    @property
    def threshold(self) -> float:
        return -self.drop

    @property
    def limit(self) -> tuple[str, int, int]:
        return self.id, round(self.drop * 100), self.min_scored


class Phrases(_Rule):
    """One of these phrases is in a message of this sender."""

    unit = "phrase"

    kind: Literal["phrases"]
    sender: Literal["customer", "agent", "any"] = "agent"
    phrases: list[Annotated[str, Field(min_length=1, max_length=100)]] = Field(min_length=1, max_length=10_000)
    allow: list[Annotated[str, Field(min_length=1, max_length=200)]] = Field(
        default_factory=list, max_length=10_000, description="innocent words in which a phrase may be"
    )
    unless: list[Annotated[str, Field(min_length=1, max_length=50)]] = Field(
        default_factory=list, max_length=1_000, description="words that take a phrase back when they stand shortly before it in the same clause"
    )
    unless_right_before: list[Annotated[str, Field(min_length=1, max_length=50)]] = Field(
        default_factory=list,
        max_length=1_000,
        description="words that take a phrase back when they stand directly before it, but in questions and offers (能不能, 要不, why not)",
    )
    ignore_separators: bool = Field(default=True, description="find a Chinese phrase with spaces or dots inside")

    @model_validator(mode="after")
    def _visible(self) -> Phrases:
        """Each of the words leaves something to look for."""
        for name in ("phrases", "allow", "unless", "unless_right_before"):
            for number, word in enumerate(getattr(self, name)):
                if not fold(word).strip():
                    fault = "nothing but blanks or invisible characters; remove it"
                elif self.ignore_separators and not word.isascii() and not fold(word, ignore_separators=True):
                    fault = "nothing but separators, which are left out of a text; add a word to them, or set ignore_separators: false"
                else:
                    continue
                raise PydanticCustomError("blank_phrase", "{fault}", {"fault": fault, "place": (name, number)})
        return self


Rule = Annotated[
    SlowReply | Silence | PromisedReturn | Abandonment | Monologue | NegativeStreak | SentimentShift | Phrases,
    Field(discriminator="kind"),
]


UNITS: Final = {
    get_args(kind.model_fields["kind"].annotation)[0]: kind.unit
    for kind in (SlowReply, Silence, PromisedReturn, Abandonment, Monologue, NegativeStreak, SentimentShift, Phrases)
}
"""Kind → unit of what it measures."""


class RuleSet(BaseModel):
    """All rules of a file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1]
    rules: list[Rule] = Field(max_length=1_000)

    @model_validator(mode="after")
    def _unique(self) -> RuleSet:
        seen: set[str] = set()
        for number, rule in enumerate(self.rules):
            if rule.id in seen:
                raise PydanticCustomError(
                    "repeated_id",
                    "two rules have the id {id}; give one of them another",
                    {"id": rule.id, "place": ("rules", number, "id")},
                )
            seen.add(rule.id)
        return self

    def by_id(self, name: str) -> Any:
        """The rule of that id; None for one that a former rule file had."""
        return next((rule for rule in self.rules if rule.id == name), None)

    def phrase_rules(self) -> list[Phrases]:
        """The rules that look at a message's text."""
        return [rule for rule in self.rules if isinstance(rule, Phrases) and rule.enabled]

    def thresholds(self) -> dict[str, Any]:
        """The rules' thresholds and severities as fields of `udfs.limits.Limits`: milliseconds, hundredths of score."""
        found: dict[str, list[Any]] = {}
        for rule in self.rules:
            if rule.enabled and not isinstance(rule, Phrases):  # those look at texts: see `phrase_rules`
                found.setdefault(rule.kind, []).append(rule.limit)
        severities = {rule.id: rule.severity for rule in self.rules}
        return {**{name: tuple(values) for name, values in found.items()}, "severities": severities}


def load_rules(path: Path) -> RuleSet:
    """The rules of a file; `udfs.yaml_file.FileError` names file, line and reason if they can't be used."""
    return validated(RuleSet, read_yaml(path))
