"""Sessions in the states of earlier versions, which kept one in a flat row."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from udfs.events import Rank
from udfs.findings import Breach, Findings, Hit
from udfs.limits import NEVER
from udfs.measures import Measures
from udfs.mood import SCORE_OFFSET, Mood
from udfs.replies import Replies
from udfs.turns import Turns
from udfs.waits import EarlyAnswer, Wait

FIELDS: Final = (
    "opened_at", "first_arrival", "last_at", "last_arrival", "messages", "digest", "customer_messages", "agent_messages", "bot_messages",
    "turns", "exchanges", "side", "asked_at", "first_response_ms", "first_response_by", "latencies", "latency_agents", "reply_count",
    "reply_sum_ms", "waits_unanswered", "wait", "shop_spoke", "shop_asked", "human_spoke", "early_answer", "agent_run", "streaks", "running",
    "breaches", "hits", "scores", "negative", "languages", "agents", "agent", "place", "resolved", "reopened", "cut", "agent_run_ids",
    "streak_ids",
)  # fmt: skip
"""Of a session's row; in versions 1 and 2 the last two are missing."""

OFFSET_BEFORE: Final = 200  # `SCORE_OFFSET` in versions 1 and 2
POINTS: Final = re.compile(r"[+-][0-2]\.[0-9]{2}")
"""The detail of a fall of mood's hit, which was a text."""


def earlier_measures(version: int, row: list[Any]) -> Measures:
    """A session from its row in a state of version 1, 2 or 3."""
    kept: dict[str, Any] = {"agent_run_ids": [], "streak_ids": {}, **dict(zip(FIELDS, row, strict=False))}
    session = Measures(kept["opened_at"], kept["first_arrival"])
    _take(session, kept, (*FIELDS[2:9], "languages", "agents", "place", "reopened", "cut"))
    session.turns.count = kept["turns"]
    _take(session.turns, kept, ("exchanges", "side", "agent_run", "agent_run_ids"))
    session.replies = _replies(kept)
    session.mood.scores = _scores(version, kept["scores"])
    _take(session.mood, kept, ("negative", "streaks", "streak_ids"))
    session.findings = Findings(
        [_breach(version, each) for each in kept["running"]],
        [_breach(version, each) for each in kept["breaches"]],
        [_hit(each) for each in kept["hits"]],
    )
    return session


def _take(part: Measures | Turns | Mood | Replies, kept: Mapping[str, Any], names: Iterable[str]) -> None:
    """The fields that have kept their names."""
    for name in names:
        setattr(part, name, kept[name])


def _replies(kept: Mapping[str, Any]) -> Replies:
    replies = Replies()
    replies.count, replies.sum_ms, replies.unanswered = (kept[name] for name in ("reply_count", "reply_sum_ms", "waits_unanswered"))
    replies.wait = kept["wait"] and Wait.from_row(kept["wait"])
    replies.early_answer = kept["early_answer"] and EarlyAnswer(*kept["early_answer"])
    told = ("asked_at", "first_response_ms", "first_response_by", "latencies", "latency_agents")
    _take(replies, kept, (*told, "shop_spoke", "shop_asked", "human_spoke", "agent", "resolved"))
    return replies


def _scores(version: int, scores: str) -> str:
    return scores if version > 2 else "".join(chr(ord(each) - OFFSET_BEFORE + SCORE_OFFSET) for each in scores)


def _breach(version: int, row: list[Any]) -> Breach:
    breach = Breach(*row)
    if version < 3:
        breach.evidence = [breach.opener]
    return breach


def _hit(row: list[Any]) -> Hit:
    hit = Hit(*row)
    if hit.rank == NEVER:  # version 1
        hit.rank = int(Rank.AGENT if hit.agent else Rank.CUSTOMER)
    if isinstance(hit.detail, str) and POINTS.fullmatch(hit.detail):
        hit.detail = float(hit.detail)
    return hit
