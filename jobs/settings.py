"""The settings, typed and checked; where they come from is `jobs.settings_file`'s. Durations carry their unit in their name."""

from __future__ import annotations

import logging
import re
from typing import Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from jobs.paths import conf_directory
from jobs.redis_url import unusable_options
from udfs.limits import Limits
from udfs.parsing import NO_LIMIT, TimeLimits
from udfs.rules import RuleSet, load_rules

LOG = logging.getLogger(__name__)

SECRET_WORDS = ("password", "secret", "jaas", "token", "key.pem")
URLS = {"redis": ("redis", "rediss", "unix"), "http": ("http", "https")}

LONGEST = 10 * 366 * 86_400.0
"""Seconds: no session, lateness or memory is longer than ten years."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True, coerce_numbers_to_str=True)


class Kafka(_Section):
    """Where messages come from and records go to."""

    bootstrap_servers: str = Field(default="127.0.0.1:9092", description="host:port, several with commas")
    group_id: str = "replywatch"
    partitions: int = Field(default=4, ge=1, le=10_000, description="of topics that ReplyWatch creates")
    replication: int = Field(default=1, ge=1, le=10)
    start: Literal["earliest", "latest"] = Field(default="earliest", description="where a new group begins to read")
    idle_timeout_seconds: float = Field(default=0, ge=0, description="a partition this long silent holds no time; 0: never")
    security: Literal["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"] = "plaintext"
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    username: str = Field(default="", pattern=r'^[^"\\$\x00-\x1f]*$')
    password: SecretStr = Field(default=SecretStr(""), description="from the environment, here and on the cluster")
    ca_file: str = Field(default="", description="PEM, of the brokers' authority; on the cluster's machines as well")
    options: dict[str, str] = Field(default_factory=dict, description="further properties of Python's clients (librdkafka)")
    flink_options: dict[str, str] = Field(default_factory=dict, description="further properties of the job's clients (Java)")

    @field_validator("options", "flink_options")
    @classmethod
    def _no_secret(cls, options: dict[str, str]) -> dict[str, str]:
        for name in options:
            if any(word in name.lower() for word in SECRET_WORDS):
                raise ValueError(f"{name} holds a secret, which options would show; use kafka.username and kafka.password")
        return options

    @field_validator("password")
    @classmethod
    def _quotable(cls, password: SecretStr) -> SecretStr:
        if any(sign in '"\\' or not sign.isprintable() for sign in password.get_secret_value()):
            raise ValueError('a password with ", \\ or control characters cannot be handed to Kafka\'s login module')
        return password

    @model_validator(mode="after")
    def _named(self) -> Kafka:
        if self.security.startswith("sasl") and not self.username:
            raise ValueError(f"security is {self.security}, which needs a username")
        return self


class Redis(_Section):
    """Where alerts are published."""

    url: SecretStr = SecretStr("redis://127.0.0.1:6379/0")
    alert_memory_seconds: int = Field(default=7 * 86_400, ge=60, description="longer than the longest replay")
    stream_max_length: int = Field(default=100_000, ge=100, description="entries of the stream, roughly")
    retry_seconds: float = Field(default=60, gt=0, description="then the job restarts from its checkpoint")
    timeout_seconds: float = Field(default=5, gt=0)

    @field_validator("url")
    @classmethod
    def _is_url(cls, url: SecretStr) -> SecretStr:
        if url.get_secret_value():  # a job that is submitted carries none: it has it from its own environment
            _check_url(url.get_secret_value(), "redis")
            if unusable := unusable_options(url.get_secret_value()):
                raise ValueError(f"{', '.join(unusable)} behind the ? can't be used, or not with that value: mend or remove it")
        return url


class Flink(_Section):
    """The cluster that the job is submitted to, and how it runs there."""

    rest_url: str = "http://127.0.0.1:8081"
    python: str = Field(default="", description="interpreter on the cluster's machines; empty: the one that submits")
    parallelism: int = Field(default=1, ge=1, le=1_000)
    max_parallelism: int = Field(default=128, ge=1, le=32_768, description="once and for ever: it caps rescaling")
    batch_size: int = Field(default=2_000, ge=1, le=100_000, description="records per batch of the reading step, at most")
    bundle_size: int = Field(
        default=8_000, ge=1, le=1_000_000, description="records that are under way in the reading step, at most"
    )
    bundle_time_ms: int = Field(default=10, ge=1, le=60_000, description="how long a batch waits to fill")
    checkpoint_seconds: float = Field(default=10, gt=0)

    @field_validator("rest_url")
    @classmethod
    def _is_url(cls, url: str) -> str:
        _check_url(url, "http")
        return url


class Time(_Section):
    """Sessions and lateness."""

    session_gap_seconds: float = Field(default=1_800, gt=0, le=LONGEST)
    allowed_lateness_seconds: float = Field(default=300, ge=0, le=LONGEST)
    duplicate_memory_seconds: float = Field(default=28_800, gt=0, le=LONGEST)
    oldest_accepted_seconds: float = Field(default=28_800, gt=0, le=LONGEST, description="live topics; a replay takes any age")
    future_seconds: float = Field(default=300, ge=0, le=LONGEST, description="sent_at may be so far ahead of the record's time")
    clock_skew_tolerance_seconds: float = Field(default=2, ge=0, le=LONGEST)
    alarm_grace_seconds: float = Field(default=5, ge=0, le=LONGEST)
    max_session_seconds: float = Field(default=86_400, gt=0, le=LONGEST)
    max_session_messages: int = Field(default=2_000, ge=2, le=100_000)
    numeric_strings: bool = Field(default=False, description="take sent_at as epoch ms in a string, too")
    zone: str = Field(default="Asia/Shanghai", description="of the clock times in summaries")

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"no time zone {value!r}; use a name such as Asia/Shanghai") from error
        return value


class Scoring(_Section):
    """The sentiment model."""

    model: str = Field(default="default", description="accurate, fast, lexicon, null, a directory, OWNER/NAME on the hub, or a URL")
    device: Literal["auto", "cuda", "cpu"] = "auto"
    precision: Literal["auto", "fp32", "bf16", "int8"] = "auto"
    batch_size: int = Field(default=64, ge=1, le=4_096)
    threads: int = Field(default=1, ge=1, le=256)
    least_confidence: float = Field(default=0.5, ge=0, le=1, description="below it a message's label is unknown; its score counts")
    satisfaction: str = Field(default="default", description="model of a session's satisfaction: default, none, or a file")

    @field_validator("model", mode="before")
    @classmethod
    def _null_is_a_model(cls, model: Any) -> Any:
        return "null" if model is None else model  # YAML reads the bare word as nothing

    @field_validator("model")
    @classmethod
    def _is_url(cls, model: str) -> str:
        if "://" in model:
            _check_url(model, "http")
        return model


class Settings(_Section):
    """All settings of ReplyWatch."""

    namespace: str = Field(default="", pattern=r"^[A-Za-z0-9_-]{0,40}$", description="prefix of topics, keys, channels")
    input: Literal["live", "replay"] = "live"
    rules_file: str = Field(default="rules.yaml", description="a path, or a file beside the settings' file")
    dead_letter_limit: float = Field(default=0.5, ge=0, le=1, description="share of the last 10,000 records; 0: off")
    kafka: Kafka = Kafka()
    redis: Redis = Redis()
    flink: Flink = Flink()
    time: Time = Time()
    scoring: Scoring = Scoring()

    def topic(self, name: str) -> str:
        """The full name of a topic: `messages replay alerts sessions late duplicates dead-letters`."""
        return f"{self.namespace}.conversation.{name}" if self.namespace else f"conversation.{name}"

    @property
    def input_topic(self) -> str:
        """The topic that the job reads."""
        return self.topic("messages" if self.input == "live" else "replay")

    @property
    def job_name(self) -> str:
        """The job's name in Flink, by which one that runs already is found."""
        return f"replywatch {self.namespace} {self.input}".replace("  ", " ")

    def redis_name(self, name: str) -> str:
        """A key or channel with the namespace in front."""
        return f"{self.namespace}:{name}" if self.namespace else name

    def rules(self) -> RuleSet:
        """The rules of `rules_file`; FileError if they can't be used. Warns of one that waits for longer than a session may be silent."""
        rules = load_rules(conf_directory() / self.rules_file)
        closes = self.time.session_gap_seconds + self.time.allowed_lateness_seconds
        for rule in rules.rules:
            if rule.enabled and rule.kind in ("slow_reply", "silence", "promised_return") and rule.limit_seconds >= closes:
                LOG.warning(
                    "%s: rule %s: limit_seconds is %g, but a session is over %g s after its last line (time.session_gap_seconds and "
                    "allowed_lateness_seconds), and a wait with it: it fires only where somebody goes on writing",
                    *(self.rules_file, rule.id, rule.limit_seconds, closes),
                )
        return rules

    def limits(self, rules: RuleSet) -> Limits:
        """Time and rules compiled for the conversation's logic."""
        times = self.time
        return Limits(
            session_gap_ms=_ms(times.session_gap_seconds),
            allowed_lateness_ms=_ms(times.allowed_lateness_seconds),
            duplicate_memory_ms=_ms(times.duplicate_memory_seconds),
            clock_skew_ms=_ms(times.clock_skew_tolerance_seconds),
            alarm_grace_ms=_ms(times.alarm_grace_seconds),
            max_session_ms=_ms(times.max_session_seconds),
            max_session_messages=times.max_session_messages,
            **rules.thresholds(),
        )

    def time_limits(self) -> TimeLimits:
        """What the reading step accepts as `sent_at`."""
        oldest = NO_LIMIT if self.input == "replay" else _ms(self.time.oldest_accepted_seconds)
        return TimeLimits(oldest, _ms(self.time.future_seconds), self.time.numeric_strings)


def printable(settings: Settings) -> dict[str, Any]:
    """All settings for a person to read: of Redis' address all but user and password, other secrets hidden."""
    values = settings.model_dump(mode="json")
    # Greedy: whatever a password may hold, the last @ is behind it.
    address = re.sub(r"://.*@", "://**********@", settings.redis.url.get_secret_value(), flags=re.DOTALL)
    values["redis"]["url"] = re.sub(r"((?:username|password)=)[^&]*", r"\1**********", address, flags=re.IGNORECASE)
    return values


def _check_url(url: str, kind: str) -> None:
    """ValueError unless it has one of the kind's schemes, and a port that can be one."""
    schemes = URLS[kind]
    try:
        parts = urlsplit(url)
        usable = parts.scheme in schemes and parts.port != 0 and bool(parts.hostname or parts.scheme == "unix")
    except ValueError:
        usable = False
    if usable and kind == "http" and "@" in parts.netloc:
        raise ValueError("user and password don't belong into this URL: it is shown and travels with the job")
    if not usable:
        raise ValueError(f"no URL of the form {schemes[0]}://host:port")  # without the value: it may hold a password


def _ms(seconds: float) -> int:
    return round(seconds * 1_000)
