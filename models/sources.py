"""Where a model is that people name: one that comes with the project, a folder, a model of the Hugging Face hub, or a server."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from models.scorer import DEFAULT_WEIGHTS, LANGUAGES, SHIPPED, WEIGHTS, ModelError

WITHOUT_WEIGHTS = ("lexicon", "null")
NAMES = ("default", *SHIPPED, *WITHOUT_WEIGHTS)
"""What `load_scorer` knows by name."""

PATH_STARTS = (".", "/", "~")


def is_url(model: str) -> bool:
    """Whether a model is behind a URL."""
    return model.startswith(("http://", "https://"))


def source_of(model: str, names: Sequence[str] = NAMES) -> Path | str:
    """Where a model is: a directory, or OWNER/NAME on the hub; of `names`, what lies in neither, such as `null`, comes back as it is.

    One of SHIPPED means what comes with the project, but for a folder of that name with a model in it, or one that is written as a
    path (`./fast`). Raises ModelError for any other name without a "/" that is no folder here, with those of `names` that are
    known, and for a folder that can't be looked into.
    """
    if model == "default":
        return DEFAULT_WEIGHTS
    if model in names and model not in SHIPPED:
        return model
    try:
        path = Path(model).expanduser()
    except RuntimeError as error:
        raise ModelError(f"{model}: {error}") from error
    if model in SHIPPED:
        return path if holds_model(path) else WEIGHTS / model
    # Names of the hub have one slash, and none at their end.
    written_as_path = model.startswith(PATH_STARTS) or model.endswith("/") or "\\" in model
    if written_as_path or (model and _is_there(path)):
        holds_model(path)  # whether it may be looked into
        return path.absolute() if written_as_path else path  # `./fast` isn't shown as `fast`
    if "/" not in model:
        near = get_close_matches(model, names, 1)
        meant = f" (did you mean {near[0]}?)" if near else ""
        raise ModelError(
            f"{model or 'an empty name'} is no model{meant}: known are {', '.join(names)}; no folder is called so here, and a model of the hub is "
            "OWNER/NAME"
        )
    return model


def holds_model(path: Path) -> bool:
    """Whether a folder has a model in it, or one for a language. Raises ModelError for one that can't be looked into."""
    return any(_is_there(each / "config.json") for each in (path, *(path / language for language in LANGUAGES)))


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            return False
        raise ModelError(f"{path} can't be looked into: {error.strerror}; give a folder that you may read") from error
