"""An evaluation as a folder: figures, pictures, slices, and the errors to read first."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import orjson

from models.calibration import reliability
from models.comparison import Comparison
from models.evaluate import Answer, believed, worst
from models.pictures import confusion_picture, reliability_picture
from models.scorer import LABELS

ERRORS_KEPT = 100
MAX_TEXT = 500
_NO_FILE_NAME = re.compile(r"[^\w.-]+")


def write_report(comparison: Comparison, models: Sequence[str], folder: Path) -> list[Path]:
    """Write `figures.json` for all, and for each of `models` its pictures and `errors.jsonl`; the files in order."""
    folder.mkdir(parents=True, exist_ok=True)
    written = [folder / "figures.json"]
    written[0].write_bytes(orjson.dumps(comparison.to_json(), option=orjson.OPT_INDENT_2))
    for model in models:
        part = folder / _NO_FILE_NAME.sub("-", model)
        written += [*_pictures(comparison, model, part), _errors(comparison.answers[model], part)]
    return written


def _pictures(comparison: Comparison, model: str, folder: Path) -> list[Path]:
    written = []
    for name, figure in comparison.figures[model].items():
        written.append(folder / f"{name}-confusion.png")
        confusion_picture(figure.confusion, f"{model} on {name}", written[-1])
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
                    "actual": LABELS[answer.example.label],
                    "answered": LABELS[answer.label],
                    "score": round(answer.score.score, 4),
                    "text": answer.example.text[:MAX_TEXT],
                }
                lines.write(orjson.dumps(row) + b"\n")
    return path
