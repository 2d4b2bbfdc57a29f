"""The clock of live topics: a tick a second on every partition, so that time goes on when nobody writes.

A silence alarm is due just when nobody writes; without ticks the watermark would stand still then.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from functools import partial

from confluent_kafka import KafkaException

from jobs.produce import EventProducer, ProduceError
from jobs.settings import Settings
from udfs.yaml_file import FileError

LOG = logging.getLogger("replywatch.clock")

RENEW_S = 60.0
"""A new producer so often: it sees partitions that were added."""

PAUSE_S = 5.0


def run_clock(
    settings: Settings, every_seconds: float = 1.0, stop: threading.Event | None = None, timeout_seconds: float = 30
) -> None:
    """Tick until `stop` is set or the process gets SIGTERM or SIGINT.

    Raises ProduceError if it can't begin. Once it has ticked it outlasts every outage of the broker: the job does, too.
    """
    stop = stop or threading.Event()
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
    connect = partial(EventProducer, settings, settings.topic("messages"), timeout_seconds)
    producer: EventProducer | None = connect()
    LOG.info("ticking on %s", settings.topic("messages"))
    while not stop.is_set():
        try:
            _tick_for_a_while(producer or connect(), every_seconds, stop)
        except (ProduceError, KafkaException, FileError) as error:  # a file of certificates that is being renewed
            LOG.error("%s; trying again until it is back", error)
            stop.wait(PAUSE_S)
        producer = None  # a new one from here on


def _tick_for_a_while(producer: EventProducer, every_seconds: float, stop: threading.Event) -> None:
    until = time.monotonic() + RENEW_S
    while time.monotonic() < until and not stop.wait(every_seconds):
        producer.tick(time.time_ns() // 1_000_000)
    producer.flush()
