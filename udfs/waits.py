"""A customer's wait for the shop: one start, the lines in it, and when its alarms are due; and the wait for what an agent promised.

Times are epoch ms; *arrived* is a watermark. Nothing here reads a clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Final

from udfs.limits import Limits

PAUSE_MS: Final = 30_000
"""Between two of a customer's lines: what comes sooner belongs to what he has just said."""


@dataclass(slots=True, frozen=True)
class Silence:
    """Nothing heard after a customer's line: longer than a rule allows, or going on and too long at `due`."""

    rule: str
    since: int
    opener: str  # message_id of the line
    due: int


@dataclass(slots=True)
class Wait:
    """An open wait, from the oldest unanswered customer message on."""

    start: int
    arrived: int
    opener: str  # message_id of that message
    line_at: int  # the customer's last line in it
    line_arrived: int
    line_id: str
    silences: list[Silence] = field(default_factory=list)  # that are over
    calls: int = 1  # times that the customer has written: what he types in one go is one. A state up to version 3 does not know them

    @classmethod
    def opened(cls, at: int, arrived: int, opener: str) -> Wait:
        """The wait that begins with a message."""
        return cls(at, arrived, opener, at, arrived, opener)

    @classmethod
    def from_row(cls, row: list[Any]) -> Wait:
        """From its fields' values in their order."""
        wait = cls(*row)
        kept: Any = wait.silences  # rows yet
        wait.silences = [Silence(*each) for each in kept]
        return wait

    def copy(self) -> Wait:
        """One that shares nothing with this, so that a session's end and the next session's beginning can go on with it."""
        return replace(self, silences=list(self.silences))

    def another_line(self, at: int, arrived: int, message_id: str, limits: Limits) -> None:
        """The customer writes again: a silence that was too long until now is over."""
        for rule, limit in limits.silence:
            silent = self.silence(rule, limit, limits)
            if at > silent.due and all(each.rule != rule for each in self.silences):
                self.silences.append(silent)
        if at - self.line_at >= PAUSE_MS:
            self.calls += 1
        self.line_at, self.line_arrived, self.line_id = at, arrived, message_id

    def reply_due(self, limit: int, limits: Limits) -> int:
        """When a reply is too late for a limit: a message that arrived late has its grace first."""
        return max(self.start + limit, self.arrived + limits.alarm_grace_ms)

    def silence(self, rule: str, limit: int, limits: Limits) -> Silence:
        """The first silence that the rule calls too long, or else the one that goes on."""
        for each in self.silences:
            if each.rule == rule:
                return each
        return Silence(rule, self.line_at, self.line_id, self._silence_due(limit, limits))

    def first_due(self, limits: Limits) -> int:
        """When the first of its alarms is due; a silence that was broken off by a further line apart."""
        return min(self.reply_due(limits.shortest_reply_ms, limits), self._silence_due(limits.shortest_silence_ms, limits))

    def _silence_due(self, limit: int, limits: Limits) -> int:
        return max(self.line_at + limit, self.line_arrived + limits.alarm_grace_ms)


@dataclass(slots=True, frozen=True)
class Promise:
    """An agent's line that only asked the customer to wait, see `udfs.holding`: he is to come back."""

    at: int
    arrived: int
    opener: str  # message_id of the line
    agent: str  # who wrote it

    def due(self, limit: int, limits: Limits) -> int:
        """When it is broken by a limit; a line that arrived late has its grace first."""
        return max(self.at + limit, self.arrived + limits.alarm_grace_ms)


@dataclass(slots=True)
class EarlyAnswer:
    """An agent's line that found nobody waiting: perhaps, by a clock that is behind, the answer to what the customer writes next."""

    at: int
    agent: str
    reply_to: str
