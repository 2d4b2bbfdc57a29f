"""What the settings give to Kafka's Python clients, tried without a broker: librdkafka's own messages name no setting."""

from __future__ import annotations

import ssl

from confluent_kafka import KafkaException, Producer

from jobs.settings import Kafka
from udfs.yaml_file import FileError


def check_options(kafka: Kafka) -> None:
    """Raise FileError for a kafka.ca_file that is used and holds no certificate, and for kafka.options that no client takes."""
    options: dict[str, str | int | bool] = {"log_level": 0, "enable.idempotence": True}
    if kafka.security.endswith("ssl"):
        options["security.protocol"] = "ssl"  # what options say of certificates is read then only
        if kafka.ca_file:
            _check_certificates(kafka.ca_file)
            options["ssl.ca.location"] = kafka.ca_file
    if not kafka.options:
        return
    options |= kafka.options
    options.pop("bootstrap.servers", None)
    try:
        Producer(options)
    except (KafkaException, TypeError, ValueError) as error:
        fault = error.args[0] if error.args else error
        detail = fault.str() if hasattr(fault, "str") else str(fault)
        raise FileError(f"kafka.options: {detail}; librdkafka's names and values are needed (those of the job's clients in Java: kafka.flink_options)") from error


def _check_certificates(path: str) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except OSError as error:  # SSLError as well
        reason = "no certificate is in it" if isinstance(error, ssl.SSLError) else error.strerror
        raise FileError(f"kafka.ca_file: {path}: {reason}; a PEM file with the certificate of the brokers' authority is needed") from error
