"""What a session shows of the rules: breaches, which last, and hits, which don't. Times are epoch ms."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from udfs.events import Row
from udfs.limits import NEVER

MAX_HITS: Final = 200
"""Of all rules together; a rule's first is kept in any case."""

MAX_EVIDENCE: Final = 20  # messages of a run


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


@dataclass(slots=True)
class Findings:
    """All of one session."""

    running: list[Breach] = field(default_factory=list)  # monologues and streaks that go on
    breaches: list[Breach] = field(default_factory=list)  # what has ended
    hits: list[Hit] = field(default_factory=list)

    @classmethod
    def from_row(cls, row: list[Any]) -> Findings:
        """From its fields' values in their order, see `udfs.rows`."""
        running, breaches, hits = row
        return cls([Breach(*each) for each in running], [Breach(*each) for each in breaches], [Hit(*each) for each in hits])

    @property
    def any(self) -> bool:
        """Whether there is one."""
        return bool(self.running or self.breaches or self.hits)

    def broken(self, kind: str, rule: str, opener: str, since: int, due: int, at: int, reason: str, agent: str) -> None:
        """A wait has ended at `at`, later than it was due."""
        self.breaches.append(Breach(rule, opener, since, due, at, reason, at - since, agent, [opener], kind))

    def run(self, kind: str, rule: str, count: int, length: int, ids: list[str], at: int, agent: str) -> None:
        """A run has become so long with the message whose id is the last of `ids`: too long with its message number `count`, and each
        further one makes it longer."""
        if length < count:
            return
        breach = next((breach for breach in self.running if breach.rule == rule), None)
        if breach is None:  # or longer than that, where the rule was less strict until now
            self.running.append(Breach(rule, ids[-1], at, at, observed=length, agent=agent, evidence=list(ids), kind=kind))
        else:
            breach.observed = length
            breach.evidence = ids[:] if breach.opener in ids else [breach.opener, *ids]

    def end_runs(self, rules: Collection[str], at: int, reason: str) -> None:
        """The runs of these rules are over."""
        if not self.running:
            return
        for breach in self.running:
            if breach.rule in rules:
                breach.ended_at, breach.reason = at, reason
                self.breaches.append(breach)
        self.running = [breach for breach in self.running if breach.ended_at == NEVER]

    def hit(self, hits: Iterable[tuple[str, float | str]], row: Row, agent: str, edit: str = "") -> None:
        """Note what was found in a row, each with its rule. agent: who is spoken of; edit: the hash of the edit that it was found in."""
        sent_at, rank, message_id = row[:3]
        for rule, detail in hits:
            earlier = [hit.message_id for hit in self.hits if hit.rule == rule]
            if message_id not in earlier and (not earlier or len(self.hits) < MAX_HITS):
                self.hits.append(Hit(rule, message_id, sent_at, agent, detail, rank, edit))


def note(ids: list[str], message_id: str) -> None:
    """One message more of a run: the first one stays, and the newest."""
    if len(ids) >= MAX_EVIDENCE:
        del ids[1]
    ids.append(message_id)
