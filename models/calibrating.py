"""Fit a model to one shop's own texts by a few numbers in its config: minutes, and no training.

A shop where most customers complain is another one than where most ask. How often each label is met, and how sure the model
may be, are fitted on labelled lines of the shop's own; the weights stay as they are.
"""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console

from models.calibration import COLDEST, HOTTEST, LARGEST_BIAS, WIDEST, Mix, Scaling, fitted_scaling
from models.corpus import DataError, load_corpus
from models.evaluate import Figure, answered, confident, figure, odds
from models.labels import UNKNOWN
from models.loading import SENTIMENT_BIAS, SENTIMENT_MIX, columns_of
from models.scorer import LABELS, ModelError, load_scorer, source_of
from models.train import check_output

LEAST_OF_EACH = 10
"""Texts of each label: with fewer, how often it is met is not known."""

MOST = 20_000
SEED = 0


class Calibrated(NamedTuple):
    """The new directory's version, how many texts were fitted to, the scaling, and the figures on texts held out, before and after;
    None, if the data leave none."""

    version: str
    texts: int
    scaling: Scaling
    before: Figure | None
    after: Figure | None


def calibrate(
    model: str,
    data: Sequence[Path],
    output: Path,
    *,
    device: str = "auto",
    mask: Callable[[str], str] = str,
    console: Console | None = None,
) -> Calibrated:
    """Write a copy of `model`, one of SHIPPED or a directory, to `output`, fitted to the texts of `data` that have a label.

    The texts must be none that the model has learnt from; one that occurs often counts once. A tenth is held out and measured on.
    Raises ModelError where the model can't be copied or tells no neutral, DataError where there are too few texts.
    """
    console = console or Console(stderr=True)
    source = source_of(model)
    if not isinstance(source, Path) or not (source / "config.json").is_file():
        raise ModelError(
            f"{model} is no directory with a model: download it first, or take one that comes with the project"
        )
    check_output(output)
    if output.resolve() == source.resolve():
        raise ModelError(f"output {output} is the model itself: give another directory")
    config = json.loads((source / "config.json").read_text("utf-8"))
    if len(columns_of(config.get("id2label") or {}, source).sided) < len(LABELS):
        raise ModelError(f"{source} tells no neutral: a model with {', '.join(LABELS)} is needed")
    corpus = load_corpus(data, permissive_only=False, with_service_lines=False, mask=mask)
    own = [each for each in (*corpus.train, *corpus.validation) if each.label != UNKNOWN and each.source != "joined"]
    own = random.Random(SEED).sample(own, min(MOST, len(own)))
    _check(LABELS[each.label] for each in own)
    console.print(f"{len(own):,} texts to fit to")
    scorer = load_scorer(str(source), device, cache_size=0)
    answers = confident(answered(scorer, own))
    temperature, wide = (config.get(name, default) for name, default in zip(SENTIMENT_MIX, Mix(1.0, 0.0), strict=True))
    coldest = max(COLDEST, COLDEST / temperature, wide / WIDEST)  # so that what is written is what is fitted
    scaling = fitted_scaling(odds(answers), [each.example.label for each in answers], coldest, HOTTEST / max(1.0, temperature))
    _copy(source, output, config, scaling, len(answers))
    fitted = load_scorer(str(output.resolve()), device, cache_size=0)
    held_out = [each for each in chain.from_iterable(corpus.tests.values()) if each.label != UNKNOWN]
    before, after = (figure(answered(each, held_out)) if held_out else None for each in (scorer, fitted))
    return Calibrated(fitted.version, len(answers), scaling, before, after)


def _check(labels: Any) -> None:
    told = list(labels)
    short = [f"{told.count(name)} {name}" for name in LABELS if told.count(name) < LEAST_OF_EACH]
    if short:
        raise DataError(
            f"{', '.join(short)} texts are left to fit to: at least {LEAST_OF_EACH} of each label are needed (a tenth is held out, a "
            "text that occurs often counts once)"
        )


def _copy(source: Path, output: Path, config: dict[str, Any], scaling: Scaling, texts: int) -> None:
    """The model's files, with what its logits are divided by, and what is added, as they are after the scaling."""
    output.mkdir(parents=True, exist_ok=True)
    for path in output.glob("*.safetensors"):  # of an earlier one, which may be kept in another form
        path.unlink()
    for path in (path for path in source.iterdir() if path.is_file()):
        shutil.copyfile(path, output / path.name)
    config = dict(config)
    temperature, wide = SENTIMENT_MIX
    config[temperature] = _within(config.get(temperature, 1.0) * scaling.temperature, COLDEST, HOTTEST)
    config[wide] = _within(config.get(wide, 0.0) / scaling.temperature, 0.0, WIDEST)
    earlier = config.get(SENTIMENT_BIAS) or [0.0] * len(LABELS)
    config[SENTIMENT_BIAS] = [
        _within(old / scaling.temperature + new, -LARGEST_BIAS, LARGEST_BIAS)
        for old, new in zip(earlier, scaling.bias, strict=True)
    ]
    (output / "config.json").write_text(json.dumps(config, ensure_ascii=False, indent=2) + "\n", "utf-8")
    with (output / "README.md").open("a", encoding="utf-8") as card:
        added = ", ".join(f"{name} {each:+.2f}" for name, each in zip(LABELS, scaling.bias, strict=True))
        card.write(
            f"\n## Calibrated\n\nFitted by `replywatch calibrate` to {texts:,} texts: logits divided by {scaling.temperature:.2f}, then "
            f"{added}. The figures above are of the model as it was before.\n"
        )


def _within(value: float, low: float, high: float) -> float:
    return round(min(high, max(low, value)), 4)
