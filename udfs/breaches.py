"""What a session shows of the rules: breaches, which last, and hits, which don't. Times are epoch ms."""

from __future__ import annotations

from dataclasses import dataclass, field

from udfs.limits import NEVER


@dataclass(slots=True)
class Breach:
    """A stretch of time in which a rule's limit was exceeded."""

    rule: str
    opener: str  # message_id of what began it
    started_at: int
    due: int  # when it became an alert
    ended_at: int = NEVER  # NEVER while it goes on
    reason: str = ""  # why it ended
    observed: int = 0  # ms, or messages
    agent: str = ""  # who spoke last for the shop
    evidence: list[str] = field(default_factory=list)  # message_ids
    kind: str = ""  # of the rule, whatever the rule is now. A state up to version 3 does not know it


@dataclass(slots=True)
class Hit:
    """A moment that a rule names."""

    rule: str
    message_id: str
    at: int
    agent: str  # who is spoken of
    detail: float | str  # by how many points the mood has changed, or the words
    rank: int = NEVER  # Rank of the writer
    edit: str = ""  # the hash of the edit that brought it in. A state of version 1 has neither of the two

    @property
    def kind(self) -> str:
        """Of the rule, whatever the rule is now."""
        return "phrases" if isinstance(self.detail, str) else "sentiment_shift"
