"""The file that says which services run on this machine, under which addresses and process ids.

It is written whole and then renamed, so that a reader sees one state or the next, never a half.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from jobs.local.birth import boot
from jobs.local.ports import LOOPBACK
from jobs.local.processes import EARLIER_BOOT, Child

FILE = "state.json"
VERSION = 2
MAXIMUM_BYTES = 1_000_000


class StateError(RuntimeError):
    """The state file can't be read; the message says what to do."""


class ProcessRecord(BaseModel):
    """One process: which service it belongs to, and what identifies it."""

    model_config = ConfigDict(extra="forbid")

    service: str
    name: str
    pid: int = Field(gt=1)
    born: float
    boot: str = ""
    log: str

    @classmethod
    def of(cls, service: str, child: Child) -> ProcessRecord:
        """The record of a running child."""
        return cls(service=service, name=child.name, pid=child.pid, born=child.born, boot=boot(), log=str(child.log))

    def child(self) -> Child:
        """The process that this record names; it may have ended since."""
        return Child(self.name, self.pid, self.born if self.boot == boot() else EARLIER_BOOT, Path(self.log))


class State(BaseModel):
    """All services of one directory: ports are kept after a stop, so that the next start has the same addresses."""

    model_config = ConfigDict(extra="forbid")

    version: int = VERSION
    kafka_ports: tuple[int, int]
    redis_port: int
    flink_ports: tuple[int, int]
    metrics_ports: dict[str, int] = {}
    processes: list[ProcessRecord] = []

    @property
    def addresses(self) -> dict[str, str]:
        """Where clients find each service."""
        return {
            "kafka": f"{LOOPBACK}:{self.kafka_ports[0]}",
            "redis": f"redis://{LOOPBACK}:{self.redis_port}/0",
            "flink": f"http://{LOOPBACK}:{self.flink_ports[0]}",
        }

    def children(self, service: str | None = None) -> list[Child]:
        """The recorded processes, of one service if named."""
        return [record.child() for record in self.processes if service in (None, record.service)]


def read_state(directory: Path) -> State | None:
    """The state of a directory, None if services never ran there. Raises StateError if the file is damaged."""
    path = directory / FILE
    try:
        if path.stat().st_size > MAXIMUM_BYTES:
            raise StateError(f"{path} is larger than {MAXIMUM_BYTES} bytes, which no state is: delete it")
        state = State.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise StateError(
            f"{path} is damaged ({error.error_count()} errors): end the services it names and delete it"
        ) from error
    if state.version == 1 and not state.processes:  # all was taken down: only the ports are kept
        return state.model_copy(update={"version": VERSION})
    if state.version != VERSION:
        raise StateError(
            f"{path} has version {state.version}, this program writes {VERSION}: run `down` of that version first"
        )
    return state


def write_state(directory: Path, state: State) -> None:
    """Replace the state of a directory."""
    directory.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{FILE}-", dir=directory)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(state.model_dump(), file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(directory / FILE)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
