"""An alert in one sentence for a supervisor; every clock time in it is the queue's."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from udfs.events import Rank
from udfs.news import News

EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)

_FIRING: Final = {
    "slow_reply": "the customer has waited {length} for a reply since {since}; {last}",
    "silence": "silence for {length} since the customer's last line at {since}; {last}",
    "promised_return": "{agent} asked the customer to wait at {since} and has not come back for {length}",
    "abandonment": "ended unanswered; the customer had written at {since} and waited {length}",
    "monologue": "{value} message{s} of the shop in a row by {since}, the customer none; {agent} wrote the last",
    "negative_streak": "the customer's mood was low in {value} message{s} in a row by {since}; {answering} is answering",
    "sentiment_shift": "the customer's mood has fallen by {fall} points by {since}; {answering} is answering",
    "phrases": "{speaker} wrote “{value}” at {since}",
    "unknown": "rule {rule} since {since}",
}
_OVER: Final = {
    "slow_reply": "the long wait",
    "silence": "the silence",
    "promised_return": "the wait for a promised return",
    "abandonment": "the abandoned conversation",
    "monologue": "the agent's monologue",
    "negative_streak": "the customer's low mood",
    "sentiment_shift": "the fall of the customer's mood",
    "phrases": "the alert on wording",
}
_REASONS: Final = {
    "answered": "an agent has answered",
    "resolved": "the conversation was marked as resolved",
    "merged": "the conversation was merged into another",
    "customer_spoke": "the customer has spoken",
    "mood_changed": "the customer's mood has changed",
    "session_closed": "the session is closed",
    "corrected": "what arrived later, or a change of the rule, shows that it was not so",
}
_SPEAKERS: Final = {
    int(Rank.CUSTOMER): "the customer",
    int(Rank.AGENT): "an agent",
    int(Rank.BOT): "an agent by a bot's draft",
}


def summary(news: News, kind: str, conversation_id: str, zone: str) -> str:
    """What has happened, where, and who has it in hand. kind: of the rule, or unknown."""
    want = news.wanted
    value = want.observed
    where = " / ".join(part for part in (news.shop, news.queue) if part)
    who = f"Conversation {conversation_id}" + (f" ({where})" if where else "")
    if not news.firing:
        return f"{who}: {_OVER.get(kind, want.rule)} is over: {_REASONS.get(news.reason, news.reason)}."
    agent = want.agent or "an agent"
    answered = bool(want.agent) or want.session.replies.human_spoke
    told = _FIRING[kind].format(
        rule=want.rule,
        value=value,
        s="" if value == 1 else "s",
        length=duration(value) if isinstance(value, int) else "",
        fall=f"{abs(value):.2f}" if isinstance(value, float) else "",
        since=local_time(want.at, zone),
        agent=agent,
        answering=agent if answered else "nobody",
        last=f"{agent} spoke last for the shop" if answered else "nobody has answered yet",
        speaker=f"agent {want.agent}" if want.agent else _SPEAKERS.get(want.rank, "somebody"),
    )
    return f"{who}: {told}."


def local_time(at: int, zone: str) -> str:
    """Epoch ms as a clock time in the queue's zone with its offset: `10:00 +08:00`."""
    there = (EPOCH + timedelta(milliseconds=at)).astimezone(_zone(zone))
    offset = there.strftime("%z")
    return f"{there:%H:%M} {offset[:3]}:{offset[3:5]}"


def duration(ms: int) -> str:
    """A duration as people say it: `45 s`, `2 min 5 s`, `1 h 3 min`."""
    seconds = max(0, round(ms / 1_000))
    if seconds < 60:
        return f"{seconds} s"
    minutes, seconds = divmod(seconds, 60)
    if minutes < 60:
        return f"{minutes} min {seconds} s" if seconds else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


@lru_cache(maxsize=64)
def _zone(name: str) -> tzinfo:
    return ZoneInfo(name)
