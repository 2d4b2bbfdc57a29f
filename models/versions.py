"""Names of weights: which model gave a score, told from the files alone."""

from __future__ import annotations

import hashlib
from contextlib import closing
from pathlib import Path

from models.scorer import LANGUAGES, ModelError


def scorer_version(model: str) -> str:
    """The `version` of the scorer that `load_scorer(model)` gives, without loading it.

    A directory that is not on this machine, and a hub's model, whose revision is known only once it is loaded, are
    `name@unknown`. A model server is asked. Raises ModelError where it doesn't answer, for a directory without a model, and for a
    name that is none.
    """
    from models.sources import WITHOUT_WEIGHTS, is_url, source_of

    if model in WITHOUT_WEIGHTS:
        return model
    if is_url(model):
        from models.remote import RemoteScorer

        with closing(RemoteScorer(model)) as remote:
            return remote.version
    source = source_of(model)
    if isinstance(source, Path):
        return directory_version(source) if source.is_dir() else f"{source.resolve().name}@unknown"
    return f"{source}@unknown"


def directory_version(path: Path) -> str:
    """The `version` of the scorer that is loaded from a directory: its name and its content. Raises ModelError."""
    return f"{path.resolve().name}@{weights_digest(path)}"


def weights_digest(path: Path) -> str:
    """Name the content of a model's directory: config, tokenizer and weights, whatever the directory is called. Raises ModelError."""
    digest = hashlib.sha256()
    files: list[Path] = []
    for part in models_by_language(path).values() or (path,):
        files += sorted([part / "config.json", part / "tokenizer.json", *part.glob("*.safetensors")])
    for file in files:
        try:
            digest.update(hashlib.sha256(file.read_bytes()).digest())
        except OSError as error:
            raise ModelError(f"{path} is no directory with a model: {file.name} can't be read ({error.strerror})") from error
    return digest.hexdigest()[:12]


def models_by_language(directory: Path) -> dict[str, Path]:
    """The models of a directory that has one for each of LANGUAGES, in folders of their names: `zh` and `en`; empty for any other.

    Raises ModelError for a directory that has some of them only.
    """
    found = {each: directory / each for each in LANGUAGES if (directory / each / "config.json").is_file()}
    if not found or (directory / "config.json").is_file():
        return {}
    missing = [each for each in LANGUAGES if each not in found]
    if missing:
        raise ModelError(
            f"{directory} has a model for {', '.join(LANGUAGES[each] for each in found)} and none for "
            f"{', '.join(LANGUAGES[each] for each in missing)}: put one into {directory / missing[0]}, or give {next(iter(found.values()))} itself"
        )
    return found
