"""What is measured about one session, folded message by message in the order of the conversation.

Definitions (the published ones of service desks, see DESIGN.md "Measures"):

- *Reply latency*: from the oldest unanswered customer message to the human agent's reply to it. One wait has one start
  and many ends: a human answer, `resolve`, `merge`, the session's end. Bots, templates, notes and system lines are
  transparent.
- *First response time*: the session's first customer message → the first public human agent message after it.
- *Turn*: a maximal run of messages from one side (customer, agent). *Exchange*: a customer turn with the agent turn
  that follows it.

`Measures.hear` must be called in order; `udfs.conversation` sees to that. Nothing here reads a clock.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from models.scorer import TONES
from udfs.breaches import Breach, Hit
from udfs.events import AGENT, HITS, ID_HASH, KIND_MASK, PLACE, RANK, SENT_AT, Flag, Kind, Rank, Row
from udfs.limits import FOREVER, NEVER, Limits
from udfs.rows import dumps
from udfs.waits import EarlyAnswer, Promise, Wait

MAX_LATENCIES: Final = 1_000
MAX_HITS: Final = 200
"""Of all rules together; a rule's first is kept in any case."""

MAX_NAMES: Final = 50
OFFSET_BEFORE: Final = 200  # `SCORE_OFFSET` in states of version 1 and 2
POINTS_BEFORE: Final = re.compile(r"[+-][0-2]\.[0-9]{2}")  # a fall of mood in states up to version 3: the detail of its hit
PRAISED_IN_VAIN: Final = 2
"""After so many lines that nobody has answered, praise counts half: it is seldom meant."""

MAX_EVIDENCE: Final = 20  # messages of a run
SCORE_OFFSET: Final = 140
"""A score of -100…100 hundredths is kept as the character with this code added: below U+0100, where Java keeps a string in one
byte a character."""


# Plain integers: `Flag` members cost a method call per use, and this runs for every message.
SPEAKS, COURTESY, ASKS, INTERNAL, HUMAN, RATES, HOLDING, TONED = (
    int(flag)
    for flag in (
        Flag.SPEAKS, Flag.COURTESY, Flag.ASKS, Flag.INTERNAL, Flag.HUMAN, Flag.RATES, Flag.HOLDING, Flag.TONED
    )
)  # fmt: skip
OF_TONES: Final = tuple(int(Flag[tone.upper()]) for tone in TONES)
NEGATIVE: Final = int(Flag.NEGATIVE)
OFFERED: Final = 2  # beside False and True in `Measures.shop_asked`
EDIT, ASSIGN, TRANSFER, RESOLVE, REOPEN, MERGE = (
    int(kind) for kind in (Kind.EDIT, Kind.ASSIGN, Kind.TRANSFER, Kind.RESOLVE, Kind.REOPEN, Kind.MERGE)
)
CUSTOMER, AGENT_RANK, BOT = int(Rank.CUSTOMER), int(Rank.AGENT), int(Rank.BOT)


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
    turns: int = 0
    exchanges: int = 0
    side: int = NEVER  # Rank of whose turn it is
    asked_at: int = NEVER  # the session's first customer message
    first_response_ms: int = NEVER
    first_response_by: str = ""
    latencies: list[int] = field(default_factory=list)
    latency_agents: list[str] = field(default_factory=list)
    reply_count: int = 0
    reply_sum_ms: int = 0
    waits_unanswered: int = 0
    wait: Wait | None = None
    shop_spoke: bool = False  # an agent or a bot has said something public
    shop_asked: int = False  # and the last such line held a question; OFFERED: whether there is anything else
    human_spoke: bool = False
    early_answer: EarlyAnswer | None = None
    agent_run: int = 0  # agent messages in a row
    streaks: dict[str, int] = field(default_factory=dict)  # rule → negative customer messages in a row
    running: list[Breach] = field(default_factory=list)  # monologues and streaks that go on
    breaches: list[Breach] = field(default_factory=list)  # what has ended
    hits: list[Hit] = field(default_factory=list)
    scores: str = ""  # of the customer's messages, one character each
    negative: int = 0
    languages: list[str] = field(default_factory=list)
    agents: list[str] = field(default_factory=list)
    agent: str = ""  # who spoke last for the shop
    place: int = 0
    resolved: bool = False
    reopened: bool = False
    cut: bool = False  # ended by size or age: its wait went on in the next session
    agent_run_ids: list[str] = field(default_factory=list)  # of the run's first messages
    streak_ids: dict[str, list[str]] = field(default_factory=dict)  # rule → those of its run
    holding_replies: int = 0  # agent messages that only ask the customer to wait
    tones: list[int] = field(default_factory=list)  # messages with each of TONES, the customer's and then the agents'; empty: none was told
    promise: Promise | None = None

    @classmethod
    def from_row(cls, row: list[Any]) -> Measures:
        """From its fields' values in their order, see `udfs.rows`."""
        session = cls(*row)
        kept: Any = session  # its parts are rows yet
        if kept.wait:
            session.wait = Wait.from_row(kept.wait)
        if kept.early_answer:
            session.early_answer = EarlyAnswer(*kept.early_answer)
        if kept.promise:
            session.promise = Promise(*kept.promise)
        session.running = [Breach(*each) for each in kept.running]
        session.breaches = [Breach(*each) for each in kept.breaches]
        session.hits = [Hit(*each) for each in kept.hits]
        return session

    def copy(self) -> Measures:
        """A copy that shares nothing with this one."""
        return Measures.from_row(orjson.loads(dumps(self)))

    def hear(self, row: Row, limits: Limits) -> None:
        """Take the next record of the session, in order."""
        sent_at, _, message_id, flags, id_hash, agent, score, hits, _, language, arrival, place = row
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
        rank = row[RANK]
        speaks = flags & SPEAKS
        if rank == CUSTOMER:
            if not flags & INTERNAL:
                self.customer_messages += 1
            if speaks:
                self._customer(sent_at, message_id, flags, arrival, limits)
            if score is not None and not flags & INTERNAL:
                self._feeling(row, score, flags, limits)
                if flags & TONED:
                    self._hear_tones(flags, 0)
        elif flags & HUMAN:
            if not flags & INTERNAL:
                self.agent_messages += 1
                if agent and agent not in self.agents and len(self.agents) < MAX_NAMES:
                    self.agents.append(agent)
                if flags & HOLDING:
                    self.holding_replies += 1
                if flags & TONED:
                    self._hear_tones(flags, len(TONES))
            if speaks:
                self._agent(row, limits)
        elif rank <= BOT:
            if not flags & INTERNAL:
                self.bot_messages += 1
            if speaks:
                self.shop_spoke = True
                self.shop_asked = not self.resolved and _asked(flags)  # what comes by itself after the end wants a rating
        if speaks and language not in self.languages and language not in ("", "und") and len(self.languages) < MAX_NAMES:
            self.languages.append(language)
        if hits:
            self._hits(hits, row, writer(row))

    def end_wait(self, at: int, reason: str, limits: Limits) -> None:
        """The wait is over at `at`: note which limits it had broken by then."""
        wait = self.wait
        if wait is None:
            return
        for rule, limit in limits.slow_reply:
            due = wait.reply_due(limit, limits)
            if at > due:
                self.breaches.append(
                    Breach(
                        rule, wait.opener, wait.start, due, at, reason, at - wait.start, self.agent, [wait.opener], "slow_reply"
                    )
                )
        for rule, limit in limits.silence:
            silent = wait.silence(rule, limit, limits)
            if at > silent.due:
                since, opener = silent.since, silent.opener
                self.breaches.append(
                    Breach(rule, opener, since, silent.due, at, reason, at - since, self.agent, [opener], "silence")
                )
        self.wait = None

    def end_promise(self, at: int, reason: str, limits: Limits) -> None:
        """Somebody has come back at `at`, or nobody has to any more: note which limits that was too late for."""
        promise = self.promise
        if promise is None:
            return
        for rule, limit in limits.promised_return:
            due = promise.due(limit, limits)
            if at > due:
                since, opener = promise.at, promise.opener
                self.breaches.append(Breach(rule, opener, since, due, at, reason, at - since, self.agent, [opener], "promised_return"))
        self.promise = None

    def first_due(self, limits: Limits) -> int:
        """When the first alarm is due of what is waited for now; a silence that was broken off by a further line apart. FOREVER where
        nothing is."""
        due = FOREVER if self.wait is None else self.wait.first_due(limits)
        return due if self.promise is None else min(due, self.promise.due(limits.shortest_return_ms, limits))

    def final_at(self, limits: Limits) -> int:
        """The watermark at which no message can change the session any more."""
        return max(self.last_at + limits.session_gap_ms, self.last_arrival) + limits.allowed_lateness_ms

    def thirds(self) -> tuple[float, float] | None:
        """Mean sentiment of the first and the last third of the customer's scored messages; None under three."""
        size = len(self.scores) // 3
        if not size:
            return None
        return mean_score(self.scores[:size]), mean_score(self.scores[-size:])

    def mean(self) -> float:
        """Mean sentiment, -1…1, of the customer's scored messages, of which there must be one."""
        return mean_score(self.scores)

    def _customer(self, sent_at: int, message_id: str, flags: int, arrival: int, limits: Limits) -> None:
        if self.side != CUSTOMER:
            self.side = CUSTOMER
            self.turns += 1
        if self.agent_run:
            self._end_runs(limits.monologue_rules, sent_at, "customer_spoke")
            self.agent_run = 0
            self.agent_run_ids = []
        first = self.asked_at == NEVER
        if first:
            self.asked_at = sent_at
        wait = self.wait
        if wait is not None:
            wait.another_line(sent_at, arrival, message_id, limits)
            return
        said = flags & (COURTESY | ASKS | RATES)
        if self.shop_spoke and self.shop_asked is not True and (
            said == COURTESY or (said == ASKS and self.shop_asked == OFFERED) or (said in (ASKS, RATES) and self.resolved)
        ):
            return  # "thanks" after the answer waits for nothing, nor does "no" after "anything else?" or a rating after the end
        early = self.early_answer
        self.early_answer = None
        # Two clocks disagree: the answer is stamped before its question.
        if early is not None and (sent_at - early.at <= limits.clock_skew_ms or early.reply_to == message_id):
            self._answered(0, early.agent)
            if first:
                self.first_response_ms, self.first_response_by = 0, early.agent
            return
        self.resolved = False
        self.wait = Wait.opened(sent_at, arrival, message_id)

    def _agent(self, row: Row, limits: Limits) -> None:
        sent_at, _, message_id, flags, _, agent, _, _, reply_to, _, arrival, _ = row
        if self.side != AGENT_RANK:
            if self.side == CUSTOMER:
                self.exchanges += 1
            self.side = AGENT_RANK
            self.turns += 1
        if self.asked_at != NEVER and self.first_response_ms == NEVER:
            self.first_response_ms, self.first_response_by = sent_at - self.asked_at, agent
        if self.wait is not None:
            latency = sent_at - self.wait.start
            self.end_wait(sent_at, "answered", limits)
            self._answered(latency, agent)
        elif self.messages > 1:
            self.early_answer = EarlyAnswer(sent_at, agent, reply_to)
        self.end_promise(sent_at, "answered", limits)
        if flags & HOLDING:
            self.promise = Promise(sent_at, arrival, message_id)
        self.agent = agent  # only now: the wait that has just ended was not this agent's
        self.shop_spoke = self.human_spoke = True
        self.shop_asked = _asked(flags)
        self.agent_run += 1
        if limits.monologue:
            _note(self.agent_run_ids, message_id)
        for rule, count in limits.monologue:
            self._run("monologue", rule, count, self.agent_run, self.agent_run_ids, message_id, sent_at)

    def _answered(self, latency: int, agent: str) -> None:
        self.reply_count += 1
        self.reply_sum_ms += latency
        if len(self.latencies) < MAX_LATENCIES:
            self.latencies.append(latency)
            self.latency_agents.append(agent)

    def _feeling(self, row: Row, score: int, flags: int, limits: Limits) -> None:
        sent_at, _, message_id = row[:3]
        if score > 0 and self.wait is not None and self.wait.lines > PRAISED_IN_VAIN:
            score //= 2
        self.scores += chr(score + SCORE_OFFSET)
        if flags & NEGATIVE:
            self.negative += 1
        for rule, count, at_or_below in limits.negative_streak:
            length = self.streaks.get(rule, 0)
            if score <= at_or_below:
                self.streaks[rule] = length + 1
                ids = self.streak_ids.setdefault(rule, [])
                _note(ids, message_id)
                self._run("negative_streak", rule, count, length + 1, ids, message_id, sent_at)
            elif length:
                self._end_runs({rule}, sent_at, "mood_changed")
                del self.streaks[rule]
                self.streak_ids.pop(rule, None)
        for rule, drop, at_least in limits.sentiment_shift:
            if len(self.scores) >= at_least and not any(hit.rule == rule for hit in self.hits):
                first, last = self.thirds() or (0.0, 0.0)
                if (last - first) * 100 <= -drop:
                    self._hits([(rule, round(last - first, 2))], row, self.agent)

    def _hear_tones(self, flags: int, first: int) -> None:
        """Count the tones of a message; first: where its side's begin."""
        if not self.tones:
            self.tones = [0] * (2 * len(TONES))
        for at, flag in enumerate(OF_TONES, first):
            if flags & flag:
                self.tones[at] += 1

    def _run(
        self, kind: str, rule: str, count: int, length: int, ids: list[str], message_id: str, sent_at: int
    ) -> None:
        """A run has become so long: too long with its message number `count`, and each further one makes it longer."""
        if length == count:
            self.running.append(  # the run's last message is its opener
                Breach(rule, message_id, sent_at, sent_at, observed=length, agent=self.agent, evidence=list(ids), kind=kind)
            )
        elif length > count:
            for breach in self.running:
                if breach.rule == rule:
                    breach.observed = length
                    breach.evidence = ids[:] if breach.opener in ids else [breach.opener, *ids]

    def _end_runs(self, rules: frozenset[str] | set[str], at: int, reason: str) -> None:
        if not self.running:
            return
        for breach in self.running:
            if breach.rule in rules:
                breach.ended_at, breach.reason = at, reason
                self.breaches.append(breach)
        self.running = [breach for breach in self.running if breach.ended_at == NEVER]

    def _hits(self, hits: Iterable[tuple[str, float | str]], row: Row, agent: str, edit: str = "") -> None:
        """Note what was found in a row. agent: who is spoken of; edit: the hash of the edit that it was found in."""
        sent_at, rank, message_id = row[:3]
        for rule, detail in hits:
            earlier = [hit.message_id for hit in self.hits if hit.rule == rule]
            if message_id not in earlier and (not earlier or len(self.hits) < MAX_HITS):
                self.hits.append(Hit(rule, message_id, sent_at, agent, detail, rank, edit))

    def _event(self, kind: int, row: Row, limits: Limits) -> None:
        sent_at = row[SENT_AT]
        if kind in (ASSIGN, TRANSFER):
            self.place = row[PLACE]  # who is waited for sits there from now on
        if kind in (RESOLVE, MERGE):
            reason = "resolved" if kind == RESOLVE else "merged"
            if self.wait is not None:
                self.waits_unanswered += 1
                self.end_wait(sent_at, reason, limits)
            self.end_promise(sent_at, reason, limits)
            if kind == RESOLVE:
                self.resolved = True
                self.shop_asked = False
        elif kind == REOPEN:
            self.reopened = True
            self.resolved = False
        elif kind == EDIT and row[HITS]:
            self._hits(row[HITS], row, writer(row), row[ID_HASH])


def earlier_measures(version: int, row: list[Any]) -> Measures:
    """A session from the row of a state of version 1, 2 or 3."""
    session = Measures.from_row(row)
    if version < 3:
        session.scores = "".join(chr(ord(each) - OFFSET_BEFORE + SCORE_OFFSET) for each in session.scores)
        for breach in (*session.breaches, *session.running):
            breach.evidence = [breach.opener]
    for hit in session.hits:
        if version == 1:
            hit.rank = AGENT_RANK if hit.agent else CUSTOMER
        if isinstance(hit.detail, str) and POINTS_BEFORE.fullmatch(hit.detail):
            hit.detail = float(hit.detail)
    return session


def _note(ids: list[str], message_id: str) -> None:
    """One message more of a run: the first one stays, and the newest."""
    if len(ids) >= MAX_EVIDENCE:
        del ids[1]
    ids.append(message_id)


def _asked(flags: int) -> int:
    """What a line of the shop's leaves open, as `Measures.shop_asked` keeps it."""
    return OFFERED if flags & COURTESY else bool(flags & ASKS)


def writer(row: Row) -> str:
    """The agent who wrote the row; a customer's line carries the name of whoever has the conversation, who did not."""
    agent: str = row[AGENT]
    return "" if row[RANK] == CUSTOMER else agent


def mean_score(scores: str) -> float:
    """The mean, in -1…1, of scores kept as characters."""
    return (sum(map(ord, scores)) / len(scores) - SCORE_OFFSET) / 100
