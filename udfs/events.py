"""The message event on its way through the job: one flat row, packed as a JSON array.

A row is written once by the reading step and read once by the conversation's step; its first columns go into the
conversation's state as they are. It is a list and not a class because a message is unpacked, compared and packed
again some tens of thousands of times a second: a list costs a third of a dataclass there, and lists of rows sort in
exactly the order of a conversation, (sent_at, rank, message_id), without a key function.
"""

from __future__ import annotations

import hashlib
from enum import IntEnum, IntFlag
from typing import Any, Final

import orjson

SEPARATOR: Final = "\x1f"
"""Between the parts of a composite key. Ids can't hold it: control characters in ids are refused."""

DEAD_LETTER_KEY: Final = SEPARATOR
"""First character of the synthetic keys of dead letters; a conversation's key starts with its tenant, never empty."""

# Columns of a row. The first STATE_COLUMNS are kept in a conversation's state, with ARRIVAL and PLACE behind them.
SENT_AT: Final = 0  # epoch ms, when it was written
RANK: Final = 1  # Rank: tie-break of equal times
MESSAGE_ID: Final = 2  # as sent (or its keyed hash where it is itself personal)
FLAGS: Final = 3  # Kind in the low four bits, Flag above
ID_HASH: Final = 4  # 16 hex characters, unique in the conversation: what repeats are recognised by
AGENT: Final = 5  # agent_id, "" if none
SCORE: Final = 6  # sentiment in hundredths, -100…100, None where there is nothing to score
HITS: Final = 7  # [[rule id, matched phrase], …]
REPLY_TO: Final = 8  # message_id that this one answers explicitly, or ""
LANGUAGE: Final = 9  # zh, en, …; "" where there is no text
STATE_COLUMNS: Final = 10
SHOP: Final = 10
QUEUE: Final = 11
CHANNEL: Final = 12
URL: Final = 13
TEXT: Final = 14  # masked
PARTITION: Final = 15
OFFSET: Final = 16
SENDER: Final = 17  # as sent: customer, agent, bot, system

ARRIVAL: Final = 10  # in state only: the watermark when the message arrived, epoch ms
PLACE: Final = 11  # in state only: index into the conversation's list of [shop, queue, channel, url]

Row = list[Any]


class Rank(IntEnum):
    """Who speaks, in the order that breaks ties of time: the question comes before its answer."""

    CUSTOMER = 0
    AGENT = 1
    BOT = 2
    SYSTEM = 3


class Kind(IntEnum):
    """What a record is. Only a MESSAGE makes a turn, touches a clock or opens a wait; a TICK ends in the reading step and never
    becomes a row."""

    MESSAGE = 0
    EDIT = 1
    DELETE = 2
    REACTION = 3
    ASSIGN = 4
    TRANSFER = 5
    RESOLVE = 6
    REOPEN = 7
    CSAT = 8
    MERGE = 9
    TICK = 15


KIND_MASK: Final = 15


class Flag(IntFlag):
    """Facts about a message that the conversation needs, found while its text was at hand."""

    SPEAKS = 1 << 4  # public, with text or an attachment: counts for turns, waits and answers
    # The shop's: it asks whether there is anything else, and nothing more. A customer's: the whole text is a closing courtesy.
    COURTESY = 1 << 5
    # The shop's: it holds a question or a request that wants an answer. Beside a customer's courtesy: so does that. Alone on a customer's
    # line: the whole text is a no, which is a courtesy where the shop has asked whether there is anything else.
    ASKS = 1 << 6
    INTERNAL = 1 << 7  # a note among colleagues
    HUMAN = 1 << 8  # an agent's own words, or a bot's proposal that a person sent
    ATTACHMENT = 1 << 9
    NEGATIVE = 1 << 10
    # 1 << 11 was that of a positive message, and 1 << 13 that of records that are no messages, in states up to version 3.
    # The shop's: it asks how the customer was served. A customer's: the whole text is a rating or a yes, a courtesy after that and after the end
    # of the talk; with ASKS a bad rating, one after the end alone; with COURTESY a no with thanks, none to whether a problem is solved.
    RATES = 1 << 12
    TONED = 1 << 14  # the model tells tones, and has read this one; it has those that follow with a probability of a half at least
    POLITE = 1 << 15
    ANGRY = 1 << 16
    ANXIOUS = 1 << 17
    ABUSIVE = 1 << 18
    HOLDING = 1 << 19  # an agent's whole line only puts off, see `udfs.holding`
    PROMISES = 1 << 20  # and asks the customer to wait


def pack(row: Row) -> str:
    """The row as one string, the form in which it crosses from operator to operator."""
    return orjson.dumps(row).decode()


def unpack(packed: str) -> Row:
    """The row that `pack` packed."""
    row: Row = orjson.loads(packed)
    return row


def conversation_key(tenant: str, source: str, conversation_id: str) -> str:
    """The key of everything: the same conversation number in another tenant is another conversation."""
    return f"{tenant}{SEPARATOR}{source}{SEPARATOR}{conversation_id}"


def split_key(key: str) -> tuple[str, str, str]:
    """tenant, source and conversation_id of a conversation's key."""
    tenant, source, conversation_id = key.split(SEPARATOR)
    return tenant, source, conversation_id


def identifier(domain: str, *parts: str) -> str:
    """An id of ours: SHA-256 over the domain, a version and the parts, its first 16 bytes in hex."""
    return hashlib.sha256(SEPARATOR.join((domain, "1", *parts)).encode()).hexdigest()[:32]


def message_hash(key: str, message_id: str, kind: int = 0, version: str = "") -> str:
    """The first 8 bytes, in hex, of the hash of a message's id.

    A record of another kind about the same message differs, and so does each `version` of an edit.
    """
    text = f"message{SEPARATOR}1{SEPARATOR}{key}{SEPARATOR}{message_id}"
    if kind:
        text = f"{text}{SEPARATOR}{kind}{SEPARATOR}{version}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]
