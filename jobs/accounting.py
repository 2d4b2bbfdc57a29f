"""The account of topics that nobody writes to at the moment, read once from beginning to end."""

from __future__ import annotations

import time
from typing import Any

from confluent_kafka import KafkaException

from jobs.account import Account
from jobs.settings import Settings

CALM_S = 2.0  # nothing new for so long: that was all
TIMEOUT_S = 60.0


def read_account(settings: Settings) -> dict[str, Any]:
    """Counts of every stream, and `accounted`: whether every record produced is in exactly one of them.

    Raises KafkaException where a partition can't be read to its end.
    """
    account = Account(settings)
    try:
        latest = time.monotonic()
        while (idle := time.monotonic() - latest) < CALM_S or not account.read_through:
            if idle > TIMEOUT_S:
                raise KafkaException(
                    f"{settings.kafka.bootstrap_servers} answers, but not every partition could be read in {TIMEOUT_S:g} s: can the "
                    "addresses that the brokers give (advertised.listeners) be reached from here?"
                )
            # Ticks never cease on a live topic: only what is counted is news.
            before = account.produced, len(account.sessions), len(account.alerts)
            account.update(0.2)
            if before != (account.produced, len(account.sessions), len(account.alerts)):
                latest = time.monotonic()
    finally:
        account.close()
    return {
        "messages": account.produced,
        "in_sessions": account.in_sessions,
        "duplicates": len(account.duplicates),
        "dead_letters": len(account.dead_letters),
        "late": len(account.late),
        "events": account.events,
        "sessions": len(account.sessions),
        "alerts_kafka": len(account.alerts),
        "accounted": account.accounted,
    }
