"""Real services for the tests of this folder: one Kafka, one Redis and one Flink cluster for the whole session."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.local.redis_server import RedisServer
from jobs.local.stack import LocalStack
from tests.integration.monitoring import Cluster, running_cluster


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """Kafka, Redis and Flink on free ports, in a new folder; they end with the session, also if it is killed."""
    with LocalStack(tmp_path_factory.mktemp("stack"), metrics=True) as running:
        yield running


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Services of their own for the tests of the monitor: two TaskManagers, which those tests may kill."""
    with running_cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis for one test alone."""
    redis_server = RedisServer(tmp_path / "redis")
    redis_server.start()
    redis_server.wait()
    yield redis_server
    redis_server.stop()
