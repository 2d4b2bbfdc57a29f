"""Settings from a YAML file, overridden by the environment and by what a command was given.

An unknown or unusable setting is refused with the file and line, or with the variable's name.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from jobs.environment import PREFIX, from_environment
from jobs.paths import conf_directory
from jobs.settings import Settings
from models.scorer import SHIPPED
from models.sources import NAMES, holds_model
from udfs.yaml_file import FileError, read_yaml, validated

NO_PATHS = ("default", "none")


def load_settings(path: Path | None = None, **overrides: Any) -> Settings:
    """Settings from a file (default: `REPLYWATCH_SETTINGS`, else `conf/settings.yaml`), the environment, `overrides`.

    Overrides are dotted with two underscores (`kafka__bootstrap_servers`) and win. FileError names what is wrong.
    """
    path = path or Path(os.environ.get(PREFIX + "SETTINGS") or conf_directory() / "settings.yaml")
    settings = validated(Settings, read_yaml(path))
    changed = {**from_environment(), **{name: value for name, value in overrides.items() if value is not None}}
    values = settings.model_dump()
    # A file means its own folder, who types a name the one that he is in; the rules that come along lie in conf/.
    beside = (path.parent / settings.rules_file).absolute()
    values["rules_file"] = str(beside if beside.exists() else conf_directory() / settings.rules_file)
    if "rules_file" in changed:
        changed["rules_file"] = str(Path(changed["rules_file"]).absolute())
    for name, value in changed.items():
        _put(values, name.split("__"), value)
    try:
        found = Settings.model_validate(values)
    except ValidationError as error:
        raise FileError("\n".join(_fault(fault) for fault in error.errors())) from error
    oldest, memory = found.time.oldest_accepted_seconds, found.time.duplicate_memory_seconds
    if found.input == "live" and oldest > memory:
        raise FileError(
            f"time.oldest_accepted_seconds is {oldest:g}, time.duplicate_memory_seconds {memory:g}: a repeat that old would be taken "
            "for a new message; accept none older than is remembered"
        )
    return _with_whole_paths(found, path.parent)


def _with_whole_paths(settings: Settings, folder: Path) -> Settings:
    """The settings with a model or a file that lies here, in the working folder or beside the settings' file, by its whole path: the
    job's processes work in other folders, and would take `my-model` for a name on the hub."""
    scoring, kafka = settings.scoring, settings.kafka
    places = {"model": _whole_model(scoring.model, folder), "satisfaction": _whole(scoring.satisfaction, folder)}
    return settings.model_copy(
        update={
            "scoring": scoring.model_copy(update=places),
            "kafka": kafka.model_copy(update={"ca_file": _whole(kafka.ca_file, folder)}),
        }
    )


def _whole_model(name: str, folder: Path) -> str:
    """A folder that is called as a model that comes with the project is meant only where it holds one, see `models.sources.source_of`."""
    if name in SHIPPED:
        return _whole(name, folder, holds_model)
    return name if name in NAMES else _whole(name, folder)


def _whole(name: str, folder: Path, meant: Callable[[Path], bool] = Path.exists) -> str:
    if not name or name in NO_PATHS:
        return name
    try:
        here = [base / Path(name).expanduser() for base in (Path.cwd(), folder.absolute())]
        return next((str(path) for path in here if meant(path)), name)
    except (OSError, RuntimeError):  # longer than a path may be; somebody's home who isn't known here
        return name


def _fault(fault: Any) -> str:
    name = PREFIX + "__".join(str(step) for step in fault["loc"]).upper()
    unknown = fault["type"] == "extra_forbidden"
    return f"{name}: {'unknown setting; check the spelling or unset it' if unknown else fault['msg']}"


def _put(values: dict[str, Any], path: list[str], value: Any) -> None:
    for step in path[:-1]:
        nested = values.setdefault(step, {})
        if not isinstance(nested, dict):
            raise FileError(f"{PREFIX}{'__'.join(path).upper()}: {step} is no section")
        values = nested
    values[path[-1]] = value
