"""How a session's messages feel: the customer's sentiment from message to message, and the tones of both sides."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from models.scorer import TONES
from udfs.events import MESSAGE_ID, SENT_AT, Flag, Row
from udfs.findings import Findings, note
from udfs.limits import Limits

SCORE_OFFSET: Final = 140
"""A score of -100…100 hundredths is kept as the character with this code added: below U+0100, where Java keeps a string in one
byte a character."""

PRAISED_IN_VAIN: Final = 2
"""After so many calls that nobody has answered, praise counts half: it is seldom meant."""

# Plain integers: `Flag` members cost a method call per use, and this runs for every message.
NEGATIVE, TONED = int(Flag.NEGATIVE), int(Flag.TONED)
OF_TONES: Final = tuple(int(Flag[tone.upper()]) for tone in TONES)


@dataclass(slots=True)
class Mood:
    """Of one session so far."""

    scores: str = ""  # of the customer's messages, one character each
    negative: int = 0  # of them, by their label
    streaks: dict[str, int] = field(default_factory=dict)  # rule → the customer's messages in a row at or below its score
    streak_ids: dict[str, list[str]] = field(default_factory=dict)  # rule → those of its run
    tones: list[int] = field(default_factory=list)  # messages with each of TONES, the customer's and then the agents'; empty: none was told
    pauses: list[str] = field(default_factory=list)  # rules whose run is an alert, and whose last line wasn't low. A state up to version 4 has none

    def hear(self, row: Row, score: int, flags: int, calls: int, limits: Limits, findings: Findings, agent: str) -> None:
        """Take the score, in hundredths, of a customer's message. calls: how many of his nobody has answered, with this one, see
        `udfs.waits`; agent: who spoke last for the shop."""
        if score > 0 and calls > PRAISED_IN_VAIN:
            score //= 2
        self.scores += chr(score + SCORE_OFFSET)
        if flags & NEGATIVE:
            self.negative += 1
        for rule, count, at_or_below in limits.negative_streak:
            length = self.streaks.get(rule, 0)
            if score <= at_or_below:
                self.streaks[rule] = length + 1
                ids = self.streak_ids.setdefault(rule, [])
                note(ids, row[MESSAGE_ID])
                findings.run("negative_streak", rule, count, length + 1, ids, row[SENT_AT], agent)
                self.pauses = [paused for paused in self.pauses if paused != rule]
            elif length >= count and score < -at_or_below and rule not in self.pauses:
                # An order number between two furious lines is no better mood: what ends the alert is a second such line, or a good one.
                self.pauses.append(rule)
            elif length:
                findings.end_runs({rule}, row[SENT_AT], "mood_changed")
                del self.streaks[rule]
                self.streak_ids.pop(rule, None)
                self.pauses = [paused for paused in self.pauses if paused != rule]
        for rule, drop, at_least in limits.sentiment_shift:
            if len(self.scores) >= at_least and not any(hit.rule == rule for hit in findings.hits):
                first, last = self.thirds() or (0.0, 0.0)
                if (last - first) * 100 <= -drop:
                    findings.hit([(rule, round(last - first, 2))], row, agent)

    def hear_tones(self, flags: int, by_agent: bool) -> None:
        """Count the tones of a message, if the model tells any."""
        if not flags & TONED:
            return
        if not self.tones:
            self.tones = [0] * (2 * len(TONES))
        for at, flag in enumerate(OF_TONES, len(TONES) if by_agent else 0):
            if flags & flag:
                self.tones[at] += 1

    def thirds(self) -> tuple[float, float] | None:
        """Mean sentiment of the first and the last third of the customer's scored messages; None under three."""
        size = len(self.scores) // 3
        if not size:
            return None
        return mean_score(self.scores[:size]), mean_score(self.scores[-size:])

    def mean(self) -> float:
        """Mean sentiment, -1…1, of the customer's scored messages, of which there must be one."""
        return mean_score(self.scores)


def mean_score(scores: str) -> float:
    """The mean, in -1…1, of scores kept as characters."""
    return (sum(map(ord, scores)) / len(scores) - SCORE_OFFSET) / 100
