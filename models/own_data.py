"""Labelled texts of one's own: CSV with a header, or JSON lines.

Columns: `text`, `label` (negative, neutral, positive, or empty), any of the tones (0, 1 or empty), `satisfaction` (dissatisfied,
neither, satisfied, or empty), `conversation` (texts of one conversation come into one split), `shop` (`evaluate` tells how each is
read), `split` (train, validation, test, one for a conversation; drawn where it is missing). Others are ignored, but not such as are spelt nearly
so: a file's split would be another one than its owner believes.
"""

from __future__ import annotations

import csv
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from models.labels import TONES, UNKNOWN
from models.scorer import LABELS, SATISFACTIONS, ModelError
from models.sets import Example, SetInfo, Split

SUFFIXES = (".csv", ".jsonl", ".ndjson")
COLUMNS = ("text", "label", *TONES, "satisfaction", "conversation", "shop", "split")
SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}
SPLITS = ("train", "validation", "test")
MAX_CHARACTERS = 100_000


class RowError(ModelError):
    """A row that can't be used; the message names file, line, field and remedy."""


def own_set(path: Path) -> SetInfo:
    """A file of one's own as a set. It is learnt from whatever is asked for: its owner knows what he may do with it."""
    return SetInfo(path.stem, path.name, "", True, "your own", path.name, lambda _: read_rows(path))


def read_rows(path: Path) -> Iterator[tuple[Split | None, Example]]:
    """(split, example) of each row. Raises RowError at the first that can't be used, ModelError for another kind of file."""
    if path.suffix.lower() not in SUFFIXES:
        raise ModelError(f"{path} is neither {', '.join(SUFFIXES[:-1])} nor {SUFFIXES[-1]}: convert it")
    splits: dict[str, tuple[Split | None, int]] = {}
    for line, row in _csv(path) if path.suffix.lower() == ".csv" else _json_lines(path):
        split, example = _example(row, f"{path}, line {line}")
        first, at = splits.setdefault(example.group, (split, line)) if example.group else (split, line)
        if split != first:
            raise RowError(
                f"{path}, line {line}: split is {split or 'empty'}, but conversation {example.group} has {first or 'none'} in line {at}: what "
                "is measured on must not have been learnt from; put a conversation's rows into one split"
            )
        yield split, example


def _example(row: Mapping[str, Any], where: str) -> tuple[Split | None, Example]:
    text = row.get("text")
    if not isinstance(text, str) or not text.strip():
        raise RowError(f"{where}: text is empty or missing: every row needs one")
    if len(text) > MAX_CHARACTERS:
        raise RowError(f"{where}: text has {len(text):,} characters: at most {MAX_CHARACTERS:,} are read")
    label = _one_of(LABELS, row.get("label"), "label", where)
    satisfaction = _one_of(SATISFACTIONS, row.get("satisfaction"), "satisfaction", where)
    heard = tuple(_tone(row.get(name), name, where) for name in TONES)
    if {label, satisfaction, *heard} == {UNKNOWN}:
        raise RowError(f"{where}: no label, no satisfaction and no tone ({', '.join(TONES)}): such a row teaches nothing")
    split = row.get("split") or None
    if split is not None and split not in SPLITS:
        raise RowError(f"{where}: split is {split!r}: one of {', '.join(SPLITS)} is needed, or none")
    group, shop = ("" if (value := row.get(name)) is None else str(value) for name in ("conversation", "shop"))
    return split, Example(text, label, heard, group, satisfaction=satisfaction, shop=shop)


def _one_of(names: Sequence[str], value: Any, column: str, where: str) -> int:
    if value in (None, ""):
        return UNKNOWN
    if value not in names:
        raise RowError(f"{where}: {column} is {value!r}: one of {', '.join(names)} is needed, or none")
    return names.index(value)


def _tone(value: Any, name: str, where: str) -> int:
    if value in (None, ""):
        return UNKNOWN
    if str(value) not in ("0", "1"):
        raise RowError(f"{where}: {name} is {value!r}: 0, 1 or nothing is needed")
    return int(value)


def _csv(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    with path.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.DictReader(lines, strict=True)
        try:
            _check_separator(lines.readline(), f"{path}, line 1")
            lines.seek(0)
            columns = reader.fieldnames or ()
            _check_columns(columns, f"{path}, line 1")
            if "text" not in columns:
                raise RowError(f"{path}, line 1: no column text: the first line names the columns")
            for row in reader:
                if any(row.get(None) or ()):
                    raise RowError(
                        f"{path}, line {reader.line_num}: has more fields than line 1 names: put texts with commas into quotes"
                    )
                yield reader.line_num, row
        except UnicodeDecodeError as error:
            raise RowError(
                f"{path}, line {reader.line_num + 1} or some lines further: is not UTF-8 ({error.reason}): save it as UTF-8, in Excel as "
                "“CSV UTF-8”"
            ) from error
        except csv.Error as error:
            raise RowError(f"{path}, line {reader.line_num + 1}: no CSV ({error})") from error


def _check_columns(names: Iterable[str], where: str) -> None:
    """Raise RowError for a name that is one of COLUMNS but for its case or for blanks, and for one that is there twice."""
    found = set()
    for name in names:
        meant = name.strip().lower()
        if meant in COLUMNS and name != meant:
            raise RowError(f"{where}: column {name!r} would be ignored: write {meant}, or give it a name of its own")
        if name in COLUMNS and name in found:
            raise RowError(f"{where}: two columns are called {name}: keep one of them, or give the other a name of its own")
        found.add(name)


def _check_separator(line: str, where: str) -> None:
    """Raise RowError where the first line has a column text, but something else than commas between its columns."""
    for separator, name in SEPARATORS.items():
        if "text" in [each.strip(' "\r\n').lower() for each in line.split(separator)] and separator in line:
            raise RowError(f"{where}: its columns are separated by {name}: save it with commas")


def _json_lines(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                row = orjson.loads(line.removeprefix(BOM_UTF8) if number == 1 else line)
            except orjson.JSONDecodeError as error:
                raise RowError(f"{path}, line {number}: no JSON ({error}): one object a line is needed") from error
            if not isinstance(row, dict):
                raise RowError(
                    f"{path}, line {number}: {type(row).__name__}, not an object: one object a line is needed"
                )
            _check_columns(row, f"{path}, line {number}")
            yield number, row
