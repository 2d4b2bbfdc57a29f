"""Whose turn it is in a session, and how long an agent has gone on alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from udfs.events import MESSAGE_ID, SENT_AT, Rank, Row
from udfs.findings import Findings, note
from udfs.limits import NEVER, Limits

CUSTOMER: Final = int(Rank.CUSTOMER)
AGENT: Final = int(Rank.AGENT)


@dataclass(slots=True)
class Turns:
    """Turns and exchanges as `udfs.measures` defines them."""

    count: int = 0
    exchanges: int = 0
    side: int = NEVER  # Rank of whose turn it is
    agent_run: int = 0  # agent messages in a row
    agent_run_ids: list[str] = field(default_factory=list)  # of the run, the first and the newest

    def hear_customer(self, row: Row, limits: Limits, findings: Findings) -> None:
        """The customer says something."""
        if self.side != CUSTOMER:
            self.side = CUSTOMER
            self.count += 1
        if self.agent_run:
            findings.end_runs(limits.monologue_rules, row[SENT_AT], "customer_spoke")
            self.agent_run = 0
            self.agent_run_ids = []

    def hear_agent(self, row: Row, limits: Limits, findings: Findings, agent: str) -> None:
        """An agent says something."""
        if self.side != AGENT:
            if self.side == CUSTOMER:
                self.exchanges += 1
            self.side = AGENT
            self.count += 1
        self.agent_run += 1
        if limits.monologue:
            note(self.agent_run_ids, row[MESSAGE_ID])
        for rule, count in limits.monologue:
            findings.run("monologue", rule, count, self.agent_run, self.agent_run_ids, row[SENT_AT], agent)
