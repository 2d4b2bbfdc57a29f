"""The clusters that docker/ describes have the Flink options of conf/flink.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from jobs.paths import configuration_file

DOCKER = Path(__file__).parents[2] / "docker"
OF_ONE_MACHINE = (
    "env.java.opts.all",  # the image's own configuration has Flink's list
    "heartbeat.",  # a network needs Flink's longer ones
    "cluster.registration.error-delay",
    "jobmanager.retrieve-taskmanager-hostname",
    "metrics.",
)


def compose() -> dict[str, Any]:
    """The options of the Compose file."""
    told = yaml.safe_load((DOCKER / "compose.yaml").read_text("utf-8"))
    options: dict[str, Any] = yaml.safe_load(told["x-replywatch"]["environment"]["FLINK_PROPERTIES"])
    return options


def kubernetes() -> dict[str, Any]:
    """The options of the manifest, the sizes of its containers among them."""
    documents = yaml.safe_load_all((DOCKER / "kubernetes" / "flink-deployment.yaml").read_text("utf-8"))
    spec = next(each["spec"] for each in documents if each["kind"] == "FlinkDeployment")
    sizes = {
        f"{name.lower()}.memory.process.size": spec[name]["resource"]["memory"] for name in ("jobManager", "taskManager")
    }
    return {**spec["flinkConfiguration"], **sizes}


def test_compose_keeps_its_data_and_builds_its_image_once() -> None:
    told = yaml.safe_load((DOCKER / "compose.yaml").read_text("utf-8"))
    services = told["services"]
    assert [name for name, service in services.items() if "build" in service] == ["jobmanager"]
    kept = {volume.partition(":")[0] for service in services.values() for volume in service.get("volumes", ())}
    assert kept == set(told["volumes"]) and {"kafka", "redis"} <= kept
    assert all("logging" in service for service in services.values())
    assert all(port.startswith("127.0.0.1:") for service in services.values() for port in service.get("ports", ()))
    keeper = services["submit"]["entrypoint"]
    assert keeper[1:3] == ["submit", "--keep"] and f"state:{keeper[3]}" in services["submit"]["volumes"]


@pytest.mark.parametrize("described", [compose, kubernetes])
def test_clusters_of_containers_have_the_options_of_the_local_one(described: Any) -> None:
    wanted = yaml.safe_load(configuration_file("flink.yaml").read_text("utf-8"))
    here = {name: str(value) for name, value in wanted.items() if not name.startswith(OF_ONE_MACHINE)}
    there = {name: str(value) for name, value in described().items()}
    told = {name: value.lower() for name, value in there.items() if name in here}
    assert told == {name: value.lower() for name, value in here.items()}
