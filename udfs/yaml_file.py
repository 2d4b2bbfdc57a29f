"""YAML files whose faults are told with file and line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

MAX_BYTES = 4 << 20
INTEGER, FLOAT, TIMESTAMP = (f"tag:yaml.org,2002:{name}" for name in ("int", "float", "timestamp"))

Model = TypeVar("Model", bound=BaseModel)


class PlainLoader(yaml.SafeLoader):
    """YAML without what looks like something else: 060, 1:30 and 2024-03-02 are text, and not 48, 90 and a day. Where a number is
    wanted, 060 is read as 60 by whoever wants it."""


PlainLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in (INTEGER, FLOAT, TIMESTAMP)]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
PlainLoader.add_implicit_resolver(INTEGER, re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})$"), list("-+0123456789"))
PlainLoader.add_implicit_resolver(
    FLOAT, re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?$|[-+]?\.(?:inf|Inf|INF)$|\.(?:nan|NaN|NAN)$"), list("-+.0123456789")
)
PlainLoader.add_constructor(INTEGER, lambda loader, node: int(node.value))


def plain_value(text: str) -> Any:
    """The value of a YAML text by `PlainLoader`. Raises yaml.YAMLError and ValueError."""
    return yaml.load(text, Loader=PlainLoader)


class FileError(ValueError):
    """A file that can't be used; the message names the file, the line, the field and the reason."""


@dataclass(frozen=True, slots=True)
class YamlFile:
    """The values of a YAML file and where each stands."""

    path: Path
    values: Any
    root: yaml.Node | None

    def line(self, place: tuple[int | str, ...]) -> int:
        """The line, from 1, of the value at a path of keys and indices, or of the nearest value around it."""
        node = self.root
        line = 1
        for number, step in enumerate(place):
            if isinstance(node, yaml.MappingNode):
                if number and isinstance(place[number - 1], int) and _is_kind(node, step):
                    continue  # pydantic names the kind of an entry between its index and its field
                for key, value in node.value:
                    if key.value == str(step):
                        node, line = value, key.start_mark.line + 1
                        break
            elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
                node = node.value[step]
                line = node.start_mark.line + 1
        return line


def read_yaml(path: Path) -> YamlFile:
    """Read a file of at most 4 MB; FileError if it is missing, too large or no YAML."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise FileError(f"{path}: larger than {MAX_BYTES} bytes; split it or remove what is not needed")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise FileError(f"{path}: {error.strerror}; name a readable file") from error
    except UnicodeDecodeError as error:
        raise FileError(f"{path}: is not UTF-8 ({error.reason} at byte {error.start}); save it as UTF-8") from error
    try:
        root = yaml.compose(text, Loader=PlainLoader)
        _refuse_repeated_keys(path, root)
        return YamlFile(path, plain_value(text), root)
    except FileError:
        raise
    except ValueError as error:
        raise FileError(f"{path}: {error}") from error
    except RecursionError as error:
        raise FileError(f"{path}:1: nested too deeply; a file of settings needs a few levels") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else text.count("\n", 0, getattr(error, "position", 0)) + 1
        raise FileError(f"{path}:{line}: {getattr(error, 'problem', None) or error}") from error


def validated(model: type[Model], file: YamlFile) -> Model:
    """The file's values as a model; FileError with one line per fault."""
    try:
        return model.model_validate(file.values if file.values is not None else {})
    except ValidationError as error:
        raise FileError("\n".join(_fault(file, fault) for fault in error.errors())) from error


def _is_kind(node: yaml.MappingNode, step: int | str) -> bool:
    return any(key.value == "kind" and value.value == step for key, value in node.value)


def _refuse_repeated_keys(path: Path, root: yaml.Node | None) -> None:
    """YAML lets the last of two equal keys win in silence; whoever wrote the first would wonder."""
    waiting, seen = [root], set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen or not isinstance(node, yaml.CollectionNode):
            continue
        seen.add(id(node))  # an anchor's node is there once, however often it is named
        if isinstance(node, yaml.SequenceNode):
            waiting += node.value
            continue
        known: set[str] = set()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in known:
                    line = key.start_mark.line + 1
                    raise FileError(f"{path}:{line}: {key.value}: stands here a second time; remove one of the two")
                known.add(key.value)
            waiting.append(value)


def _fault(file: YamlFile, fault: Any) -> str:
    place: tuple[int | str, ...] = fault["loc"] + tuple(fault.get("ctx", {}).get("place", ()))
    where = ".".join(str(step) for step in place)
    reason = fault["msg"]
    if fault["type"] == "extra_forbidden":
        reason = "unknown setting; check the spelling or remove it"
    return f"{file.path}:{file.line(place)}: {where + ': ' if where else ''}{reason}"
