"""How large the simulated shop is, how busy, how well staffed, and how often something goes wrong."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from udfs.incidents import KINDS

DEFAULT_START_MS: Final = 1_772_416_800_000
"""2026-03-02T02:00:00Z, a Monday, 10:00 in Shanghai."""

LANGUAGES: Final = ("zh", "en")

HOUR_MS: Final = 3_600_000
SHANGHAI_OFFSET_MS: Final = 8 * HOUR_MS  # no daylight saving time since 1991

RHYTHM: Final = (
    *(0.30, 0.15, 0.07, 0.04, 0.03, 0.03, 0.07, 0.18, 0.35, 0.60, 0.82, 0.90),
    *(0.70, 0.66, 0.80, 0.88, 0.78, 0.66, 0.62, 0.75, 0.92, 1.00, 0.80, 0.52),
    0.30,
)
"""How busy it is at each full hour in Shanghai, 1 = the peak: lunch and night are quiet, 11, 15 and 21 are busy."""


def busyness(at_ms: int) -> float:
    """The rhythm of the day at an instant (epoch ms UTC), 0.03…1, linear between the full hours."""
    hour, within = divmod((at_ms + SHANGHAI_OFFSET_MS) % (24 * HOUR_MS), HOUR_MS)
    return RHYTHM[hour] + (RHYTHM[hour + 1] - RHYTHM[hour]) * within / HOUR_MS


@dataclass(frozen=True, slots=True)
class SimulationSettings:
    """Everything that a simulation depends on: equal settings give the identical stream.

    Shares are probabilities 0…1. Raises ValueError, naming the field and the remedy, for what can't be simulated.
    """

    seed: int = 1
    start_ms: int = DEFAULT_START_MS
    """The instant of the beginning, epoch ms UTC."""
    tenant: str = "default"
    source: str = "simulator"
    shops: int = 3
    queues_per_shop: int = 3
    agents_per_queue: int = 6
    """On duty by day; at night a few of them are."""
    conversations_per_hour: float = 600.0
    """At the peak of the day, over all shops. A conversation is about 14 events."""
    daily_rhythm: bool = True
    """False: as busy as at the peak all the time, for load tests."""
    languages: Mapping[str, float] = field(default_factory=lambda: {"zh": 0.6, "en": 0.4})
    """Share of the conversations in each language, of `zh` and `en`; the shares sum to 1."""
    reply_median_s: float = 25.0
    """Median of an agent's time to reply, by day and with nothing going wrong."""
    reply_sigma: float = 0.5
    """Standard deviation of its logarithm: 0.5 puts 4 % of the replies beyond a minute."""
    incidents_per_hour: float = 6.0
    """0: nothing goes wrong."""
    incident_kinds: tuple[str, ...] = KINDS
    bot_share: float = 0.3
    """Conversations that a bot tries to answer before it hands over to a person."""
    transfer_share: float = 0.06
    attachment_share: float = 0.06
    contact_share: float = 0.10
    """Conversations in which the customer gives an (invented) phone number, e-mail or address."""
    note_share: float = 0.08
    csat_share: float = 0.25
    return_share: float = 0.02
    """Customers who come back to a conversation that was closed."""
    walkaway_share: float = 0.02
    """Conversations that are never resolved: after the answer nobody says anything more."""
    typo_share: float = 0.04
    repeat_share: float = 0.002
    """Records that come twice."""

    def __post_init__(self) -> None:
        for name in ("shops", "queues_per_shop", "agents_per_queue"):
            if not 1 <= getattr(self, name) <= 10_000:
                raise ValueError(f"{name} is {getattr(self, name)}; give a number from 1 to 10000")
        pace = self.conversations_per_hour
        if not 0.0 < pace <= 1e9:
            raise ValueError(f"conversations_per_hour is {pace}; give a number above 0, up to 1e9")
        if not 0.0 < self.reply_median_s <= 3_600.0:
            raise ValueError(f"reply_median_s is {self.reply_median_s}; give seconds above 0, up to 3600")
        if not 0.0 <= self.reply_sigma <= 2.0:
            raise ValueError(f"reply_sigma is {self.reply_sigma}; give a number from 0 to 2")
        if not 0.0 <= self.incidents_per_hour <= 600.0:
            raise ValueError(f"incidents_per_hour is {self.incidents_per_hour}; give a number from 0 to 600")
        shares = [name for name in self.__dataclass_fields__ if name.endswith("_share")]
        for name in shares:
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} is {getattr(self, name)}; a share lies between 0 and 1")
        unknown = set(self.languages) - set(LANGUAGES)
        if unknown or any(share < 0 for share in self.languages.values()):
            raise ValueError(f"languages is {dict(self.languages)}; give shares above 0 for {' and '.join(LANGUAGES)}")
        if not math.isclose(sum(self.languages.values()), 1.0, abs_tol=1e-6):
            raise ValueError(f"languages sums to {sum(self.languages.values())}; the shares of all languages sum to 1")
        if unknown_kinds := set(self.incident_kinds) - set(KINDS):
            raise ValueError(f"incident_kinds has {sorted(unknown_kinds)}; known are {', '.join(KINDS)}")
