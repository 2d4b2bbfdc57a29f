"""The limits of the rules and of time, compiled for the fold: plain tuples of numbers in milliseconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
FOREVER = 2**62
"""Later than any instant."""

NEVER = -1
"""In the place of an instant or a duration that there is not (yet)."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Everything that the conversation's logic compares with. Durations in ms, scores in hundredths."""

    session_gap_ms: int = 30 * MINUTE
    allowed_lateness_ms: int = 5 * MINUTE
    duplicate_memory_ms: int = 8 * HOUR
    clock_skew_ms: int = 2 * SECOND
    alarm_grace_ms: int = 5 * SECOND
    max_session_ms: int = 24 * HOUR
    max_session_messages: int = 2_000
    slow_reply: tuple[tuple[str, int], ...] = ()  # (rule, limit)
    silence: tuple[tuple[str, int], ...] = ()  # (rule, limit)
    monologue: tuple[tuple[str, int], ...] = ()  # (rule, messages in a row)
    negative_streak: tuple[tuple[str, int, int], ...] = ()  # (rule, messages in a row, score at or below)
    sentiment_shift: tuple[tuple[str, int, int], ...] = ()  # (rule, drop, scored messages at least)
    promised_return: tuple[tuple[str, int], ...] = ()  # (rule, limit)
    abandonment: tuple[str, ...] = ()
    severities: Mapping[str, str] = field(default_factory=dict)  # rule → severity of its alerts
    monologue_rules: frozenset[str] = field(init=False)
    shortest_reply_ms: int = field(init=False)  # of the slow-reply rules; FOREVER without any
    shortest_silence_ms: int = field(init=False)
    shortest_return_ms: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "monologue_rules", frozenset(rule for rule, _ in self.monologue))
        object.__setattr__(self, "shortest_reply_ms", min((limit for _, limit in self.slow_reply), default=FOREVER))
        object.__setattr__(self, "shortest_silence_ms", min((limit for _, limit in self.silence), default=FOREVER))
        object.__setattr__(self, "shortest_return_ms", min((limit for _, limit in self.promised_return), default=FOREVER))
