"""What happens to a batch of records before they reach their conversations: parse, mask, match phrases, score, pack.

This is the pure side of the job's vectorised UDF. Each record becomes a (key, packed row), a dead letter under a
synthetic key, or nothing (a tick). Text leaves here masked, and personal ids leave hashed.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from models.scorer import TONES, Score, Scorer
from udfs.dead_letters import READER_ERROR, DeadLetterWindow, dead_letter, fault_of
from udfs.events import DEAD_LETTER_KEY, FLAGS, KIND_MASK, RANK, SCORE, TEXT, Flag, Kind, Rank, Row, message_hash, pack
from udfs.loose_values import word
from udfs.markup import shows_picture, strip_html
from udfs.names import Names
from udfs.parsing import Refused, TimeLimits, parse
from udfs.phrase_rules import PhraseMatcher
from udfs.privacy import Masker
from udfs.text import visible
from udfs.wording import NOTHING, WordingReader

LOG = logging.getLogger(__name__)
RANKS = {rank.name.lower(): int(rank) for rank in Rank}
KINDS = {kind.name.lower(): int(kind) for kind in Kind}
SPEAKS, INTERNAL, HUMAN, ATTACHMENT, NEGATIVE, TONED = (
    int(flag) for flag in (Flag.SPEAKS, Flag.INTERNAL, Flag.HUMAN, Flag.ATTACHMENT, Flag.NEGATIVE, Flag.TONED)
)
OF_HOLDING = int(Flag.HOLDING | Flag.PROMISES)
OF_TONES = tuple(int(Flag[tone.upper()]) for tone in TONES)
CUSTOMER, EDIT = int(Rank.CUSTOMER), int(Kind.EDIT)
AFTER_MESSAGES = 1 << 30  # above every Flag: of two records with one id and time, the message sorts first


@dataclass(slots=True)
class Batch:
    """A batch after reading, and what it took."""

    keys: list[str | None]
    values: list[str | None]
    events: int = 0
    dead_letters: int = 0
    reader_errors: int = 0  # of them, those at which the reader itself failed
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
        self._names = Names(self.masker, self.hash_key)
        self._wordings = WordingReader(self.phrases, self.masker)
        self._window = DeadLetterWindow(self.dead_letter_limit, self.topic)
        self._logged: set[str] = set()  # faults of this reader

    def read(
        self,
        bodies: Sequence[bytes | None],
        partitions: Sequence[int],
        offsets: Sequence[int],
        times_ms: Sequence[int],
    ) -> Batch:
        """Read a batch: four sequences of one length, one entry a record; the batch has that length and order too. A record at which the
        reading itself fails is a dead letter `reader_error`: raised, it would restart the job at this record for ever, and the exception's text,
        which may be the record's, would be in the log."""
        batch = Batch([None] * len(bodies), [None] * len(bodies))
        rows: list[Row] = []
        texts: list[str] = []
        places: list[int] = []
        for at, body in enumerate(bodies):
            partition, offset, record_ms = int(partitions[at]), int(offsets[at]), int(times_ms[at])
            try:
                event = parse(body, record_ms, self.time_limits)
                if event is None:
                    continue  # a tick is no producer's record: it must not hide how many of those are refused
                key = self._names.keys[event["tenant"], event["source"], event["conversation_id"]]
                row, text = self._row(key, event, partition, offset)
            except MemoryError:
                raise  # the machine's fault, and none of the record's
            except Exception as error:
                refused = error if isinstance(error, Refused) else self._failed(error, partition, offset, batch)
                batch.keys[at] = f"{DEAD_LETTER_KEY}{self.topic}{partition}"
                batch.values[at] = dead_letter(
                    body, refused.reason, refused.detail, self.topic, partition, offset, record_ms, self.masker
                )
                self._window.count(True)
                continue
            self._window.count(False)
            batch.keys[at] = key
            rows.append(row)
            texts.append(text)
            places.append(at)
        batch.events = len(rows)
        batch.dead_letters = sum(1 for key in batch.keys if key is not None and key[0] == DEAD_LETTER_KEY)
        self._score(rows, texts, batch)
        for at, row in zip(places, rows, strict=True):
            batch.values[at] = pack(row)
        return batch

    def _failed(self, error: Exception, partition: int, offset: int, batch: Batch) -> Refused:
        """What a record is refused with at which the reader failed; the first of each fault is logged, all are counted."""
        batch.reader_errors += 1
        fault = fault_of(error)
        if fault not in self._logged:
            self._logged.add(fault)
            LOG.error(
                "%s: %s while reading partition %d, offset %d of %s: a fault of ReplyWatch's, please report it. Each such record is a dead letter, "
                "counted as reader_errors; further ones are not logged",
                READER_ERROR, fault, partition, offset, self.topic,
            )  # fmt: skip
        return Refused(READER_ERROR, f"{fault}; a fault of ReplyWatch's, please report it")

    def _row(self, key: str, event: dict[str, Any], partition: int, offset: int) -> tuple[Row, str]:
        """The record as a row, and what a model is to read of it."""
        get, names = event.get, self._names
        name = names.name
        kind = KINDS[event["kind"]]
        flags, text = _seen(event, kind)
        wording = NOTHING
        if text:
            speaker = "" if kind > EDIT or flags & INTERNAL else _speaker(event["sender"], flags)
            wording = self._wordings.read(text, speaker)
            # What a picture comes with is no empty promise.
            flags |= wording.flags & ~OF_HOLDING if flags & ATTACHMENT else wording.flags
        message_id = names.message_id(event["message_id"])
        told_apart = str(get("edited_at") or wording.masked) if kind == EDIT else ""
        row = [
            event["sent_at"],
            RANKS[event["sender"]],
            message_id,
            flags,
            message_hash(key, message_id, kind, told_apart),
            name(get("agent_id")),
            None,
            wording.hits,
            names.reply_to(get("reply_to")),
            wording.language,
            name(get("shop")),
            name(get("queue")),
            name(get("channel")),
            names.url(get("url")),
            wording.masked,
            partition,
            offset,
            event["sender"],
        ]
        return row, wording.own

    def _score(self, rows: list[Row], texts: list[str], batch: Batch) -> None:
        """Fill in the sentiment of the messages that have text and whose mood counts, a customer's and a person's of the shop: what its writer
        quotes is not his mood."""
        chosen = [at for at, row in enumerate(rows) if row[TEXT] and _has_mood(row)]
        if not chosen:
            return
        started = self.clock()
        scores = self.scorer.score([texts[at] for at in chosen])
        batch.scoring_seconds = self.clock() - started
        if len(scores) != len(chosen):
            raise RuntimeError(f"the scorer returned {len(scores)} scores for {len(chosen)} texts")
        for at, score in zip(chosen, scores, strict=True):
            if score is not None:
                row = rows[at]
                batch.scored += 1
                row[SCORE] = _hundredths(score)
                row[FLAGS] |= _heard(score)


def _has_mood(row: Row) -> bool:
    """Whether anything is made of a score of the row: of a public message of a customer's or a person's. Notes, bots' and system lines are many."""
    flags = row[FLAGS]
    return not flags & (KIND_MASK | INTERNAL) and (row[RANK] == CUSTOMER or flags & HUMAN != 0)


def _heard(score: Score) -> int:
    """The flags of what a model hears in a message."""
    flags = NEGATIVE if score.label == "negative" else 0
    if score.tones:
        flags |= TONED
        for flag, probability in zip(OF_TONES, score.tones, strict=True):
            if probability >= 0.5:
                flags |= flag
    return flags


def _hundredths(score: Score) -> int:
    return max(-100, min(100, round(float(score.score) * 100)))


def _seen(event: dict[str, Any], kind: int) -> tuple[int, str]:
    """The flags of what an event is and who speaks in it, and the text that is seen of it: without markup."""
    get, text = event.get, event["text"]
    sender = event["sender"]
    flags = kind | AFTER_MESSAGES if kind else kind
    if get("visibility") == "internal":
        flags |= INTERNAL
    if (sender == "agent" and not get("automated")) or (sender == "bot" and word(get("bot_mode")) == "assist"):
        flags |= HUMAN
    if get("attachments"):
        flags |= ATTACHMENT
    form = get("format")
    if text and isinstance(form, str) and "html" in form.lower():
        markup, text = text, strip_html(text)
        if not visible(text) and shows_picture(markup):
            flags |= ATTACHMENT
    if kind <= EDIT and not flags & INTERNAL and (flags & ATTACHMENT or (text and visible(text))):
        flags |= SPEAKS
    return flags, text


def _speaker(sender: str, flags: int) -> str:
    """Whose words they are, as `WordingReader.read` wants to know."""
    return sender if sender == "customer" else "agent" if flags & HUMAN else "bot"
