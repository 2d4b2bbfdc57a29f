"""Submits the job to a Flink cluster, wherever it is, with the client from PyFlink's own wheel."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import orjson

from jobs.environment import hash_key
from jobs.local.client import SUBMIT_TIMEOUT_S, Submission
from jobs.local.flink_installation import FlinkInstallation
from jobs.local.flink_rest import FlinkError
from jobs.local.java import find_java
from jobs.package import application
from jobs.paths import cache_directory
from jobs.settings import Settings
from udfs.rules import RuleSet

MODULE = "jobs.submit"
HTTP_PORT = 80


def submit(
    settings: Settings,
    rules: RuleSet,
    connector_jars: Sequence[Path],
    *,
    savepoint: str | None = None,
    timeout_s: float = SUBMIT_TIMEOUT_S,
) -> str:
    """Submit the monitor to the cluster of the settings; the id of the job, which runs detached.

    `connector_jars` is Kafka's connector. Raises FlinkError with the client's output if the job was not taken, and
    `udfs.yaml_file.FileError` where the secret for personal ids is not set: the cluster's processes need the same one.
    """
    with tempfile.TemporaryDirectory(prefix="replywatch-submit-") as scratch:
        submission = begin(
            settings, rules, connector_jars, Path(scratch), savepoint=savepoint
        )
        with submission:
            return submission.job(timeout_s)


def begin(
    settings: Settings,
    rules: RuleSet,
    connector_jars: Sequence[Path],
    directory: Path,
    *,
    savepoint: str | None = None,
) -> Submission:
    """Start the client in the empty `directory`, which it needs until it ends; the caller ends it.

    The client takes some seconds before it speaks to the cluster, so it may be started while the cluster starts.
    """
    hash_key()
    address = urlsplit(settings.flink.rest_url)
    port = address.port or HTTP_PORT
    if address.scheme != "http" or not address.hostname or address.path.strip("/"):
        raise FlinkError(
            f"flink.rest_url is {settings.flink.rest_url!r}: Flink's client goes to the JobManager itself; give its address as "
            "http://host:8081, without TLS and without a path"
        )
    installation = FlinkInstallation(
        directory=directory,
        java=find_java(),
        python=Path(sys.executable),
        connector_jars=list(connector_jars),
        port=port,
        rpc_port=0,
        # A cluster that is still starting is asked again soon, and for a minute.
        options={"rest.address": address.hostname, "rest.retry.delay": 250, "rest.retry.max-attempts": 240},
        class_data=cache_directory() / "classes",
    )
    installation.prepare()
    return Submission(
        installation,
        f"{address.hostname}:{port}",
        MODULE,
        arguments=["--settings", public_settings(settings), "--rules", rules.model_dump_json()],
        python_files=[application(directory / "application")],
        savepoint=savepoint,
        cluster_python=settings.flink.python,
    )


def public_settings(settings: Settings) -> str:
    """The settings as JSON that may be seen in a list of processes.

    A Redis address with a password is left out: the cluster's processes take it from REPLYWATCH_REDIS__URL; and so is
    Kafka's password, see `jobs.kafka_security`.
    """
    url = settings.redis.url.get_secret_value()
    values = settings.model_dump(mode="json")
    values["redis"]["url"] = "" if "@" in url or "password=" in url.lower() else url
    values["kafka"]["password"] = ""
    return orjson.dumps(values).decode()
