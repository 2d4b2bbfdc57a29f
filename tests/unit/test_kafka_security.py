"""Users and TLS of Kafka in the settings, for both kinds of client; the password stays where it belongs."""

from __future__ import annotations

import pytest

from jobs.flink_client import public_settings
from jobs.kafka_security import client_security, flink_security
from jobs.settings import Settings
from jobs.settings_file import load_settings
from udfs.yaml_file import FileError

SECURED = {
    "kafka__security": "sasl_ssl",
    "kafka__mechanism": "SCRAM-SHA-256",
    "kafka__username": "watch",
    "kafka__password": "swordfish",
    "kafka__ca_file": "/etc/ca.pem",
}
MODULE = "org.apache.flink.kafka.shaded.org.apache.kafka.common.security.scram.ScramLoginModule"


def test_a_plain_broker_needs_nothing() -> None:
    kafka = load_settings().kafka
    assert client_security(kafka) == flink_security(kafka) == {}


def test_both_kinds_of_client_are_told_in_their_own_words() -> None:
    kafka = load_settings(**SECURED).kafka
    assert client_security(kafka) == {
        "security.protocol": "sasl_ssl",
        "ssl.ca.location": "/etc/ca.pem",
        "sasl.mechanism": "SCRAM-SHA-256",
        "sasl.username": "watch",
        "sasl.password": "swordfish",
    }
    java = flink_security(kafka)
    assert java["security.protocol"] == "SASL_SSL"
    assert (java["ssl.truststore.type"], java["ssl.truststore.location"]) == ("PEM", "/etc/ca.pem")
    assert java["sasl.jaas.config"] == f'{MODULE} required username="watch" password="${{env:REPLYWATCH_KAFKA__PASSWORD}}";'


def test_the_password_does_not_travel_with_the_job() -> None:
    settings = load_settings(**SECURED)
    sent = public_settings(settings)
    arrived = Settings.model_validate_json(sent)
    assert "swordfish" not in sent + repr(settings) + str(flink_security(arrived.kafka))
    assert flink_security(arrived.kafka) == flink_security(settings.kafka)
    with pytest.raises(FileError, match=r"REPLYWATCH_KAFKA__PASSWORD: kafka\.security is sasl_ssl, which needs a password"):
        client_security(arrived.kafka)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kafka__username": ""}, "security is sasl_ssl, which needs a username"),
        ({"kafka__username": 'a" password="b'}, "KAFKA__USERNAME"),
        ({"kafka__username": "${env:HOME}"}, "KAFKA__USERNAME"),
        ({"kafka__password": 'say "please"'}, "KAFKA__PASSWORD: .*cannot be handed to Kafka's login module"),
        ({"kafka__options": {"sasl.password": "x"}}, "sasl.password holds a secret, which options would show"),
        ({"kafka__flink_options": {"sasl.jaas.config": "x"}}, "sasl.jaas.config holds a secret, which options would show"),
        ({"kafka__mechanism": "GSSAPI"}, "KAFKA__MECHANISM"),
    ],
)
def test_what_cannot_work_or_would_leak_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(FileError, match=message) as refused:
        load_settings(**{**SECURED, **changes})
    assert "swordfish" not in str(refused.value)


def test_a_password_of_digits_is_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPLYWATCH_KAFKA__PASSWORD", "0012")
    assert load_settings().kafka.password.get_secret_value() == "0012"
