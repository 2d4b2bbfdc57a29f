"""An evaluation as a folder: figures, pictures, slices, and the errors to read first."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import orjson

from models.calibration import reliability
from models.comparison import Comparison, folder_of
from models.evaluate import Answer, believed, worst
from models.pictures import confusion_picture, reliability_picture
from models.slices import slices

ERRORS_KEPT = 100
MAX_TEXT = 500


def write_report(comparison: Comparison, models: Sequence[str], folder: Path) -> list[Path]:
    """Write `figures.json` and `slices.json` for all, and for each of `models` its pictures and `errors.jsonl`; the files in order.

    `slices.json`: model → its slices, the largest gap first, with what they are in each set. `errors.jsonl`: of each set the wrong
    answers, by confidence, or by the strength of the score where the model tells none.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = [folder / "figures.json", folder / "slices.json"]
    every = {model: [each.to_json() for each in slices(answers)] for model, answers in comparison.answers.items()}
    for path, content in zip(written, (comparison.to_json(), every), strict=True):
        path.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2))
    for model in models:
        part = folder / folder_of(model)
        written += [*_pictures(comparison, model, part), _errors(comparison.answers[model], part)]
    return written


def _pictures(comparison: Comparison, model: str, folder: Path) -> list[Path]:
    written = []
    for name, figure in comparison.figures[model].items():
        written.append(folder / f"{name}-confusion.png")
        confusion_picture(figure.confusion, figure.names, f"{model} on {name}", written[-1])
        if figure.calibration_error is not None:
            written.append(folder / f"{name}-reliability.png")
            bins = reliability(*believed(comparison.answers[model][name]))
            reliability_picture(bins, figure.calibration_error, f"{model} on {name}", written[-1])
    return written


def _errors(answers: Mapping[str, Sequence[Answer]], folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "errors.jsonl"
    with path.open("wb") as lines:
        for name, part in answers.items():
            for answer in worst(part, ERRORS_KEPT):
                row = {
                    "set": name,
                    "actual": answer.names[answer.example.label],
                    "answered": answer.names[answer.label],
                    "confidence": None if math.isnan(answer.confidence) else round(answer.confidence, 4),
                    "score": round(answer.score.score, 4),
                    "text": answer.example.text[:MAX_TEXT],
                }
                lines.write(orjson.dumps(row) + b"\n")
    return path
