"""The bare model: the same texts in the same batches as in the job, in a process that does nothing else.

The batches are made beforehand by the job's own reading step, so the model sees what it sees there: masked texts, in the
order of the topic, as many at a time. Runs as a process of its own and prints one JSON line.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence

import orjson

from jobs.reader import make_reader
from jobs.settings import Settings
from jobs.settings_file import load_settings
from models.scorer import Score, load_scorer
from tests.benchmarks.topic import simulated
from udfs.collector import collect_seldom


class Recorder:
    """Stands in for the model and keeps what it would have been given."""

    version = "recorder"

    def __init__(self) -> None:
        self.batches: list[list[str]] = []

    def score(self, texts: Sequence[str]) -> list[Score | None]:
        """Keep the texts."""
        self.batches.append(list(texts))
        return [None] * len(texts)


def batches(settings: Settings, messages: int) -> list[list[str]]:
    """The texts of the first `messages` messages as the reading step hands them to the model, batch by batch."""
    recorder = Recorder()
    reader = make_reader(
        settings.model_copy(update={"scoring": settings.scoring.model_copy(update={"model": "null"})}), settings.rules()
    )
    reader.scorer = recorder
    size = settings.flink.batch_size
    events = [(orjson.dumps(event), event["sent_at"]) for event in simulated(messages)]
    for start in range(0, len(events), size):
        part = events[start : start + size]
        places = range(start, start + len(part))
        reader.read([body for body, _ in part], [0] * len(part), list(places), [at for _, at in part])
    return recorder.batches


def main(arguments: list[str]) -> None:
    """Score the batches and print what it took."""
    parser = argparse.ArgumentParser(prog="scoring", description=__doc__)
    parser.add_argument("--messages", type=int, required=True)
    parser.add_argument("--skip", type=int, required=True, help="messages scored before the clock starts")
    parser.add_argument("--model", required=True, help="as in scoring.model")
    options = parser.parse_args(arguments)
    settings = load_settings(input="replay")
    prepared = batches(settings, options.messages)
    scoring = settings.scoring
    scorer = load_scorer(
        options.model, scoring.device, scoring.precision, batch_size=scoring.batch_size, threads=scoring.threads
    )
    collect_seldom()
    skipped = options.skip // settings.flink.batch_size
    for texts in prepared[:skipped]:
        scorer.score(texts)
    seconds, cpu_seconds = time.perf_counter(), time.process_time()
    for texts in prepared[skipped:]:
        scorer.score(texts)
    result = {
        "messages": options.messages - skipped * settings.flink.batch_size,
        "seconds": time.perf_counter() - seconds,
        "cpu_seconds": time.process_time() - cpu_seconds,
        "texts": sum(map(len, prepared[skipped:])),
        "unique_texts": len({text for texts in prepared[skipped:] for text in texts}),
        "unseen_texts": len(
            {text for texts in prepared[skipped:] for text in texts}
            - {text for texts in prepared[:skipped] for text in texts}
        ),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1:])
