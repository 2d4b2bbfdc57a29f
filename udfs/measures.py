"""What is measured about one session, folded message by message in the order of the conversation.

Definitions (the published ones of service desks, see DESIGN.md "Measures"):

- *Reply latency*: from the oldest unanswered customer message to the human agent's reply to it. One wait has one start
  and many ends: a human answer, `resolve`, `merge`, the session's end. Bots, templates, notes and system lines are
  transparent (`udfs.replies`).
- *First response time*: the session's first customer message → the first public human agent message after it.
- *Turn*: a maximal run of messages from one side (customer, agent). *Exchange*: a customer turn with the agent turn
  that follows it (`udfs.turns`).

`Measures.hear` must be called in order; `udfs.conversation` sees to that. Nothing here reads a clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from udfs.events import AGENT, HITS, ID_HASH, KIND_MASK, PLACE, RANK, SENT_AT, Flag, Kind, Rank, Row
from udfs.findings import Findings
from udfs.limits import NEVER, Limits
from udfs.mood import Mood
from udfs.replies import Replies
from udfs.rows import dumps
from udfs.turns import Turns

MAX_NAMES: Final = 50

# Plain integers: `Flag` members cost a method call per use, and this runs for every message.
SPEAKS, INTERNAL, HUMAN, HOLDING = (int(flag) for flag in (Flag.SPEAKS, Flag.INTERNAL, Flag.HUMAN, Flag.HOLDING))
EDIT, DELETE, ASSIGN, TRANSFER, RESOLVE, REOPEN, MERGE = (
    int(kind) for kind in (Kind.EDIT, Kind.DELETE, Kind.ASSIGN, Kind.TRANSFER, Kind.RESOLVE, Kind.REOPEN, Kind.MERGE)
)
CUSTOMER, BOT = int(Rank.CUSTOMER), int(Rank.BOT)


@dataclass(slots=True)
class Measures:
    """One session so far. Times are epoch ms, durations ms; `NEVER` (-1) where there is none yet."""

    opened_at: int
    first_arrival: int  # the watermark at which the first message arrived
    last_at: int = NEVER  # sent_at of the last message
    last_arrival: int = 0  # the latest watermark at which one of them arrived
    messages: int = 0
    digest: int = 0  # sum of the messages' id hashes modulo 2^64
    customer_messages: int = 0
    agent_messages: int = 0
    bot_messages: int = 0
    languages: list[str] = field(default_factory=list)
    agents: list[str] = field(default_factory=list)
    place: int = 0
    reopened: bool = False
    cut: bool = False  # ended by size or age: what was waited for goes on in the next session
    turns: Turns = field(default_factory=Turns)
    replies: Replies = field(default_factory=Replies)
    mood: Mood = field(default_factory=Mood)
    findings: Findings = field(default_factory=Findings)
    part: int = 0  # how many sessions that were cut before it opened in its very millisecond

    @classmethod
    def from_row(cls, row: list[Any]) -> Measures:
        """From its fields' values in their order, see `udfs.rows`."""
        session = cls(*row)
        kept: Any = session  # its parts are rows yet
        session.turns = Turns(*kept.turns)
        session.replies = Replies.from_row(kept.replies)
        session.mood = Mood(*kept.mood)
        session.findings = Findings.from_row(kept.findings)
        return session

    def copy(self) -> Measures:
        """A copy that shares nothing with this one."""
        return Measures.from_row(orjson.loads(dumps(self)))

    def hear(self, row: Row, limits: Limits) -> None:
        """Take the next record of the session, in order."""
        sent_at, rank, _, flags, id_hash, agent, score, hits, _, language, arrival, place = row
        kind = flags & KIND_MASK
        if kind:
            self._event(kind, row, limits)
            return
        self.messages += 1
        self.last_at = sent_at
        if arrival > self.last_arrival:
            self.last_arrival = arrival
        self.digest = (self.digest + int(id_hash, 16)) & 0xFFFF_FFFF_FFFF_FFFF
        self.place = place
        speaks = flags & SPEAKS
        public = not flags & INTERNAL
        if rank == CUSTOMER:
            if public:
                self.customer_messages += 1
            if speaks:
                self.turns.hear_customer(row, limits, self.findings)
                self.replies.hear_customer(row, limits)
            if score is not None and public:
                replies = self.replies
                self.mood.hear(row, score, flags, replies.calls_unanswered, limits, self.findings, replies.agent)
                self.mood.hear_tones(flags, by_agent=False)
        elif flags & HUMAN:
            if public:
                self.agent_messages += 1
                if agent and agent not in self.agents and len(self.agents) < MAX_NAMES:
                    self.agents.append(agent)
                if flags & HOLDING:
                    self.replies.holding += 1
                self.mood.hear_tones(flags, by_agent=True)
            if speaks:
                self.replies.hear_agent(row, limits, self.findings, alone=self.messages == 1)
                self.turns.hear_agent(row, limits, self.findings, agent)
        elif rank <= BOT:
            if public:
                self.bot_messages += 1
            if speaks:
                self.replies.hear_bot(flags)
        if speaks and language not in self.languages and language not in ("", "und") and len(self.languages) < MAX_NAMES:
            self.languages.append(language)
        if hits:
            self.findings.hit(hits, row, writer(row))

    def final_at(self, limits: Limits) -> int:
        """The watermark at which no message can change the session any more."""
        return max(self.last_at + limits.session_gap_ms, self.last_arrival) + limits.allowed_lateness_ms

    def _event(self, kind: int, row: Row, limits: Limits) -> None:
        sent_at = row[SENT_AT]
        replies = self.replies
        if kind in (ASSIGN, TRANSFER):
            self.place = row[PLACE]  # who is waited for sits there from now on
        if kind in (RESOLVE, MERGE):
            replies.end(sent_at, "resolved" if kind == RESOLVE else "merged", limits, self.findings)
            if kind == RESOLVE:
                replies.resolved = True
                replies.shop_asked = False
        elif kind == REOPEN:
            self.reopened = True
            replies.resolved = False
        elif kind in (EDIT, DELETE):
            replies.correct(row, limits, self.findings)
            if kind == EDIT and row[HITS]:
                self.findings.hit(row[HITS], row, writer(row), row[ID_HASH])


def writer(row: Row) -> str:
    """The agent who wrote the row; a customer's line carries the name of whoever has the conversation, who did not."""
    agent: str = row[AGENT]
    return "" if row[RANK] == CUSTOMER else agent
