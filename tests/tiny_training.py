"""A training that takes seconds, and the texts that it learns from."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

from models.network import NetworkShape
from models.recipes import TrainOptions
from models.schedule import Schedule

WORDS = {
    "anger": ("坏了", "太差", "生气", "骗人"),
    "none": ("发货", "地址", "尺码", "颜色"),
    "like": ("喜欢", "很好", "感谢", "漂亮"),
}
GROUPS = {"1": ("broken", "angry", "awful"), "2": ("order", "address", "size"), "3": ("love", "thanks", "great")}


def two_sets(folder: Path) -> Path:
    """Write two sets in the layout of the public ones, a few hundred lines in all; the folder that has them."""
    chance = random.Random(1)
    chinese = folder / "zh_nlpcc2013_emotion"
    chinese.mkdir(parents=True)
    lines = ["标签,文本"]
    for label, words in WORDS.items():
        lines += [f"{label},{'，'.join(chance.choices(words, k=4))}，第{at}件" for at in range(120)]
    (chinese / "Nlpcc2013Train.tsv").write_text("\n".join(lines), "utf-8")
    english = folder / "en_goemotions"
    english.mkdir()
    for name, count in (("train", 60), ("dev", 10), ("test", 10)):
        rows = [
            f"{' '.join(chance.choices(words, k=3))} {name} {at}\t{label}\tid{at}"
            for label, words in GROUPS.items()
            for at in range(count)
        ]
        rows += ["both ways\t1,3\tidx", "unclear\t0\tidy"]
        (english / f"group_{name}.tsv").write_text("\n".join(rows), "utf-8")
    return folder


def tiny(folder: Path, output: Path, **changes: Any) -> TrainOptions:
    """A training of seconds."""
    shape = NetworkShape("new", layers=1, vocabulary=300, hidden=32, heads=2)
    schedule = Schedule(
        epochs=8, batch_size=16, learning_rate=5e-3, token_dropout=0.0, patience=16, max_tokens=32, read_tokens=64, device="cpu"
    )
    options = TrainOptions([folder], output, shape, schedule, with_service_lines=False, threads=1)
    return replace(options, **changes)
