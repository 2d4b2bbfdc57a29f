"""Fit a model to one shop's own texts by a few numbers in its config: minutes, and no training.

A shop where most customers complain is another one than where most ask. How often each label is met, and how sure the model
may be, are fitted on labelled lines of the shop's own; the weights stay as they are.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

from rich.console import Console

from models.calibration import (
    COLDEST,
    HOTTEST,
    LARGEST_BIAS,
    LEAST_OF_EACH,
    WIDEST,
    Mix,
    Scaling,
    fitted_scaling,
    too_few,
)
from models.corpus import DataError, drawn, load_corpus
from models.evaluate import Figure, answered, confident, figure, probabilities
from models.labels import UNKNOWN
from models.loading import SENTIMENT_BIAS, SENTIMENT_MIX, columns_of, mix_of
from models.progress import console_for
from models.scorer import LABELS, ModelError, load_scorer
from models.sets import Example
from models.sources import source_of
from models.train import check_output
from models.versions import models_by_language

MOST = 20_000


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
    Raises ModelError where the model can't be copied or tells no neutral, or would be written over one that was trained, DataError
    where there are too few texts.
    """
    console = console or console_for()
    source = source_of(model)
    if isinstance(source, Path) and models_by_language(source):
        raise ModelError(f"{model} has one model a language: calibrate each of them, {source / next(iter(models_by_language(source)))} first")
    if not isinstance(source, Path) or not (source / "config.json").is_file():
        raise ModelError(
            f"{model} is no directory with a model: download it first, or take one that comes with the project"
        )
    check_output(output)
    if output.resolve() == source.resolve():
        raise ModelError(f"output {output} is the model itself: give another directory")
    if (output / "config.json").is_file() and SENTIMENT_BIAS not in _config(output):
        raise ModelError(f"output {output} holds a model that was trained, not calibrated: give another directory")
    config = _config(source)
    if len(columns_of(config.get("id2label") or {}, source).sided) < len(LABELS):
        raise ModelError(f"{source} tells no neutral: a model with {', '.join(LABELS)} is needed")
    corpus = load_corpus(data, permissive_only=False, with_service_lines=False, to_learn=False, mask=mask)
    own = [each for each in (*corpus.train, *corpus.validation) if each.label != UNKNOWN]
    own = drawn(own, MOST)
    _check(own, "are left")
    scorer = load_scorer(str(source.resolve()), device, cache_size=0, threads=0)  # in full: a folder may be called `default`
    answers = confident(answered(scorer, own, side_alone=False))
    _check([answer.example for answer in answers], f"are read by {model}, and left")
    console.print(f"{len(answers):,} texts to fit to")
    mix = mix_of(SimpleNamespace(**config), source)
    # Bounds, so that what is written is what is fitted.
    coldest, hottest = max(COLDEST, COLDEST / mix.temperature, mix.wide_weight / WIDEST), HOTTEST / max(1.0, mix.temperature)
    scaling = fitted_scaling(probabilities(answers), [each.example.label for each in answers], coldest, hottest)
    _copy(source, output, config | _served(config, mix, scaling), f"to {len(answers):,} texts: {described(scaling)}")
    fitted = load_scorer(str(output.resolve()), device, cache_size=0, threads=0)
    held_out = [each for each in chain.from_iterable(corpus.tests.values()) if each.label != UNKNOWN]
    before, after = (figure(answered(each, held_out, side_alone=False)) if held_out else None for each in (scorer, fitted))
    return Calibrated(fitted.version, len(answers), scaling, before, after)


def described(scaling: Scaling) -> str:
    """The scaling in words and numbers."""
    added = ", ".join(f"{name} {each:+.2f}" for name, each in zip(LABELS, scaling.bias, strict=True))
    return f"logits divided by {scaling.temperature:.2f}, then {added}"


def _config(directory: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((directory / "config.json").read_text("utf-8")))
    except (ValueError, TypeError) as error:
        raise ModelError(f"{directory / 'config.json'} is damaged: {error}") from error


def _check(examples: Sequence[Example], are_left: str) -> None:
    short = [f"{count} {LABELS[label]}" for label, count in too_few(each.label for each in examples).items()]
    if short:
        raise DataError(
            f"{', '.join(short)} texts {are_left} to fit to: at least {LEAST_OF_EACH} of each label are needed (a tenth is held out, a "
            "text that occurs often counts once)"
        )


def _served(config: Mapping[str, Any], mix: Mix, scaling: Scaling) -> dict[str, Any]:
    """What the config says of temperature, wide part and bias after the scaling."""
    temperature, wide = SENTIMENT_MIX
    earlier = config.get(SENTIMENT_BIAS) or [0.0] * len(LABELS)
    bias = [old / scaling.temperature + new for old, new in zip(earlier, scaling.bias, strict=True)]
    return {
        temperature: round(mix.temperature * scaling.temperature, 4),
        wide: round(mix.wide_weight / scaling.temperature, 4),
        SENTIMENT_BIAS: [round(min(LARGEST_BIAS, max(-LARGEST_BIAS, each)), 4) for each in bias],
    }


def _copy(source: Path, output: Path, config: Mapping[str, Any], fitted: str) -> None:
    """The model's files with another config, and a line about it on the card."""
    output.mkdir(parents=True, exist_ok=True)
    for path in output.glob("*.safetensors"):  # of an earlier one, which may be kept in another form
        path.unlink()
    for path in (path for path in source.iterdir() if path.is_file()):
        shutil.copyfile(path, output / path.name)
    (output / "config.json").write_text(json.dumps(config, ensure_ascii=False, indent=2) + "\n", "utf-8")
    with (output / "README.md").open("a", encoding="utf-8") as card:
        card.write(
            f"\n## Calibrated\n\nFitted by `replywatch calibrate` {fitted}. The figures above are of the model as it was before.\n"
        )
