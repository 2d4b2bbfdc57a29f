"""Settings: typed, checked, overridable by the environment, and silent about secrets."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jobs.environment import hash_key
from jobs.local.hash_key import FILE_VARIABLE
from jobs.local.jars import REPOSITORY_VARIABLE
from jobs.paths import CACHE_VARIABLE, conf_directory
from jobs.settings import Settings
from jobs.settings_file import load_settings
from models.remote_client import TOKEN_VARIABLE
from udfs.parsing import NO_LIMIT
from udfs.yaml_file import FileError, plain_value

SECRET = "rediss://:hunter2-hunter2@redis.example:6380/0"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("REPLYWATCH_"):
            monkeypatch.delenv(name)


def write(directory: Path, text: str) -> Path:
    path = directory / "settings.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(path: Path) -> str:
    with pytest.raises(FileError) as refused:
        load_settings(path)
    return str(refused.value)


@pytest.mark.parametrize(
    ("text", "line", "field", "words"),
    [
        ("namespace: ''\nkafkaa: {}\n", 2, "kafkaa", "unknown setting"),
        ("kafka:\n  partitions: 4\n  bootstrap: x:1\n", 3, "kafka.bootstrap", "unknown setting"),
        ("kafka:\n  partitions: 0\n", 2, "kafka.partitions", "greater than or equal to 1"),
        ("kafka:\n  partitions: many\n", 2, "kafka.partitions", "integer"),
        ("input: yesterday\n", 1, "input", "'live' or 'replay'"),
        ("namespace: a b\n", 1, "namespace", "pattern"),
        ("dead_letter_limit: 1.5\n", 1, "dead_letter_limit", "less than or equal to 1"),
        ("time:\n  zone: Asia/Shangrila\n", 2, "time.zone", "use a name such as Asia/Shanghai"),
        ("time:\n  zone: ../etc/passwd\n", 2, "time.zone", "use a name such as Asia/Shanghai"),
        ("time:\n  session_gap_seconds: 0\n", 2, "time.session_gap_seconds", "greater than 0"),
        ("time:\n  session_gap_seconds: 60\n  session_gap_seconds: 90\n", 3, "session_gap_seconds", "second time"),
        ("scoring:\n  device: tpu\n", 2, "scoring.device", "'auto', 'cuda' or 'cpu'"),
        ("kafka: [1]\n", 1, "kafka", "dictionary"),
    ],
)
def test_a_fault_is_told_with_file_line_and_field(tmp_path: Path, text: str, line: int, field: str, words: str) -> None:
    path = write(tmp_path, text)
    message = refusal(path)
    assert message.startswith(f"{path}:{line}: {field}: ") and words in message


def test_several_faults_are_told_at_once(tmp_path: Path) -> None:
    assert len(refusal(write(tmp_path, "input: never\nnonsense: 1\n")).splitlines()) == 2


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.yaml").startswith(f"{tmp_path / 'none.yaml'}: ")


def test_an_empty_file_means_the_defaults(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path, ""))
    assert settings.model_dump(exclude={"rules_file"}) == Settings().model_dump(exclude={"rules_file"})
    assert settings.rules_file == str(conf_directory() / "rules.yaml")
    assert (settings.time.session_gap_seconds, settings.time.allowed_lateness_seconds) == (1_800, 300)
    assert (settings.time.duplicate_memory_seconds, settings.time.alarm_grace_seconds) == (28_800, 5)
    assert settings.dead_letter_limit == 0.5


def test_the_settings_that_come_with_the_product_are_good_and_read_its_rules() -> None:
    settings = load_settings(Path(__file__).parents[2] / "conf" / "settings.yaml")
    limits = settings.limits(settings.rules())
    assert limits.session_gap_ms == 1_800_000 and limits.slow_reply and limits.silence


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, "namespace: file\nkafka:\n  partitions: 2\n  group_id: mine\n")
    monkeypatch.setenv("REPLYWATCH_NAMESPACE", "env")
    monkeypatch.setenv("REPLYWATCH_KAFKA__PARTITIONS", "8")
    settings = load_settings(path)
    assert (settings.namespace, settings.kafka.partitions, settings.kafka.group_id) == ("env", 8, "mine")


def test_an_argument_wins_over_the_environment_unless_it_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPLYWATCH_INPUT", "live")
    monkeypatch.setenv("REPLYWATCH_NAMESPACE", "env")
    settings = load_settings(write(tmp_path, ""), input="replay", namespace=None)
    assert (settings.input, settings.namespace) == ("replay", "env")


def test_words_and_digits_stay_what_was_typed_where_a_text_is_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load_settings(write(tmp_path, "scoring: {model: null}\nnamespace: 2024\n")).scoring.model == "null"
    for name, text in {"SCORING__MODEL": "null", "NAMESPACE": "007", "KAFKA__USERNAME": "12345678", "KAFKA__PASSWORD": "0x10"}.items():
        monkeypatch.setenv(f"REPLYWATCH_{name}", text)
    settings = load_settings(write(tmp_path, ""))
    assert (settings.scoring.model, settings.namespace, settings.kafka.username) == ("null", "007", "12345678")
    assert settings.kafka.password.get_secret_value() == "0x10"


def test_rules_lie_beside_the_settings_and_a_variable_means_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = "- {id: %s, kind: silence, severity: info, limit_seconds: 60}\n"
    (tmp_path / "etc").mkdir()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    settings = write(tmp_path / "etc", "rules_file: mine.yaml\n")
    for folder in ("etc", "here"):
        (tmp_path / folder / "mine.yaml").write_text("schema_version: 1\nrules:\n" + rule % folder, "utf-8")
    assert [each.id for each in load_settings(settings).rules().rules] == ["etc"]
    monkeypatch.setenv("REPLYWATCH_RULES_FILE", "mine.yaml")
    assert [each.id for each in load_settings(settings).rules().rules] == ["here"]
    monkeypatch.setenv("REPLYWATCH_RULES_FILE", "none.yaml")
    with pytest.raises(FileError, match=r"here/none\.yaml"):
        load_settings(settings).rules()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("REDIS__URL", "localhost:6379"),
        ("REDIS__URL", "http://localhost:6379"),
        ("REDIS__URL", "redis://:s3cret-of-redis@localhost:port"),
        ("FLINK__REST_URL", "http://jobmanager:port"),
        ("FLINK__REST_URL", "jobmanager:8081"),
        ("SCORING__MODEL", "http://models:80x"),
    ],
)
def test_an_address_that_is_none_is_refused_by_name_and_without_what_it_may_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    monkeypatch.setenv(f"REPLYWATCH_{name}", text)
    with pytest.raises(FileError, match=f"REPLYWATCH_{name}: .*host:port") as told:
        load_settings(write(tmp_path, ""))
    assert "s3cret" not in str(told.value)


def test_the_environment_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPLYWATCH_SETTINGS", str(write(tmp_path, "namespace: there\n")))
    assert load_settings().namespace == "there"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REPLYWATCH_KAFKA__PARTITIONS", "none"),
        ("REPLYWATCH_KAFKA__BOOTSTRAP", "x:1"),
        ("REPLYWATCH_NONSENSE", "1"),
        ("REPLYWATCH_TIME__ZONE", "Mars"),
        ("REPLYWATCH_INPUT__MODE", "live"),
        ("REPLYWATCH_NAMESPACE", "[1"),
    ],
)
def test_a_bad_variable_is_refused_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    assert name in refusal(write(tmp_path, ""))


def test_secrets_are_in_no_text_of_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPLYWATCH_REDIS__URL", SECRET)
    monkeypatch.setenv("REPLYWATCH_HASH_KEY", "a secret of sixteen or more")
    settings = load_settings(write(tmp_path, ""))
    shown = f"{settings} {settings!r} {settings.model_dump()} {settings.model_dump_json()}"
    assert "hunter2" not in shown and "a secret of" not in shown
    assert settings.redis.url.get_secret_value() == SECRET


def test_a_secret_in_a_file_survives_an_override_of_something_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPLYWATCH_NAMESPACE", "env")
    settings = load_settings(write(tmp_path, f"redis:\n  url: {SECRET}\n"))
    assert settings.redis.url.get_secret_value() == SECRET


def test_the_namespace_stands_before_every_topic_and_key() -> None:
    plain, named = Settings(), Settings(namespace="shadow")
    assert (plain.topic("alerts"), named.topic("alerts")) == ("conversation.alerts", "shadow.conversation.alerts")
    assert (plain.redis_name("alerts"), named.redis_name("alerts")) == ("alerts", "shadow:alerts")
    assert (plain.input_topic, Settings(input="replay").input_topic) == ("conversation.messages", "conversation.replay")


def test_a_replay_takes_messages_of_any_age_and_live_topics_eight_hours() -> None:
    assert Settings().time_limits().oldest_accepted_ms == 8 * 3_600_000
    assert Settings(input="replay").time_limits().oldest_accepted_ms == NO_LIMIT


def test_limits_are_the_settings_in_milliseconds(tmp_path: Path) -> None:
    text = "time:\n  session_gap_seconds: 1.5\n  clock_skew_tolerance_seconds: 0\n  alarm_grace_seconds: 0.25\n"
    settings = load_settings(write(tmp_path, text))
    limits = settings.limits(settings.rules())
    assert (limits.session_gap_ms, limits.clock_skew_ms, limits.alarm_grace_ms) == (1_500, 0, 250)


def test_the_hash_key_comes_from_the_environment_or_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = tmp_path / "key"
    key.write_text("from the file, long enough\n", encoding="utf-8")
    monkeypatch.setenv("REPLYWATCH_HASH_KEY_FILE", str(key))
    assert hash_key() == b"from the file, long enough"
    monkeypatch.setenv("REPLYWATCH_HASH_KEY", "from the environment, long enough")
    assert hash_key() == b"from the environment, long enough"


def test_without_a_hash_key_nothing_starts_and_a_short_one_is_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(FileError, match="REPLYWATCH_HASH_KEY"):
        hash_key()
    monkeypatch.setenv("REPLYWATCH_HASH_KEY", "short")
    with pytest.raises(FileError) as refused:
        hash_key()
    assert "short" not in str(refused.value)
    monkeypatch.delenv("REPLYWATCH_HASH_KEY")
    monkeypatch.setenv("REPLYWATCH_HASH_KEY_FILE", str(tmp_path / "none"))
    with pytest.raises(FileError, match="HASH_KEY_FILE"):
        hash_key()


def test_variables_of_other_places_are_no_unknown_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (CACHE_VARIABLE, REPOSITORY_VARIABLE, FILE_VARIABLE, TOKEN_VARIABLE):
        monkeypatch.setenv(name, "/somewhere")
    assert load_settings().scoring.model == "default"


def test_a_model_that_lies_here_is_named_by_its_whole_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("etc/theirs", "here/mine", "here/default"):
        (tmp_path / folder).mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    file = write(tmp_path / "etc", "scoring: {model: theirs}\nkafka: {ca_file: ca.pem}\n")
    (tmp_path / "etc" / "ca.pem").touch()
    settings = load_settings(file)
    assert settings.scoring.model == str(tmp_path / "etc" / "theirs")
    assert settings.kafka.ca_file == str(tmp_path / "etc" / "ca.pem")
    assert load_settings(file, scoring__model="mine").scoring.model == str(tmp_path / "here" / "mine")
    for name in ("default", "accurate", "lexicon", "null", "someone/on-the-hub", "http://models:8088"):
        assert load_settings(file, scoring__model=name).scoring.model == name


@pytest.mark.parametrize("folder", ["etc", "here"])
def test_an_empty_folder_hides_no_model_that_comes_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str) -> None:
    for each in ("etc", "here"):
        (tmp_path / each / "fast").mkdir(parents=True)
    (tmp_path / folder / "lexicon").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    file = write(tmp_path / "etc", "scoring: {model: fast}\n")
    assert load_settings(file).scoring.model == "fast"
    assert load_settings(file, scoring__model="./fast").scoring.model == str(tmp_path / "here" / "fast")
    assert load_settings(file, scoring__model="lexicon").scoring.model == "lexicon"
    (tmp_path / folder / "fast" / "config.json").touch()
    assert load_settings(file).scoring.model == str(tmp_path / folder / "fast")


def test_a_rule_that_waits_for_longer_than_a_silent_session_lives_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rule = "- {id: %s, kind: silence, severity: info, limit_seconds: 3600, enabled: %s}\n"
    (tmp_path / "hour.yaml").write_text("schema_version: 1\nrules:\n" + rule % ("hour", "true") + rule % ("disabled", "false"), "utf-8")
    load_settings(write(tmp_path, "rules_file: hour.yaml\ntime: {session_gap_seconds: 7200}\n")).rules()
    assert caplog.messages == []
    load_settings(write(tmp_path, "rules_file: hour.yaml\n")).rules()
    (warned,) = caplog.messages
    assert "hour.yaml: rule hour: limit_seconds is 3600, but a session is over 2100 s" in warned


def test_messages_older_than_ids_are_remembered_are_not_accepted(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"oldest_accepted_seconds is 28800, time\.duplicate_memory_seconds 3600"):
        load_settings(write(tmp_path, "time: {duplicate_memory_seconds: 3600}\n"))
    file = write(tmp_path, "time: {duplicate_memory_seconds: 3600}\n")
    assert load_settings(file, time__oldest_accepted_seconds=3_600).time.duplicate_memory_seconds == 3_600
    assert load_settings(file, input="replay").time_limits().oldest_accepted_ms == NO_LIMIT


@pytest.mark.parametrize(
    "name", ["REST_SERVICE_HOST", "REST_SERVICE_PORT", "REST_SERVICE_PORT_HTTP", "REST_PORT", "REST_PORT_8081_TCP", "PORT_80_TCP_ADDR", "SERVICE_HOST"]
)
def test_what_kubernetes_tells_of_services_is_no_setting(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(f"REPLYWATCH_{name}", "tcp://10.0.0.1:8081")
    monkeypatch.setenv(f"REPLYWATCH_{'REST_' * name.startswith('REST')}SERVICE_HOST", "10.0.0.1")
    assert load_settings().kafka.bootstrap_servers == "127.0.0.1:9092"


@pytest.mark.parametrize("name", ["KAFKA__PORT", "PORTS", "REST_PORTAL", "KAFKA__REST_SERVICE_HOST", "REDIS_PORT"])
def test_what_only_looks_so_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(f"REPLYWATCH_{name}", "1")
    with pytest.raises(FileError, match=f"REPLYWATCH_{name}: unknown setting"):
        load_settings()


@pytest.mark.parametrize(
    ("text", "value"), [("060", "060"), ("0", 0), ("-3", -3), ("1e3", 1000.0), (".5", 0.5), ("1.", 1.0), ("1:30", "1:30"), ("1:30.5", "1:30.5"), ("2024-03-02", "2024-03-02"), ("2024-31-12", "2024-31-12"), ("0x_", "0x_"), ("1.5", 1.5), ("true", True)]
)
def test_a_value_is_what_it_looks_like(text: str, value: object) -> None:
    """By YAML 1.1 some of these are 48, 90, a day, and tracebacks."""
    assert plain_value(f"a: {text}") == {"a": value}


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("time__session_gap_seconds", ".inf", "less than or equal|finite"),
        ("time__session_gap_seconds", "1.0e+308", "less than or equal"),
        ("time__zone", "America", "no time zone"),
        ("flink__rest_url", "http://admin:geheim@flink:8081", "don't belong"),
        ("scoring__model", "http://admin:geheim@model:8000", "don't belong"),
    ],
)
def test_what_only_fails_later_is_refused_at_once(name: str, value: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"REPLYWATCH_{name.upper()}", value)
    with pytest.raises(FileError, match=words) as refused:
        load_settings()
    assert "geheim" not in str(refused.value)


@pytest.mark.parametrize(
    "option", ["foo=bar", "socket_timeout=abc", "socket_timeout=-1", "socket_timeout=nan", "socket_connect_timeout=inf", "db=x",
               "max_connections=-1", "decode_responses=yes", "protocol=3", "socket_keepalive=yes&foo=s3cret"],
)  # fmt: skip
@pytest.mark.parametrize("address", ["redis://127.0.0.1:6379/0", "rediss://redis:6379", "unix:///run/redis.sock"])
def test_an_option_of_a_redis_address_that_no_client_takes_is_refused_by_name(address: str, option: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPLYWATCH_REDIS__URL", f"{address}?{option}")
    with pytest.raises(FileError, match=rf"REPLYWATCH_REDIS__URL: .*{option.split('&')[-1].split('=')[0]} behind the \? can't be used") as refused:
        load_settings()
    assert "s3cret" not in str(refused.value)


def test_an_option_of_a_redis_address_that_a_client_takes_is_taken() -> None:
    for options in (
        "socket_timeout=3&health_check_interval=5&retry_on_timeout=yes&max_connections=4&client_name=x", "password=s3cret&username=u", "db=2",
    ):  # fmt: skip
        for address in ("redis://127.0.0.1:6379/0", "unix:///run/redis.sock"):
            load_settings(redis__url=f"{address}?{options}")
    load_settings(redis__url="rediss://redis:6379/0?ssl_cert_reqs=none&ssl_ca_certs=/etc/ca.pem")


def test_bytes_that_are_no_text_are_refused_by_the_variable_s_name(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NAMESPACE", "KAFKA__USERNAME", "REDIS__URL"):
        with monkeypatch.context() as patch:
            patch.setenv(f"REPLYWATCH_{name}", os.fsdecode(b"redis://caf\xe9"))
            with pytest.raises(FileError, match=f"REPLYWATCH_{name}: holds bytes that are not UTF-8"):
                load_settings()
    monkeypatch.setenv("REPLYWATCH_HASH_KEY", os.fsdecode(bytes(range(240, 256)) + b"hidden"))
    with pytest.raises(FileError, match=r"REPLYWATCH_HASH_KEY: holds bytes that are no text; make one by `openssl rand -hex 32`") as refused:
        hash_key()
    assert "hidden" not in str(refused.value)


def test_a_value_that_is_nested_too_deeply_is_refused_by_the_variable_s_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPLYWATCH_KAFKA__PARTITIONS", "[" * 5_000)
    with pytest.raises(FileError, match="REPLYWATCH_KAFKA__PARTITIONS: nested too deeply"):
        load_settings()


@pytest.mark.parametrize("model", ["x" * 300, "~nobody-here/model"])
def test_a_model_s_name_may_be_no_path_at_all(model: str) -> None:
    assert load_settings(scoring__model=model).scoring.model == model


def test_a_key_of_random_bytes_is_refused_with_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REPLYWATCH_HASH_KEY", raising=False)
    (tmp_path / "key").write_bytes(bytes(range(128, 160)))
    monkeypatch.setenv("REPLYWATCH_HASH_KEY_FILE", str(tmp_path / "key"))
    with pytest.raises(FileError, match="openssl rand -hex 32"):
        hash_key()


def test_zeros_in_front_stay_in_a_name_and_are_nothing_in_a_number(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("namespace: 0308\ntime:\n  session_gap_seconds: 060\nkafka:\n  partitions: 010\n", "utf-8")
    found = load_settings(tmp_path / "mine.yaml")
    assert (found.namespace, found.time.session_gap_seconds, found.kafka.partitions) == ("0308", 60, 10)
