"""What happens to a batch of records before they reach their conversations: parse, mask, match phrases, score, pack.

This is the pure side of the job's vectorised UDF. Each record becomes a (key, packed row), a dead letter under a
synthetic key, or nothing (a tick). Text leaves here masked, and personal ids leave hashed.
"""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from models.scorer import Score, Scorer
from udfs.dead_letters import dead_letter
from udfs.events import DEAD_LETTER_KEY, SCORE, Flag, Kind, Rank, Row, conversation_key, message_hash, pack
from udfs.markup import shows_picture, strip_html
from udfs.parsing import Refused, TimeLimits, parse
from udfs.personal_ids import hidden, holds_phone, is_personal_identifier
from udfs.phrase_rules import PhraseMatcher
from udfs.privacy import Masker, decoded_views
from udfs.text import repair, visible
from udfs.wording import NOTHING, WordingReader

RANKS = {"customer": int(Rank.CUSTOMER), "agent": int(Rank.AGENT), "bot": int(Rank.BOT), "system": int(Rank.SYSTEM)}
KINDS = {kind.name.lower(): int(kind) for kind in Kind}
SPEAKS, _, _, INTERNAL, HUMAN, ATTACHMENT, NEGATIVE, POSITIVE = (int(flag) for flag in Flag)
EDIT = int(Kind.EDIT)
AFTER_MESSAGES = 1 << 12  # above every Flag: of two records with one id and time, the message sorts first
MAX_FIELD = 200
MAX_URL = 2_000
MAX_KNOWN_KEYS = 50_000
DEAD_LETTER_WINDOW = 10_000
TRUE = (True, "true", "True", 1, "1")
NAMES = ("agent_id", "shop", "queue", "channel")


_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class TooManyDeadLetters(RuntimeError):
    """More of the last records were refused than the setting allows: a producer is broken, and should be stopped."""


@dataclass(slots=True)
class Batch:
    """A batch after reading, and what it took."""

    keys: list[str | None]
    values: list[str | None]
    events: int = 0
    dead_letters: int = 0
    scored: int = 0
    scoring_seconds: float = 0.0


@dataclass
class Reader:
    """Reads batches of records. `hash_key` is the secret under which personal ids are hashed."""

    scorer: Scorer
    phrases: PhraseMatcher
    masker: Masker
    hash_key: bytes
    topic: str
    time_limits: TimeLimits = field(default_factory=TimeLimits)
    dead_letter_limit: float = 0.5
    clock: Callable[[], float] = time.perf_counter

    def __post_init__(self) -> None:
        self._keys: dict[tuple[str, str, str], str] = {}
        self._names: dict[str, str] = {}
        self._urls: dict[str, str] = {}
        self._wordings = WordingReader(self.phrases, self.masker)
        self._refused: deque[bool] = deque(maxlen=DEAD_LETTER_WINDOW)
        self._refused_count = 0

    def read(
        self,
        bodies: Sequence[bytes | None],
        partitions: Sequence[int],
        offsets: Sequence[int],
        times_ms: Sequence[int],
    ) -> Batch:
        """Read a batch: four sequences of one length, one entry a record; the batch has that length and order too."""
        batch = Batch([None] * len(bodies), [None] * len(bodies))
        rows: list[Row] = []
        places: list[int] = []
        for at, body in enumerate(bodies):
            partition, offset, record_ms = int(partitions[at]), int(offsets[at]), int(times_ms[at])
            try:
                event = parse(body, record_ms, self.time_limits)
            except Refused as refused:
                batch.keys[at] = f"{DEAD_LETTER_KEY}{self.topic}{partition}"
                batch.values[at] = dead_letter(
                    body, refused.reason, refused.detail, self.topic, partition, offset, record_ms, self.masker
                )
                self._count(True)
                continue
            if event is None:
                continue  # a tick is no producer's record: it must not hide how many of those are refused
            self._count(False)
            key = self._key(event)
            batch.keys[at] = key
            rows.append(self._row(key, event, partition, offset))
            places.append(at)
        batch.events = len(rows)
        batch.dead_letters = sum(1 for key in batch.keys if key is not None and key[0] == DEAD_LETTER_KEY)
        self._score(rows, batch)
        for at, row in zip(places, rows, strict=True):
            batch.values[at] = pack(row)
        return batch

    def _row(self, key: str, event: dict[str, Any], partition: int, offset: int) -> Row:
        get = event.get
        sender = event["sender"]
        kind = KINDS[event["kind"]]
        text = event["text"]
        flags = kind
        if kind:
            flags |= AFTER_MESSAGES
        if get("visibility") == "internal":
            flags |= INTERNAL
        human = sender == "agent"
        if "automated" in event and event["automated"] in TRUE:
            human = False
        if sender == "bot" and get("bot_mode") == "assist":
            human = True
        if human:
            flags |= HUMAN
        if event.get("attachments"):
            flags |= ATTACHMENT
        if text and "html" in str(get("format") or "").lower():
            html, text = text, strip_html(text)
            if not visible(text) and shows_picture(html):
                flags |= ATTACHMENT
        wording = NOTHING
        if kind <= EDIT and not flags & INTERNAL:
            if flags & ATTACHMENT or (text and visible(text)):
                flags |= SPEAKS
            if text:
                wording = self._wordings.read(text, sender if sender == "customer" else "agent" if human else "bot")
                flags |= wording.flags
        elif text:
            wording = self._wordings.read(text, "")
        message_id = self._message_id(event["message_id"])
        told_apart = str(get("edited_at") or wording.masked) if kind == EDIT else ""
        names = self._names.get  # the same few shops, queues and agents again and again
        fields: list[str] = []
        for name in NAMES:
            value = get(name)
            if value is None or value == "":
                fields.append("")
                continue
            known = names(value) if value.__class__ is str else None
            fields.append(self._name(value) if known is None else known)
        agent, shop, queue, channel = fields
        return [
            event["sent_at"],
            RANKS[sender],
            message_id,
            flags,
            message_hash(key, message_id, kind, told_apart),
            agent,
            None,
            wording.hits,
            self._message_id(_told(get("reply_to"))),
            wording.language,
            shop,
            queue,
            channel,
            self._url(get("url")),
            wording.masked,
            partition,
            offset,
            sender,
        ]

    def _score(self, rows: list[Row], batch: Batch) -> None:
        """Fill in the sentiment of every message that has text."""
        chosen = [row for row in rows if row[14] and not row[3] & 15]
        if not chosen:
            return
        started = self.clock()
        scores = self.scorer.score([row[14] for row in chosen])
        batch.scoring_seconds = self.clock() - started
        if len(scores) != len(chosen):
            raise RuntimeError(f"the scorer returned {len(scores)} scores for {len(chosen)} texts")
        for row, score in zip(chosen, scores, strict=True):
            if score is not None:
                batch.scored += 1
                row[SCORE] = _hundredths(score)
                row[3] |= NEGATIVE if score.label == "negative" else POSITIVE if score.label == "positive" else 0

    def _key(self, event: dict[str, Any]) -> str:
        parts = (event["tenant"], event["source"], event["conversation_id"])
        key = self._keys.get(parts)
        if key is None:
            if len(self._keys) >= MAX_KNOWN_KEYS:
                self._keys.clear()
            key = conversation_key(*(self._identifier(part) for part in parts))
            self._keys[parts] = key
        return key

    def _identifier(self, value: str) -> str:
        """The id, or its keyed hash where it is or holds a phone number or an e-mail."""
        return hidden(value, self.hash_key) if is_personal_identifier(value) else value

    def _message_id(self, value: str) -> str:
        """The id of a message, or its keyed hash where it holds a phone number."""
        return hidden(value, self.hash_key) if holds_phone(value) else value

    def _name(self, value: Any) -> str:
        """A name as it is kept: repaired, cut to size, hashed where it is a personal id, masked where something personal is in it."""
        text = _told(value)
        known = self._names.get(text)
        if known is None:
            known = self._identifier(text) if text else ""
            known = self.masker.mask(known).text if known is text else known
            if value.__class__ is str and len(value) <= MAX_FIELD:  # the key is kept as well
                if len(self._names) >= MAX_KNOWN_KEYS:
                    self._names.clear()
                self._names[value] = known
        return known

    def _url(self, value: Any) -> str:
        """The conversation's address, masked; it comes with every one of its messages."""
        if not value or value.__class__ is not str:
            return ""
        known = self._urls.get(value)
        if known is None:
            known = self._masked_url(_CONTROL.sub("", repair(value[: 2 * MAX_URL]))[:MAX_URL])
            if len(value) <= MAX_URL:
                if len(self._urls) >= MAX_KNOWN_KEYS:
                    self._urls.clear()
                self._urls[value] = known
        return known

    def _masked_url(self, url: str) -> str:
        """The address as it is, masked; decoded, where only then personal data show."""
        masked = self.masker.mask(url, whole_links=False).text
        if "%" not in masked and "+" not in masked:
            return masked
        views = [self.masker.mask(view, whole_links=False) for view in decoded_views(masked)]
        most = max(views, key=lambda view: len(view.spans))
        return most.text if most.spans else masked

    def _count(self, refused: bool) -> None:
        if not self.dead_letter_limit:
            return
        window = self._refused
        if len(window) == DEAD_LETTER_WINDOW:
            self._refused_count -= window[0]
        window.append(refused)
        self._refused_count += refused
        if refused and len(window) == DEAD_LETTER_WINDOW:
            share = self._refused_count / DEAD_LETTER_WINDOW
            if share > self.dead_letter_limit:
                raise TooManyDeadLetters(
                    f"dead_letter_limit: {share:.0%} of the last {DEAD_LETTER_WINDOW} records of {self.topic} were "
                    f"refused, the limit is {self.dead_letter_limit:.0%}; read the reasons in the dead letters, and repair "
                    "the producer. What lies in Kafka already is passed only with a higher limit: raise it for as long as that takes"
                )


def _hundredths(score: Score) -> int:
    return max(-100, min(100, round(float(score.score) * 100)))


def _told(value: Any) -> str:
    """An optional field as text of at most MAX_FIELD characters; what else it may be is nothing."""
    text = value[: 2 * MAX_FIELD] if value.__class__ is str else str(value) if isinstance(value, int | float) else ""
    return _CONTROL.sub(" ", repair(text))[:MAX_FIELD]  # a terminal would do what a control character says
