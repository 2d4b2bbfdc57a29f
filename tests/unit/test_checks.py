"""What is looked at before anything starts: what the settings say of Kafka's clients."""

from __future__ import annotations

from pathlib import Path

import certifi
import pytest
from confluent_kafka.admin import AdminClient

from jobs.checks import checked
from jobs.settings_file import load_settings
from jobs.topics import client_options
from udfs.yaml_file import FileError

SECURED = {"kafka__security": "sasl_ssl", "kafka__username": "watch", "kafka__password": "swordfish"}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"foo": "bar"}, 'No such configuration property: "foo"'),
        ({"socket.timeout.ms": "soon"}, 'Invalid value for configuration property "socket.timeout.ms"'),
        ({"error_cb": "print"}, "expected error_cb property as a callable function"),
        ({"acks": "1"}, "`acks` must be set to `all`"),
    ],
)
def test_an_option_that_no_client_of_kafka_takes_is_refused_by_the_setting_s_name(options: dict[str, str], told: str) -> None:
    settings = load_settings(kafka__options=options)
    for look in (checked, client_options):
        with pytest.raises(FileError, match=f"^kafka.options: .*{told}.*; librdkafka's names and values are needed"):
            look(settings)  # type: ignore[operator]


def test_an_option_that_a_client_takes_is_taken() -> None:
    settings = load_settings(**SECURED, kafka__ca_file=certifi.where(), kafka__options={"socket.keepalive.enable": "true", "client.id": "mine"})
    checked(settings)
    AdminClient(client_options(settings))


@pytest.mark.parametrize("security", ["ssl", "sasl_ssl"])
def test_certificates_that_are_none_are_refused_by_the_setting_s_name(security: str, tmp_path: Path) -> None:
    (tmp_path / "empty.pem").touch()
    for name, told in (("none.pem", "No such file or directory"), ("empty.pem", "no certificate is in it"), ("", "Is a directory")):
        settings = load_settings(**{**SECURED, "kafka__security": security, "kafka__ca_file": str(tmp_path / name)})
        for look in (checked, client_options):
            with pytest.raises(FileError, match=rf"^kafka\.ca_file: {tmp_path / name}: {told}; a PEM file"):
                look(settings)  # type: ignore[operator]


def test_certificates_that_nobody_asks_for_are_not_looked_at() -> None:
    """The local services have none, whatever the settings say of a Kafka elsewhere."""
    checked(load_settings(kafka__ca_file="/nowhere/ca.pem"))
