"""The clock of live topics: a tick a second on every partition, so that time goes on when nobody writes.

A silence alarm is due just when nobody writes; without ticks the watermark would stand still then.
"""

from __future__ import annotations

import logging
import signal
import threading
import time

from jobs.produce import EventProducer
from jobs.settings import Settings

LOG = logging.getLogger("replywatch.clock")


def run_clock(settings: Settings, every_seconds: float = 1.0, stop: threading.Event | None = None) -> None:
    """Tick until `stop` is set or the process gets SIGTERM or SIGINT."""
    stop = stop or threading.Event()
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
    producer = EventProducer(settings, settings.topic("messages"))
    LOG.info("ticking on %s, %d partitions", producer.topic, producer.partitions)
    while not stop.wait(every_seconds):
        producer.tick(time.time_ns() // 1_000_000)
    producer.flush()
