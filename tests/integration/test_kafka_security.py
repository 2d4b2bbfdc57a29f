"""A broker that asks who is there: topics, replay, job and reading back all log in, and the password is nowhere to be seen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from jobs.local.jars import fetch_jars
from jobs.local.java import find_java
from jobs.local.kafka import KafkaServer
from jobs.local.ports import LOOPBACK, free_ports
from jobs.replay import Replayer
from jobs.topics import TopicError, create_topics
from tests.chat import T0, Chat
from tests.integration.monitoring import PASSWORD, Cluster

pytestmark = pytest.mark.timeout(600)
LOGIN = "org.apache.kafka.common.security.plain.PlainLoginModule"


class SecuredKafka(KafkaServer):
    """A broker with a second listener that asks for name and password."""

    def settings(self) -> dict[str, object]:
        """The broker's configuration, with one user."""
        values = super().settings()
        (self.secured_port,) = free_ports(1)
        address = f"SASL://{LOOPBACK}:{self.secured_port}"
        return values | {
            "listeners": f"{values['listeners']},{address}",
            "advertised.listeners": f"{values['advertised.listeners']},{address}",
            "listener.security.protocol.map": f"{values['listener.security.protocol.map']},SASL:SASL_PLAINTEXT",
            "listener.name.sasl.sasl.enabled.mechanisms": "PLAIN",
            "listener.name.sasl.plain.sasl.jaas.config": f'{LOGIN} required user_watch="{PASSWORD}";',
        }


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[SecuredKafka]:
    server = SecuredKafka(tmp_path / "kafka", find_java(), fetch_jars().kafka)
    server.start()
    server.wait()
    yield server
    server.stop()


def test_the_whole_line_logs_in_and_the_password_is_nowhere_to_be_seen(cluster: Cluster, broker: SecuredKafka) -> None:
    options = {
        "kafka__bootstrap_servers": f"{LOOPBACK}:{broker.secured_port}",
        "kafka__security": "sasl_plaintext",
        "kafka__mechanism": "PLAIN",
        "kafka__username": "watch",
    }
    with cluster.monitor("secured", **options) as monitor:
        monitor.submit()
        replayer = Replayer(monitor.producer)
        chat = Chat(T0).customer(0, "在吗").agent(0.5, "爱买不买")
        replayer.run((event["sent_at"], event) for event in chat.events)
        replayer.finish(monitor.settings)
        monitor.until_accounted(produced=2)
        assert len(monitor.account.sessions) == 1
        assert len(monitor.until_published()) == 2  # the insult, firing and resolved

        url = cluster.stack.flink_url
        pages = [f"/jobs/{monitor.job}", f"/jobs/{monitor.job}/config", f"/jobs/{monitor.job}/plan", "/jobmanager/config"]
        shown = "".join(httpx.get(url + page).raise_for_status().text for page in pages)
        logs = "".join(path.read_text(errors="replace") for path in (cluster.stack.flink.directory / "log").glob("*"))
        assert "replywatch secured replay" in shown and monitor.job in logs
        assert PASSWORD not in shown + logs

        wrong = monitor.settings.model_copy(
            update={"kafka": monitor.settings.kafka.model_copy(update={"username": "stranger"})}
        )
        with pytest.raises(TopicError, match=r"no answer for 5 s \(.*Authentication failed.*\); check .* the password"):
            create_topics(wrong, timeout_seconds=5)
