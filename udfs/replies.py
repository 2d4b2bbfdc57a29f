"""Who waits for whom in a session, since when, and how long each answer took. Times are epoch ms, durations ms."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from udfs.events import AGENT, ARRIVAL, FLAGS, MESSAGE_ID, REPLY_TO, SENT_AT, Flag, Row
from udfs.findings import Findings
from udfs.limits import FOREVER, NEVER, Limits
from udfs.waits import EarlyAnswer, Promise, Wait

MAX_LATENCIES: Final = 1_000
OFFERED, SURVEYED = 2, 4  # beside False and True in `Replies.shop_asked`

# Plain integers: `Flag` members cost a method call per use, and this runs for every message.
COURTESY, ASKS, RATES, PROMISES = (int(flag) for flag in (Flag.COURTESY, Flag.ASKS, Flag.RATES, Flag.PROMISES))


@dataclass(slots=True)
class Replies:
    """Of one session so far, as `udfs.measures` defines them; `NEVER` (-1) where there is none yet."""

    asked_at: int = NEVER  # the session's first customer message
    first_response_ms: int = NEVER
    first_response_by: str = ""
    latencies: list[int] = field(default_factory=list)
    latency_agents: list[str] = field(default_factory=list)
    count: int = 0
    sum_ms: int = 0
    holding: int = 0  # agent messages that only ask the customer to wait
    unanswered: int = 0  # waits that ended otherwise
    wait: Wait | None = None
    promise: Promise | None = None
    early_answer: EarlyAnswer | None = None
    shop_spoke: bool = False  # an agent or a bot has said something public
    shop_asked: int = False  # what it has asked waits for the customer's word; OFFERED, SURVEYED: nothing but whether there is anything else, how it was
    human_spoke: bool = False
    agent: str = ""  # who spoke last for the shop
    resolved: bool = False  # marked so, and nothing was asked since

    @classmethod
    def from_row(cls, row: list[Any]) -> Replies:
        """From its fields' values in their order, see `udfs.rows`."""
        replies = cls(*row)
        kept: Any = replies  # its parts are rows yet
        if kept.wait:
            replies.wait = Wait.from_row(kept.wait)
        if kept.promise:
            replies.promise = Promise(*kept.promise)
        if kept.early_answer:
            replies.early_answer = EarlyAnswer(*kept.early_answer)
        return replies

    @property
    def calls_unanswered(self) -> int:
        """How often the customer has written and waits for an answer."""
        return 0 if self.wait is None else self.wait.calls

    @property
    def left_asked(self) -> int:
        """What a session that is over leaves to the conversation's next one: `shop_asked`, or NEVER where the shop had said nothing, or the
        customer was left waiting."""
        return self.shop_asked if self.shop_spoke and self.wait is None else NEVER

    def first_due(self, limits: Limits) -> int:
        """When the first alarm is due of what is waited for now; a silence that was broken off by a further line apart. FOREVER where
        nothing is."""
        due = FOREVER if self.wait is None else self.wait.first_due(limits)
        return due if self.promise is None else min(due, self.promise.due(limits.shortest_return_ms, limits))

    def hear_customer(self, row: Row, limits: Limits) -> None:
        """The customer says something: a wait begins or goes on, unless it is a courtesy or was answered already."""
        sent_at, message_id = row[SENT_AT], row[MESSAGE_ID]
        first = self.asked_at == NEVER
        if first:
            self.asked_at = sent_at
        if self.wait is not None:
            self.wait.another_line(sent_at, row[ARRIVAL], message_id, limits)
            self.shop_asked = False
            return
        if self._closes(row[FLAGS] & (COURTESY | ASKS | RATES)):
            return
        early, self.early_answer = self.early_answer, None
        # Two clocks disagree: the answer is stamped before its question.
        if early is not None and (sent_at - early.at <= limits.clock_skew_ms or early.reply_to == message_id):
            self._answered(0, early.agent)
            if first:
                self.first_response_ms, self.first_response_by = 0, early.agent
            return
        self.resolved = self.shop_asked = False
        self.wait = Wait.opened(sent_at, row[ARRIVAL], message_id)

    def hear_agent(self, row: Row, limits: Limits, findings: Findings, alone: bool) -> None:
        """An agent says something: that ends the wait, and keeps what was promised. alone: nobody has said anything before."""
        sent_at, agent, flags = row[SENT_AT], row[AGENT], row[FLAGS]
        if self.asked_at != NEVER and self.first_response_ms == NEVER:
            self.first_response_ms, self.first_response_by = sent_at - self.asked_at, agent
        if self.wait is not None:
            latency = sent_at - self.wait.start
            self._end_wait(sent_at, "answered", limits, findings)
            self._answered(latency, agent)
        elif not alone:
            self.early_answer = EarlyAnswer(sent_at, agent, row[REPLY_TO])
        self._end_promise(sent_at, "answered", limits, findings)
        if flags & PROMISES and not self.resolved:
            self.promise = Promise(sent_at, row[ARRIVAL], row[MESSAGE_ID], agent)
        self.agent = agent  # only now: the wait that has just ended was not this agent's
        self.shop_spoke = self.human_spoke = True
        self._ask(flags)

    def hear_bot(self, flags: int) -> None:
        """A bot says something, which is no answer. What comes by itself after the end wants a rating, and what it asks of a customer who
        waits ("what is it about?") is settled by the person who answers him."""
        self.shop_spoke = True
        if not self.resolved and self.wait is None:
            self._ask(flags)

    def end(self, at: int, reason: str, limits: Limits, findings: Findings) -> None:
        """Nobody has to answer any more."""
        if self.wait is not None:
            self.unanswered += 1
            self._end_wait(at, reason, limits, findings)
        self._end_promise(at, reason, limits, findings)

    def correct(self, row: Row, limits: Limits, findings: Findings) -> None:
        """A message is edited or deleted: what asked to wait may have become the answer."""
        if self.promise is not None and self.promise.opener == row[MESSAGE_ID] and not row[FLAGS] & PROMISES:
            self._end_promise(row[SENT_AT], "answered", limits, findings)

    def _ask(self, flags: int) -> None:
        """What the shop asks waits for the customer's word, whatever else the shop says meanwhile, and a question for more than an offer of
        help: "ok" to "shall I cancel it?" and "anything else?" has something to follow."""
        if flags & ASKS:
            self.shop_asked = True
        elif self.shop_asked is not True and flags & (COURTESY | RATES):
            self.shop_asked |= (OFFERED if flags & COURTESY else 0) | (SURVEYED if flags & RATES else 0)

    def _closes(self, said: int) -> bool:
        """Whether a customer's line, by its flags, waits for nothing: thanks after the answer, no to "anything else?", yes to "was it solved?",
        any of these or a rating after the end."""
        if not self.shop_spoke or self.shop_asked is True:
            return False
        if said == COURTESY or (self.resolved and said and said != COURTESY | ASKS):
            return True
        if said == COURTESY | RATES:  # a no with thanks
            return self.shop_asked != SURVEYED
        return bool((said == ASKS and self.shop_asked & OFFERED) or (said == RATES and self.shop_asked & SURVEYED))

    def _answered(self, latency: int, agent: str) -> None:
        self.count += 1
        self.sum_ms += latency
        if len(self.latencies) < MAX_LATENCIES:
            self.latencies.append(latency)
            self.latency_agents.append(agent)

    def _end_wait(self, at: int, reason: str, limits: Limits, findings: Findings) -> None:
        """The wait is over at `at`: note which limits it had broken by then."""
        wait = self.wait
        if wait is None:
            return
        for rule, limit in limits.slow_reply:
            due = wait.reply_due(limit, limits)
            if at > due:
                findings.broken("slow_reply", rule, wait.opener, wait.start, due, at, reason, self.agent)
        for rule, limit in limits.silence:
            silent = wait.silence(rule, limit, limits)
            if at > silent.due:
                findings.broken("silence", rule, silent.opener, silent.since, silent.due, at, reason, self.agent)
        self.wait = None

    def _end_promise(self, at: int, reason: str, limits: Limits, findings: Findings) -> None:
        """Somebody has come back at `at`, or nobody has to any more: note which limits that was too late for."""
        promise = self.promise
        if promise is None:
            return
        for rule, limit in limits.promised_return:
            due = promise.due(limit, limits)
            if at > due:
                findings.broken("promised_return", rule, promise.opener, promise.at, due, at, reason, promise.agent)
        self.promise = None
