"""The Flink side of the reading step: a vectorised UDF over Arrow batches, in a Python process of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd
from pyflink.table.udf import FunctionContext, ScalarFunction

from udfs.collector import collect_seldom
from udfs.gathering import gather
from udfs.reading import Reader
from udfs.state_sampler import sample_no_states
from udfs.worker_guard import guard_task_manager


class Read(ScalarFunction):  # type: ignore[misc]
    """(body, partition, offset, record time) → ROW(key group, values), vectorised: parse, mask, match, score, pack.

    A key group's messages in a batch leave as one row, see `udfs.gathering`. `groups` names the key groups.
    """

    def __init__(self, make_reader: Callable[[], Reader], groups: Sequence[str]) -> None:
        self._make_reader = make_reader
        self._groups = groups

    def open(self, function_context: FunctionContext) -> None:
        """Load the model and compile the patterns, once per process."""
        self._reader = self._make_reader()
        collect_seldom()
        sample_no_states()
        guard_task_manager()
        group = function_context.get_metric_group().add_group("read")
        self._messages = group.counter("messages")  # records read, ticks not counted
        self._batches = group.counter("batches")
        self._filled = group.counter("batch_records")  # batch_records / batches: how full batches are
        self._dead = group.counter("dead_letters")
        self._failed = group.counter("reader_errors")  # of them, those at which the reader itself failed: read the log
        self._scored = group.counter("scored")
        self._scoring_ms = group.counter("scoring_ms")  # against scored: the price of a score

    def eval(self, body: pd.Series, partition: pd.Series, offset: pd.Series, recorded: pd.Series) -> pd.DataFrame:
        """One Arrow batch; the answer has as many rows, most of them null."""
        times = recorded.dt.as_unit("ms").astype("int64").tolist()
        batch = self._reader.read(body.tolist(), partition.tolist(), offset.tolist(), times)
        self._messages.inc(batch.events + batch.dead_letters)
        self._batches.inc(1)
        self._filled.inc(len(times))
        self._dead.inc(batch.dead_letters)
        self._failed.inc(batch.reader_errors)
        self._scored.inc(batch.scored)
        self._scoring_ms.inc(round(batch.scoring_seconds * 1_000))
        keys, values = gather(batch.keys, batch.values, self._groups)
        return pd.DataFrame({"key": keys, "value": values})
