"""Models for one language, made from those that ship."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from models.loading import LANGUAGE
from models.scorer import LANGUAGES, WEIGHTS


def one_language(language: str, path: Path) -> Path:
    """The shipped `fast` as a model for one language."""
    shutil.copytree(WEIGHTS / "fast", path)
    config = json.loads((path / "config.json").read_text())
    (path / "config.json").write_text(json.dumps(config | {LANGUAGE: language}))
    return path


def one_a_language(path: Path) -> Path:
    """A directory with one of them for each language."""
    for language in LANGUAGES:
        one_language(language, path / language)
    return path
