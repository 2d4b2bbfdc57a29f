"""What the environment says: settings (`REPLYWATCH_KAFKA__BOOTSTRAP_SERVERS=…`), and the secret for personal ids."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, SecretStr

from jobs.settings import Settings
from udfs.yaml_file import FileError, plain_value

PREFIX = "REPLYWATCH_"
_OF_A_SERVICE = re.compile(r"((?:(?!.*__).*?_)?)(?:SERVICE_HOST|SERVICE_PORT(?:_.*)?|PORT(?:_\d+_.*)?)").fullmatch

ELSEWHERE = frozenset(("HOME", "CACHE", "CONF", "SETTINGS", "MAVEN_REPOSITORY", "SCORING__TOKEN", "HASH_KEY", "HASH_KEY_FILE"))
"""Variables that are no settings."""


def hash_key() -> bytes:
    """The secret for personal ids, from REPLYWATCH_HASH_KEY or the file that REPLYWATCH_HASH_KEY_FILE names."""
    value = os.environ.get(PREFIX + "HASH_KEY", "")
    file = os.environ.get(PREFIX + "HASH_KEY_FILE", "")
    if not value and file:
        try:
            value = Path(file).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise FileError(f"{PREFIX}HASH_KEY_FILE: {file}: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise FileError(f"{PREFIX}HASH_KEY_FILE: {file}: is no text; make one by `openssl rand -hex 32`") from error
    if not _is_utf8(value):
        raise FileError(f"{PREFIX}HASH_KEY: holds bytes that are no text; make one by `openssl rand -hex 32`")
    if len(value) < 16:
        raise FileError(
            f"{PREFIX}HASH_KEY: a secret of 16 characters or more is needed to hash personal ids; set it, or name a "
            f"file that holds it in {PREFIX}HASH_KEY_FILE"
        )
    return value.encode()


def named_in_environment() -> frozenset[str]:
    """The settings that the environment names, as overrides of `load_settings`."""
    return frozenset(from_environment())


def from_environment() -> dict[str, Any]:
    """The settings that the environment tells, by their dotted names (two underscores for the dot). FileError for one that can't be read."""
    found: dict[str, Any] = {}
    for name, text in sorted(os.environ.items()):
        setting = name.removeprefix(PREFIX)
        if setting == name or setting in ELSEWHERE or _tells_of_a_service(setting):
            continue
        if not _is_utf8(text):
            raise FileError(f"{name}: holds bytes that are not UTF-8; write it as UTF-8")
        try:
            found[setting.lower()] = text if not text or _is_text(setting.lower().split("__")) else plain_value(text)
        except (yaml.YAMLError, ValueError) as error:
            raise FileError(f"{name}: {error}") from error
        except RecursionError as error:
            raise FileError(f"{name}: nested too deeply; a setting needs a level or two") from error
    return found


def _is_utf8(text: str) -> bool:
    """Whether a variable's text is one: Python hands other bytes on as halves of surrogate pairs."""
    return not any("\ud800" <= sign <= "\udfff" for sign in text)


def _tells_of_a_service(setting: str) -> bool:
    """Whether Kubernetes has put the variable into a pod because of a Service `replywatch-…` beside it: of each it tells
    REPLYWATCH_…_SERVICE_HOST, and more."""
    match = _OF_A_SERVICE(setting)
    return match is not None and f"{PREFIX}{match[1]}SERVICE_HOST" in os.environ


def _is_text(place: Sequence[str]) -> bool:
    """Whether the setting at this place is a text: `2024` and `null` are words there."""
    section: type[BaseModel] = Settings
    for step in place[:-1]:
        field = section.model_fields.get(step)
        if field is None or not (isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)):
            return False
        section = field.annotation
    last = section.model_fields.get(place[-1])
    return last is not None and last.annotation in (str, SecretStr)
