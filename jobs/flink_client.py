"""Submits the job to a Flink cluster, wherever it is, with the client from PyFlink's own wheel."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from jobs.local.environment import flink_environment, flink_home
from jobs.local.flink_rest import FlinkError
from jobs.local.java import find_java
from jobs.package import application
from jobs.paths import conf_directory
from jobs.settings import Settings, hash_key
from udfs.rules import RuleSet

JOB_ID = re.compile(r"JobID ([0-9a-f]{32})")
MODULE = "jobs.submit"


def submit(
    settings: Settings,
    rules: RuleSet,
    connector: Path,
    savepoint: str | None = None,
    allow_dropped_state: bool = False,
    timeout_seconds: float = 300,
) -> str:
    """Submit the monitor; the id of the job, which runs detached.

    `connector` is the Kafka connector's jar. FlinkError with the client's output if the job was not taken, and
    `udfs.yaml_file.FileError` where the secret for personal ids is not set: the cluster's processes need the same one.
    """
    hash_key()
    address = urlsplit(settings.flink.rest_url)
    with tempfile.TemporaryDirectory(prefix="replywatch-submit-") as scratch:
        directory = Path(scratch)
        configuration = yaml.safe_load((conf_directory() / "flink.yaml").read_text(encoding="utf-8"))
        configuration |= {"rest.address": address.hostname, "rest.port": address.port or 80}
        (directory / "conf").mkdir()
        (directory / "conf" / "config.yaml").write_text(yaml.safe_dump(configuration, width=100_000), encoding="utf-8")
        log = (conf_directory() / "flink-log4j.properties").read_bytes()
        (directory / "conf" / "log4j-cli.properties").write_bytes(log)
        python = settings.flink.python or sys.executable
        command = [str(flink_home() / "bin" / "flink"), "run", "--detached"]
        command += ["--jobmanager", f"{address.hostname}:{address.port or 80}"]
        if savepoint:
            command += ["--fromSavepoint", savepoint]
            command += ["--allowNonRestoredState"] if allow_dropped_state else []
        command += ["-pyclientexec", sys.executable, "-pyexec", python]
        command += ["-pyfs", str(application(directory / "application"))]
        command += ["-pym", MODULE, "--settings", public_settings(settings), "--rules", rules.model_dump_json()]
        environment = flink_environment(Path(sys.executable), find_java(), directory)
        environment["FLINK_LIB_DIR"] = str(_library(directory / "lib", connector))
        try:
            done = subprocess.run(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=timeout_seconds,
            )
        except subprocess.TimeoutExpired as error:
            raise FlinkError(f"the client had not submitted the job in {timeout_seconds:g} s") from error
    found = JOB_ID.search(done.stdout)
    if done.returncode != 0 or not found:
        output = (done.stdout + done.stderr).strip()[-6_000:]
        raise FlinkError(f"the job was not submitted to {settings.flink.rest_url} (exit {done.returncode}):\n{output}")
    return found.group(1)


def public_settings(settings: Settings) -> str:
    """The settings as JSON without secrets: a Redis address with a password stays in the cluster's environment."""
    values = settings.model_dump(mode="json")
    url = settings.redis.url.get_secret_value()
    values["redis"]["url"] = "" if "@" in url else url
    return Settings.model_validate(values).model_copy().model_dump_json() if "@" in url else _json(values)


def _json(values: object) -> str:
    import orjson

    return orjson.dumps(values).decode()


def _library(directory: Path, connector: Path) -> Path:
    """What the client needs on its class path: Flink's own jars, its Python jar and the connector."""
    directory.mkdir()
    home = flink_home()
    for jar in (*(home / "lib").glob("*.jar"), *(home / "opt").glob("flink-python-*.jar"), connector):
        (directory / jar.name).symlink_to(jar.absolute())
    return directory
