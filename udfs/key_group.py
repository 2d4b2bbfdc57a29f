"""The conversations of one key group: those at hand, and which of them is due when.

The job's stream is keyed by key group, Flink's own unit of keyed state, and not by conversation: a crossing between Java and
Python costs more than a conversation's step, and a batch brings a group many messages in one crossing. Each conversation is
still an entry of its own in the keyed state, written whenever it changes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Protocol
from zlib import crc32

from udfs.agenda import Agenda
from udfs.conversation import NO_TIMER, Conversation
from udfs.converse import Context, Output, advance, forgettable, hear, wake_at
from udfs.events import Row

MAX_AT_HAND: Final = 100
"""Conversations of a group that are kept unpacked, some 5 kB each."""


def key_group_of(conversation: str, groups: int) -> int:
    """Which of so many groups a conversation's key belongs to: for ever, since its state lies there."""
    return crc32(conversation.encode("utf-8", "surrogatepass")) % groups


class Stored(Protocol):
    """The group's keyed state: conversation key → packed state."""

    def get(self, key: str) -> str | None: ...

    def items(self) -> Iterable[tuple[str, str]]: ...


@dataclass(slots=True)
class Step:
    """What a step has brought: records to emit, states to write, keys whose state is to be removed, and counts."""

    out: list[Output] = field(default_factory=list)
    written: dict[str, str] = field(default_factory=dict)
    forgotten: list[str] = field(default_factory=list)
    opened: int = 0
    closed: int = 0


class KeyGroup:
    """One key group. `stored` is read only, and only for what is not at hand; the caller writes what a Step says.

    After a restore it is read once as a whole, to know what is due, and how far event time had come: Flink begins anew without a
    watermark, and until the first one what is restored must not be looked at from a time before it.
    """

    def __init__(self, context: Context, stored: Stored) -> None:
        self._context = context
        self._stored = stored
        self._at_hand: dict[str, Conversation] = {}
        self._agenda = Agenda()
        self._reached = 0
        self.restored_open = 0
        """Conversations that were open when this was made: no later step says that they were opened."""
        for key, packed in stored.items():
            state = Conversation.unpack(packed)
            self._reached = max(self._reached, state.watermark)
            self.restored_open += bool(state.sessions)
            if state.armed != NO_TIMER:
                # By a rule that is new or stricter than when this was armed, somebody may have waited too long already.
                self._agenda.set(key, min(state.armed, wake_at(state, 0, context.limits)))

    @property
    def reached(self) -> int:
        """How far event time has come here: the watermark of the latest step, or what was restored."""
        return self._reached

    def next_due(self) -> int | None:
        """The watermark at which `advance` has something to do; None while nothing is remembered."""
        return self._agenda.earliest()

    def hear(self, conversations: Iterable[tuple[str, list[Row]]], now: int, clock_ms: int) -> Step:
        """Records reach their conversations, in their order; `now` is the watermark, 0 while there is none, `clock_ms` goes into
        `detected_at`."""
        now = self._reached = max(now, self._reached)
        step = Step()
        context = self._context
        for key, rows in conversations:
            state = self._take(key)
            fresh = not state.sessions
            for row in rows:
                step.out += hear(state, key, row, now, clock_ms, context)
            if fresh and state.sessions:
                step.opened += 1
            self._rearm(key, state, now)
            step.written[key] = state.pack()
        return step

    def advance(self, now: int, clock_ms: int) -> Step:
        """Event time has reached `now`: everything due by then happens."""
        now = self._reached = max(now, self._reached)
        step = Step()
        for key in self._agenda.take_due(now):
            state = self._take(key)
            was_open = bool(state.sessions)
            step.out += advance(state, key, now, clock_ms, self._context)
            if was_open and not state.sessions:
                step.closed += 1
            state.armed = NO_TIMER
            if forgettable(state, now, self._context.limits):
                del self._at_hand[key]
                step.forgotten.append(key)
            else:
                self._rearm(key, state, now)
                step.written[key] = state.pack()
        return step

    def _rearm(self, key: str, state: Conversation, now: int) -> None:
        """Move the instant at which the conversation is looked at only forward in time; a look too early costs little."""
        due = max(wake_at(state, now, self._context.limits), now + 1)
        if state.armed == NO_TIMER or due < state.armed or state.armed <= now:
            state.armed = due
            self._agenda.set(key, due)

    def _take(self, key: str) -> Conversation:
        """The conversation, unpacked if it isn't at hand, in the place of the one that has been there longest."""
        state = self._at_hand.get(key)
        if state is None:
            if len(self._at_hand) >= MAX_AT_HAND:
                del self._at_hand[next(iter(self._at_hand))]
            state = self._at_hand[key] = Conversation.unpack(self._stored.get(key))
        return state

