"""The session records of chats by the reference computation, courtesies and questions being told by simple rules."""

from __future__ import annotations

from typing import Any

from tests.chat import MINUTE, Chat
from tests.oracle import Event, sessions

GAP = 30 * MINUTE
GOODBYES = ("好的，谢谢啦", "thanks a lot", "好的", "好的，那发票呢？")


def records(*chats: Chat, **settings: Any) -> list[dict[str, Any]]:
    """The sessions of the chats; a courtesy is one of GOODBYES, a question is what has a question mark."""
    return sessions_of([event for chat in chats for event in chat.events], **settings)


def sessions_of(events: list[Event], **settings: Any) -> list[dict[str, Any]]:
    """The sessions of events, likewise."""
    return sessions(
        events, courtesy=lambda text: text in GOODBYES, asks=lambda text: "？" in text or "?" in text, **settings
    )


def only(*chats: Chat, **settings: Any) -> dict[str, Any]:
    """The record of the only session."""
    (record,) = records(*chats, **settings)
    return record
