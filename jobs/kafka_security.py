"""How clients prove who they are to Kafka and whom they trust, for both kinds of client: Python's and the job's in Java.

The job's arguments and its plan are there for everybody who may open Flink's page. So the password never travels in them:
they name the variable REPLYWATCH_KAFKA__PASSWORD, and Kafka's client reads it where it runs, by its own
`EnvVarConfigProvider`. The processes of the cluster need it in their environment, as they need REPLYWATCH_HASH_KEY.
"""

from __future__ import annotations

from typing import Final

from jobs.settings import Kafka
from udfs.yaml_file import FileError

PASSWORD_VARIABLE: Final = "REPLYWATCH_KAFKA__PASSWORD"
SHADED: Final = "org.apache.flink.kafka.shaded.org.apache.kafka.common"
"""Where Flink's SQL connector keeps its own copy of Kafka's client."""

LOGIN_MODULES: Final = {
    "PLAIN": "security.plain.PlainLoginModule",
    "SCRAM-SHA-256": "security.scram.ScramLoginModule",
    "SCRAM-SHA-512": "security.scram.ScramLoginModule",
}


def client_security(kafka: Kafka) -> dict[str, str]:
    """Options of the Python clients, as librdkafka names them. Raises FileError where the password is missing."""
    if kafka.security == "plaintext":
        return {}
    options: dict[str, str] = {"security.protocol": kafka.security}
    if kafka.ca_file:
        options["ssl.ca.location"] = kafka.ca_file
    if kafka.security.startswith("sasl"):
        password = kafka.password.get_secret_value()
        if not password:
            raise FileError(f"{PASSWORD_VARIABLE}: kafka.security is {kafka.security}, which needs a password; set it")
        options |= {"sasl.mechanism": kafka.mechanism, "sasl.username": kafka.username, "sasl.password": password}
    return options


def flink_security(kafka: Kafka) -> dict[str, str]:
    """Properties of the job's clients, as Kafka's Java client names them. They hold no secret."""
    if kafka.security == "plaintext":
        return {}
    options: dict[str, str] = {"security.protocol": kafka.security.upper()}
    if kafka.ca_file:
        options |= {"ssl.truststore.type": "PEM", "ssl.truststore.location": kafka.ca_file}
    if kafka.security.startswith("sasl"):
        login = f"{SHADED}.{LOGIN_MODULES[kafka.mechanism]} required"
        options |= {
            "sasl.mechanism": kafka.mechanism,
            "sasl.jaas.config": f'{login} username="{kafka.username}" password="${{env:{PASSWORD_VARIABLE}}}";',
            "config.providers": "env",
            "config.providers.env.class": f"{SHADED}.config.provider.EnvVarConfigProvider",
            "config.providers.env.param.allowlist.pattern": PASSWORD_VARIABLE,
        }
    return options
