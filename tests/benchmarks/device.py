"""What a GPU gives: `python -m tests.benchmarks.device`. Messages a second at each batch size, for networks of three sizes.

Three figures for each: the network alone, its batches lying on the GPU already; the scorer, from texts to scores (cleaning,
tokeniser, the wide part, the way to the GPU and back); and the job's reading step around it (parse, mask, phrases, pack), as
the UDF calls it. Weights are random: they cost what trained ones cost. Texts are the simulator's, Chinese and English, as in
the job's own benchmark, each once; no score is remembered.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import orjson
import torch
from rich.console import Console
from rich.table import Table

from jobs.settings_file import load_settings
from models.batches import padded
from models.loading import load_classifier, placed
from models.network import NEW, NetworkShape, make_network
from models.recipes import RECIPES
from models.scorer import LABELS, Limits
from models.sentiment import TransformerScorer
from models.text import readable
from models.tokenizer import Encoder
from models.train import write
from models.wide import WidePart, compressed
from tests.benchmarks.plan import BUILD
from tests.benchmarks.topic import simulated
from udfs.phrase_rules import PhraseMatcher
from udfs.privacy import Masker
from udfs.reading import Reader

BATCH_SIZES = (64, 128, 256, 512, 1_024, 2_048)
SHAPES = {
    "fast": replace(RECIPES["fast"][0], encoder=NEW),
    "accurate": replace(RECIPES["accurate"][0], encoder=NEW, hidden=384, heads=12),
    "BERT base": NetworkShape(NEW, layers=12, vocabulary=28_000, hidden=768, heads=12),
}
MATMUL = 8_192
TOKENS = 48
TOKENIZER_TEXTS = 20_000


def main(arguments: list[str]) -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.device", description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="auto", choices=["auto", "cuda", "cpu"])
    parser.add_argument("--messages", type=int, default=40_000, help="simulated messages for each measurement")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=BATCH_SIZES, metavar="N")
    parser.add_argument("--shapes", nargs="+", default=list(SHAPES), choices=list(SHAPES), metavar="NAME")
    parser.add_argument("--output", type=Path, default=BUILD / "device.json")
    options = parser.parse_args(arguments)
    once = {event["text"]: event for event in simulated(options.messages) if event.get("text")}
    texts, events = list(once), [orjson.dumps(event) for event in once.values()]
    peak = matmul_rate(options.device)
    console, rows = Console(stderr=True, soft_wrap=True), []
    with tempfile.TemporaryDirectory(prefix="replywatch-device-") as scratch:
        for name in options.shapes:
            source = Path(scratch) / name.replace(" ", "-")
            written(SHAPES[name], texts[:TOKENIZER_TEXTS], source)
            network, scorer = Network(source, texts, options.device), OneScorer(source, options.device)
            for size in options.batch_sizes:
                rows.append({"model": name} | row(network, scorer, size, events, texts, options.runs, peak))
                console.print(json.dumps(rows[-1]))
    document = {
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU",
        "torch": torch.__version__,
        "matmul_tflops": round(peak / 1e12, 1),
        "texts": len(texts),
        "rows": rows,
    }
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(document, indent=1), "utf-8")
    Console(width=140).print(table(document))


def written(shape: NetworkShape, texts: Sequence[str], output: Path) -> None:
    """A network of this shape that has learnt nothing, as a model's directory."""
    torch.manual_seed(1)
    cleaned = [readable(text, Limits().max_characters) for text in texts]
    model, tokenizer = make_network(shape, cleaned, TOKENS)
    model.config.update({"max_tokens": TOKENS, "wide_weight": 1.0 if shape.wide else 0.0})
    output.mkdir(parents=True)
    write(model, random_wide(shape.wide) if shape.wide else None, output, compact=False)
    tokenizer.save_pretrained(output)


def random_wide(buckets: int) -> WidePart:
    """A wide part that has learnt nothing."""
    chance = np.random.default_rng(1)
    weights = chance.standard_normal((buckets, len(LABELS)), dtype=np.float32)
    return compressed(weights, np.ones(buckets, np.float32), np.zeros(len(LABELS), np.float32))


class Network:
    """A network without what is around it."""

    def __init__(self, source: Path, texts: Sequence[str], device: str) -> None:
        model, tokenizer, _ = load_classifier(source)
        self._multiplied = sum(each.numel() for each in model.base_model.encoder.parameters() if each.dim() == 2)
        self._forward, self._device, self.precision = placed(model, device, "auto")
        self._padding = int(tokenizer.pad_token_id or 0)
        known = [each.ids for each in Encoder(tokenizer, TOKENS).encode(list(texts)) if each.known]
        self._rows = sorted(known, key=len)

    def passes(self, size: int) -> tuple[Callable[[], None], float]:
        """A pass over all texts in batches that lie on the device, sorted by length; and its floating-point operations."""
        batches = [padded(self._rows[start : start + size], self._padding) for start in range(0, len(self._rows), size)]
        there = [(ids.to(self._device), mask.to(self._device)) for ids, mask in batches]

        def run() -> None:
            with torch.inference_mode():
                for ids, mask in there:
                    self._forward(ids, mask)

        return run, 2.0 * self._multiplied * sum(ids.numel() for ids, _ in batches)


class OneScorer(TransformerScorer):
    """A scorer that is loaded, and compiled, once for all batch sizes."""

    def __init__(self, source: Path, device: str) -> None:
        super().__init__(source, device, Limits(batch_size=max(BATCH_SIZES), cache_size=0, threads=0))

    def in_batches_of(self, size: int) -> None:
        """From now on."""
        self._limits = replace(self._limits, batch_size=size)


def row(
    network: Network,
    scorer: OneScorer,
    size: int,
    events: Sequence[bytes],
    texts: Sequence[str],
    runs: int,
    peak: float,
) -> dict[str, Any]:
    """One network at one batch size."""
    scorer.in_batches_of(size)
    settings = load_settings(input="replay")
    chunk = max(size, settings.flink.batch_size)
    reader = Reader(scorer, PhraseMatcher(settings.rules().phrase_rules()), Masker(), b"0" * 32, "replay")
    times = [orjson.loads(event)["sent_at"] for event in events]
    counted = 0

    def scored() -> None:
        for start in range(0, len(texts), chunk):
            scorer.score(texts[start : start + chunk])

    def read() -> None:
        nonlocal counted
        counted = 0
        for start in range(0, len(events), chunk):
            part = slice(start, start + chunk)
            places = range(start, start + len(events[part]))
            counted += reader.read(events[part], [0] * len(places), places, times[part]).scored

    alone, work = network.passes(size)
    seconds = {"network": timed(alone, runs), "scorer": timed(scored, runs), "reading": timed(read, runs)}
    rates = {part: (counted if part == "reading" else len(texts)) / took for part, took in seconds.items()}
    return {
        "batch_size": size,
        "precision": network.precision,
        **{f"{part}_messages_per_second": round(rate) for part, rate in rates.items()},
        "network_tflops": round(work / seconds["network"] / 1e12, 1),
        "utilisation": round(work / seconds["network"] / peak, 3),
        "scorer_share_of_network": round(rates["scorer"] / rates["network"], 3),
        "reading_share_of_scorer": round(rates["reading"] / rates["scorer"], 3),
    }


def timed(work: Callable[[], None], runs: int) -> float:
    """Seconds of the work: the median of so many runs after one that isn't counted."""
    work()
    found = []
    for _ in range(runs):
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        started = time.perf_counter()
        work()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        found.append(time.perf_counter() - started)
    return median(found)


def matmul_rate(device: str) -> float:
    """Operations a second of a large product in bf16 on random numbers: what the card gives at most, here and now."""
    on_gpu = device != "cpu" and torch.cuda.is_available()
    size = MATMUL if on_gpu else 1_024
    kind = torch.bfloat16 if on_gpu else torch.float32
    one, other = (torch.randn(size, size, device="cuda" if on_gpu else "cpu", dtype=kind) for _ in range(2))
    return 10 * 2.0 * size**3 / timed(lambda: [one @ other for _ in range(10)] and None, 3)


def table(document: dict[str, Any]) -> Table:
    """For people."""
    shown = Table(
        "model",
        "batch",
        "network alone, msg/s",
        "TFLOP/s",
        "of the card",
        "scorer, msg/s",
        "reading step, msg/s",
        "of the scorer",
        title=f"{document['device']}, large product {document['matmul_tflops']} TFLOP/s, torch {document['torch']}",
    )
    for each in document["rows"]:
        shown.add_row(
            each["model"],
            f"{each['batch_size']:,}",
            f"{each['network_messages_per_second']:,}",
            f"{each['network_tflops']}",
            f"{each['utilisation']:.1%}",
            f"{each['scorer_messages_per_second']:,}",
            f"{each['reading_messages_per_second']:,}",
            f"{each['reading_share_of_scorer']:.0%}",
        )
    return shown


if __name__ == "__main__":
    main(sys.argv[1:])
