"""How many real lines a model scores in a second on one thread: `python -m tests.benchmarks.lines FILE …`.

A file has one message a line, in the order in which they were written, repeats included; the scorer remembers texts and the
garbage collector is set as in the job. Run it under `taskset -c 0` for one core.
"""

from __future__ import annotations

import argparse
import sys
import time
from itertools import islice
from pathlib import Path
from statistics import median

from models.scorer import SHIPPED, load_scorer
from udfs.collector import collect_seldom

CHUNK = 1_000
"""Lines handed over at a time, as a busy job's batches are."""


def main(arguments: list[str]) -> None:
    """Score each file with each model and print messages a second: the median and every run."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.lines", description=__doc__.splitlines()[0])
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="UTF-8, one message a line")
    parser.add_argument("--models", nargs="+", default=list(SHIPPED), metavar="MODEL", help="as in scoring.model")
    parser.add_argument("--precision", default="auto", help="as in scoring.precision")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--lines", type=int, default=12_000, help="of each file at most")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args(arguments)
    for path in options.files:
        with path.open(encoding="utf-8", errors="replace") as lines:
            texts = [line.strip() for line in islice(lines, options.lines) if line.strip()]
        if len(texts) <= CHUNK:
            parser.error(f"{path} has {len(texts)} lines: more than {CHUNK} are needed")
        unlike, length = len(set(texts)) / len(texts), sum(map(len, texts)) / len(texts)
        print(f"{path.name}: {len(texts):,} lines, {unlike:.0%} different, {length:.0f} characters on average")
        for model in options.models:
            rates = [rate(model, texts, options.precision, options.batch_size) for _ in range(options.runs)]
            print(f"  {model}: {median(rates):,.0f} messages/s ({', '.join(f'{each:,.0f}' for each in rates)})")


def rate(model: str, texts: list[str], precision: str, batch_size: int) -> float:
    """Messages a second of a fresh scorer, after a first chunk that isn't counted."""
    scorer = load_scorer(model, "cpu", precision, threads=1, batch_size=batch_size)
    collect_seldom()
    scorer.score(texts[:CHUNK])
    started = time.perf_counter()
    for start in range(CHUNK, len(texts), CHUNK):
        scorer.score(texts[start : start + CHUNK])
    return (len(texts) - CHUNK) / (time.perf_counter() - started)


if __name__ == "__main__":
    main(sys.argv[1:])
