"""The state of one conversation and how messages and time change it.

Messages arrive in any order. Those that can still be preceded by another are kept as rows in a *tail*; those that can't
are folded into a *head*, so that the state stays small however long the conversation grows. A message **settles** at
max(sent_at, watermark at its arrival) + allowed lateness; what sorts before a settled message is late. A session is
**published** once, at max(its last message + session gap, its last arrival) + lateness, when nothing can change it.

    done    sessions whose messages have all settled and whose successor has begun
    head    the fold of the settled messages of the session that the tail goes on with
    tail    unsettled rows, sorted
    live    the sessions as they stand: the head with the tail folded in, one as a rule

In order, a message costs one fold and one append; out of order, a fold of the tail. Settling is lazy: it happens when a
row arrives out of order (only then does it matter what is settled), when the tail has grown, and before publishing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import orjson

from udfs.earlier_state import earlier_measures
from udfs.events import ARRIVAL, FLAGS, HITS, ID_HASH, KIND_MASK, SENT_AT, STATE_COLUMNS, Kind, Row
from udfs.known_ids import KnownIds
from udfs.limits import NEVER, Limits
from udfs.measures import Measures
from udfs.places import Place, Places
from udfs.replies import Replies
from udfs.rows import dumps
from udfs.tail import ORDER_COLUMNS, Tail
from udfs.told import Told

VERSION: Final = 5
READABLE: Final = (1, 2, 3, 4, VERSION)
"""Version 1 had neither `last_place` nor `loose_at`, and neither the edit in what was told nor it and the speaker's rank in hits. Up to
version 2 what was told had no place and no severity, runs had no ids of their messages, and scores lay 60 characters higher. Up to
version 3 neither breaches nor what was told had a kind, the points of a fall of mood were a text, and a session was one flat row. Version 4 had no `left_asked`, and a mood no pauses."""

FOLD_TAIL_AT: Final = 64  # rows, at least
MAX_REPEATS: Final = 1_000
NO_TIMER: Final = 0
EDIT: Final = int(Kind.EDIT)
REOPEN: Final = int(Kind.REOPEN)


@dataclass(slots=True)
class Conversation:
    """What is remembered of one conversation between two messages. All of it is JSON; times are epoch ms."""

    barrier: int = NEVER  # end of the last published session + gap; NEVER: none was published
    settled: list[Any] | None = None  # order columns of the last settled row
    done: list[Measures] = field(default_factory=list)
    head: Measures | None = None
    live: list[Measures] = field(default_factory=list)
    tail: Tail = field(default_factory=Tail)
    places: Places = field(default_factory=Places)  # that rows point to
    told: list[Told] = field(default_factory=list)  # alerts of the sessions above, see udfs.alarms
    repeats: list[int] = field(default_factory=list)  # sent_at of repeats that were dropped
    armed: int = NO_TIMER  # the timer that is set
    forget_at: int = 0
    watermark: int = 0  # up to which everything due has been said
    ids: KnownIds = field(default_factory=KnownIds)
    reopen_head: bool = False  # a `reopen` was heard while no session was open; settled
    reopen_live: bool = False  # the same, with the tail
    loose_at: int = NO_TIMER  # when an edit that a rule hits, and that no session is open for, settles; NO_TIMER: there is none
    left_asked: int = NEVER  # of the last published session, see `Replies.left_asked`
    loose: list[Row] = field(default_factory=list)  # such edits that have settled; taken at once, and so not kept
    settle_at: int = field(default=FOLD_TAIL_AT, compare=False)  # rows of the tail, and
    settle_from: int = field(default=0, compare=False)  # the watermark: either will do. Not kept: they decide when, not what

    def pack(self) -> str:
        """The state as one versioned string: a line of JSON, and a line of the tail's rows."""
        tail = self.tail
        packed = dumps(
            (
                VERSION,
                self.barrier,
                self.settled,
                self.done,
                self.head,
                self.live,
                tail.size,
                tail.last,
                self.places.known,
                self.told,
                self.repeats,
                self.armed,
                self.forget_at,
                self.watermark,
                self.ids.latest,
                self.ids.before,
                self.ids.until,
                self.reopen_head,
                self.reopen_live,
                self.places.last,
                self.loose_at,
                self.left_asked,
            )
        ).decode()
        return f"{packed}\n{tail.pack()}"

    @classmethod
    def unpack(cls, packed: str | None) -> Conversation:
        """The state from its string; None is a conversation never heard of. ValueError for a version of the future."""
        if packed is None:
            return cls()
        state, _, rows = packed.partition("\n")
        version, barrier, settled, done, head, live, size, last, *rest = orjson.loads(state)
        if version not in READABLE:
            raise ValueError(
                f"conversation state has version {version}, this release reads {' and '.join(map(str, READABLE))}: "
                "start the job from a savepoint of the same release, or upgrade it"
            )
        read = Measures.from_row if version >= 4 else partial(earlier_measures, version)
        places, told, repeats, armed, forget_at, watermark, latest, before, until, reopen_head, reopen_live, *others = rest
        last_place, loose_at, left_asked = others + [NEVER, NO_TIMER, NEVER][len(others) :]
        return cls(
            barrier,
            settled,
            [read(row) for row in done],
            None if head is None else read(head),
            [read(row) for row in live],
            Tail(size, last, rows),
            Places(places, last_place),
            [Told(*row) for row in told],
            repeats,
            armed,
            forget_at,
            watermark,
            KnownIds(latest, before, until),
            reopen_head,
            reopen_live,
            loose_at,
            left_asked,
        )

    def place(self, session: Measures) -> Place:
        """Where a session is; blank what isn't known of it."""
        return self.places[session.place]

    @property
    def sessions(self) -> list[Measures]:
        """The sessions that are not published yet, in order."""
        return self.done + self.live if self.done else self.live

    def remember_id(self, row: Row, now: int, limits: Limits) -> bool:
        """Remember the record's id; False if it is known already, and the record a repeat."""
        if self.ids.remember(row[ID_HASH], now, limits.duplicate_memory_ms):
            return True
        if len(self.repeats) < MAX_REPEATS and not row[FLAGS] & KIND_MASK:
            self.repeats.append(row[SENT_AT])
        return False

    def add(self, event: Row, now: int, limits: Limits) -> bool:
        """Take a record that is no repeat; `now` is the watermark. False: it is late, and nothing has changed."""
        if event[SENT_AT] < self.barrier:
            return False
        row = event[:STATE_COLUMNS]
        tail = self.tail
        in_order = tail.last is None or row > tail.last
        if not in_order:
            self.settle(now, limits)
        if self.settled is not None and row < self.settled:
            return False
        row.append(now)
        row.append(self.places.take(event))
        if in_order:
            tail.append(row)
            if not self._continue(self.live, row, limits):
                self._wait_for(row, limits)
            if tail.size >= FOLD_TAIL_AT and (tail.size >= self.settle_at or now >= self.settle_from):
                self.settle(now, limits)
                # A flood of lines that can't settle yet isn't looked through at each of them, but when half of them can.
                self.settle_at = 2 * tail.size
                self.settle_from = settles_at(tail.rows[tail.size // 2], limits) if tail.size else 0
        else:
            tail.insert(row)
            self.reopen_live = self.reopen_head
            self.live = [] if self.head is None else [self.head.copy()]
            for other in tail.rows:
                if not self._continue(self.live, other, limits):
                    self._wait_for(other, limits)
        return True

    def settle(self, now: int, limits: Limits) -> None:
        """Fold into the head what nothing can precede any more at the watermark `now`."""
        tail = self.tail.rows
        ripe = len(tail)
        while ripe and settles_at(tail[ripe - 1], limits) > now:
            ripe -= 1
        if not ripe:
            return
        reopen_live = self.reopen_live
        self.reopen_live = self.reopen_head
        sessions = [] if self.head is None else [self.head]
        for row in tail[:ripe]:
            if not self._continue(sessions, row, limits) and self._is_loose(row):
                self.loose.append(row)
        self.reopen_head, self.reopen_live = self.reopen_live, reopen_live
        self.settled = tail[ripe - 1][:ORDER_COLUMNS]
        self.tail.drop(ripe)
        if sessions:
            self.done += sessions[:-1]
            self.head = sessions[-1]
            del self.live[: len(sessions) - 1]

    def settle_loose(self, now: int, limits: Limits) -> None:
        """Settle where an edit waits for it, into `loose` if no session has taken it."""
        if self.loose_at == NO_TIMER or now < self.loose_at:
            return
        self.settle(now, limits)
        self.loose_at = min((settles_at(row, limits) for row in self.tail.rows if self._is_loose(row)), default=NO_TIMER)

    def publish_at(self, limits: Limits) -> list[int]:
        """When each session can no longer change, as watermarks, in the order of the sessions."""
        sessions = self.sessions
        times = [session.final_at(limits) for session in sessions]
        for at in range(len(sessions) - 1):
            if sessions[at].cut:  # where it ends is settled when the first message of its successor is
                following = sessions[at + 1]
                begins = max(following.opened_at, following.first_arrival) + limits.allowed_lateness_ms
                times[at] = max(times[at], begins)
        return times

    def publishable(self, now: int, limits: Limits) -> int:
        """How many sessions, from the first on, can no longer change at the watermark `now`."""
        times = self.publish_at(limits)
        return max((number for number, at in enumerate(times, 1) if at <= now), default=0)

    def drop(self, count: int, now: int, limits: Limits) -> None:
        """Forget the first `count` sessions, which have just been published; nothing may join them from now on."""
        self.settle(now, limits)
        for session in self.sessions[:count]:
            if not session.cut:
                self.barrier = max(self.barrier, session.last_at + limits.session_gap_ms)
                self.left_asked = session.replies.left_asked
        from_done = min(count, len(self.done))
        del self.done[:from_done]
        del self.live[: count - from_done]
        if count > from_done:
            self.head = None  # its messages are all settled; an edit of it that the tail still has was told with it
        if not self.live:
            self.repeats = []
            if not self.tail.size and not self.loose:  # events without a session wait there: one may still open before them
                self.places = Places()

    def _wait_for(self, row: Row, limits: Limits) -> None:
        """No session has taken the row; one may still open before it."""
        if self._is_loose(row):
            at = settles_at(row, limits)
            self.loose_at = at if self.loose_at == NO_TIMER else min(self.loose_at, at)

    def _is_loose(self, row: Row) -> bool:
        """Whether a row that no session has taken is an edit that a rule hits: one of a published session was told with that."""
        return row[FLAGS] & KIND_MASK == EDIT and bool(row[HITS]) and row[SENT_AT] >= self.barrier

    def _continue(self, sessions: list[Measures], row: Row, limits: Limits) -> bool:
        """Fold the next row in order into the last session, or open the next one with it; whether a session has taken it."""
        current = sessions[-1] if sessions else None
        if row[FLAGS] & KIND_MASK:
            if current is not None and row[SENT_AT] - current.last_at < limits.session_gap_ms:
                current.hear(row, limits)
                return True
            if row[FLAGS] & KIND_MASK == REOPEN:
                self.reopen_live = True
            return False
        if current is not None and row[SENT_AT] - current.last_at < limits.session_gap_ms:
            full = current.messages >= limits.max_session_messages
            if not full and row[SENT_AT] - current.opened_at < limits.max_session_ms:
                current.hear(row, limits)
                return True
            # Each goes on with a wait of its own, its silences included: what is heard next is none of the session that is full.
            wait = current.replies.wait
            waiting = Replies(wait=wait and wait.copy(), promise=current.replies.promise)
            part = current.part + 1 if current.opened_at == row[SENT_AT] else 0
            following = Measures(row[SENT_AT], row[ARRIVAL], reopened=True, replies=waiting, part=part)
            current.cut = True
        else:
            before = self._ended_before(sessions, limits)
            reopened = before is not None and row[SENT_AT] - before < limits.duplicate_memory_ms
            following = Measures(row[SENT_AT], row[ARRIVAL], reopened=reopened)
            asked = self._left_asked(sessions) if reopened else NEVER
            if asked != NEVER:  # "thanks" an hour after the answer are thanks for it
                following.replies.shop_spoke, following.replies.shop_asked = True, asked
        following.reopened |= self.reopen_live
        self.reopen_live = False
        following.hear(row, limits)
        sessions.append(following)
        return True

    def _ended_before(self, sessions: list[Measures], limits: Limits) -> int | None:
        """When the session before the next one ended; None if there was none. Told by times alone, so that it doesn't matter when
        exactly a conversation is forgotten."""
        if sessions or self.done:
            return (sessions or self.done)[-1].last_at
        return None if self.barrier == NEVER else self.barrier - limits.session_gap_ms

    def _left_asked(self, sessions: list[Measures]) -> int:
        """What the session before the next one leaves to it, see `Replies.left_asked`."""
        return (sessions or self.done)[-1].replies.left_asked if sessions or self.done else self.left_asked


def settles_at(row: Row, limits: Limits) -> int:
    """The watermark at which nothing can precede the row any more."""
    at: int = max(row[SENT_AT], row[ARRIVAL]) + limits.allowed_lateness_ms
    return at
