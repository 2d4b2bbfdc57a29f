"""The command line: what it prints, what it hides, and how it says that something is wrong."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from jobs.cli import INTERRUPTED, app
from jobs.commands.shared import CLOSED_PIPE, batches_of_standard_input
from jobs.demo import DemoOptions
from jobs.demo_directory import run_directory
from jobs.faults import explain
from jobs.flink_client import begin, public_settings
from jobs.local import service
from jobs.local.flink_rest import FlinkError
from jobs.local.hash_key import keep_hash_key
from jobs.local.state import StateError
from jobs.paths import PlaceError, state_directory
from jobs.redis_alerts import RedisUnavailable, redis_url
from jobs.settings import Settings, printable
from jobs.settings_file import load_settings
from udfs.yaml_file import FileError

COMMANDS = (
    "demo", "up", "down", "status", "submit", "topics", "replay", "simulate", "tail", "say", "clock", "account", "config", "score",
    "mask", "doctor", "train", "calibrate", "evaluate", "train-satisfaction", "serve",
)  # fmt: skip


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test sees the services or the settings of whoever runs it."""
    for name in [name for name in os.environ if name.startswith("REPLYWATCH_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("REPLYWATCH_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def program(*arguments: str, text: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `replywatch` as a user does, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "jobs.cli", *arguments],
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
        cwd=Path(__file__).parents[2],
        env={**os.environ, **environment},
    )


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def begun(*arguments: str) -> subprocess.Popen[str]:
    """`replywatch` with pipes to all that it reads and writes."""
    return subprocess.Popen(
        [sys.executable, "-m", "jobs.cli", *arguments],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    result = CliRunner().invoke(app, [command, "--help"])
    assert result.exit_code == 0
    assert "Usage" in result.output and command in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("train", "--data", "{home}/none.csv", "--output", "{home}/m"), "none.csv does not exist: give a folder"),
        (("train", "--data", "{home}/bad.csv", "--output", "{home}/m"), "bad.csv, line 2: label is 'good'"),
        (("train", "--data", "{home}/bad.csv", "--output", "{home}/m", "--recipe", "best"), "recipe 'best' is not known"),
        (("train", "--data", "{home}/bad.csv", "--output", "{home}/m", "--repeat", "own"), "'own': SET=TIMES is needed"),
        (("evaluate", "--data", "{home}/bad.csv", "--rivals", "bert"), "bert is not known: one of tfidf"),
        (("evaluate", "--data", "{home}/bad.csv", "--report", "{home}/bad.csv"), "is a file: name a folder"),
        (("evaluate", "--data", "{home}/bad.csv", "--device", "gpu"), "device is 'gpu': one of auto, cuda, cpu"),
        (("calibrate", "--data", "{home}/bad.csv", "--output", "{home}/m", "--device", "gpu"), "device is 'gpu'"),
        (("train", "--data", "{home}/bad.csv", "--output", "{home}/m", "--device", "gpu"), "device is 'gpu'"),
        (("train-satisfaction", "--data", "{home}/bad.csv", "--output", "{home}"), "can't be written: name a JSON file"),
        (("train-satisfaction", "--data", "{home}/x", "--output", "{home}/bad.csv"), "bad.csv holds something else than a satisfaction model, which"),
        (("serve", "--host", "::1"), "host ::1 is not known: a name or an IPv4 address"),
        (("score", "--model", "http://127.0.0.1:port"), "is no URL of a model server"),
    ],
)
def test_faults_of_training_and_evaluation_are_one_message(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    (tmp_path / "bad.csv").write_text("text,label\nhi,good\n", "utf-8")
    result = program(*(each.replace("{home}", str(tmp_path)) for each in arguments), COLUMNS="1000")
    assert result.returncode == 2, result.stderr
    assert message in result.stderr and "Traceback" not in result.stderr
    assert result.stdout == ""


def test_a_command_whose_extra_is_not_installed_says_which_one(tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text("text,label\nhi,neutral\n", "utf-8")
    program = (
        "import sys; sys.modules['sklearn'] = None; from jobs.cli import main; "
        f"sys.argv = ['replywatch', 'calibrate', '--data', {str(tmp_path / 'own.csv')!r}, '--output', {str(tmp_path / 'new')!r}]; main()"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert found.returncode == 2
    assert "pip install 'replywatch[train]'" in found.stderr
    assert "Traceback" not in found.stderr


def test_config_prints_settings_from_file_and_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPLYWATCH_TIME__SESSION_GAP_SECONDS", "600")
    result = CliRunner().invoke(app, ["config", "--namespace", "past"])
    values = yaml.safe_load(result.output)
    assert result.exit_code == 0
    assert values["time"]["session_gap_seconds"] == 600
    assert values["namespace"] == "past"


def test_config_hides_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPLYWATCH_REDIS__URL", "redis://:open-sesame@example.org:6379/0")
    for name, value in {"SECURITY": "sasl_ssl", "USERNAME": "watch", "PASSWORD": "swordfish"}.items():
        monkeypatch.setenv(f"REPLYWATCH_KAFKA__{name}", value)
    result = CliRunner().invoke(app, ["config"])
    assert result.exit_code == 0
    assert "sesame" not in result.output and "swordfish" not in result.output
    values = yaml.safe_load(result.output)
    assert values["kafka"]["username"] == "watch"
    assert values["redis"]["url"] == "redis://**********@example.org:6379/0"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"),
        ("rediss://watch:pass@word/1@redis:6379/2", "rediss://**********@redis:6379/2"),
        ("unix:///run/redis.sock?db=1&password=sesame&username=watch", "unix:///run/redis.sock?db=1&password=**********&username=**********"),
    ],
)
def test_an_address_is_shown_without_user_and_password(url: str, shown: str) -> None:
    assert printable(load_settings(redis__url=url))["redis"]["url"] == shown


def test_mask_prints_one_object_a_line_with_spans_of_the_text() -> None:
    lines = ["call 13912345678 please", "", "nothing here"]
    result = CliRunner().invoke(app, ["mask"], input="\n".join(lines) + "\n")
    found = [json.loads(line) for line in result.output.splitlines()]
    assert [record["masked"] for record in found] == ["call [phone] please", "", "nothing here"]
    (span,) = found[0]["spans"]
    assert lines[0][span["start"] : span["end"]] == "13912345678"
    assert found[1]["spans"] == found[2]["spans"] == []


def test_mask_takes_bytes_that_are_no_utf8() -> None:
    result = CliRunner().invoke(app, ["mask"], input=b"caf\xe9 13912345678\n")
    assert json.loads(result.output)["masked"] == "caf\ufffd [phone]"


def test_a_line_is_scored_when_it_comes_and_not_when_a_batch_is_full() -> None:
    with begun("score", "--model", "null") as scoring:
        assert scoring.stdin is not None and scoring.stdout is not None
        for text in ("hello", "still there?"):
            scoring.stdin.write(f"{text}\n")
            scoring.stdin.flush()
            assert json.loads(scoring.stdout.readline())["text"] == text
        scoring.stdin.close()
        assert scoring.wait(30) == 0


@pytest.mark.parametrize("command", [("mask",), ("score", "--model", "null")])
def test_who_reads_no_further_ends_the_command_without_a_traceback(command: tuple[str, ...]) -> None:
    with begun(*command) as filtering:
        assert filtering.stdin is not None and filtering.stdout is not None and filtering.stderr is not None
        filtering.stdout.close()
        filtering.stdin.write("hello\n")
        filtering.stdin.flush()  # and stays open, as of somebody who follows a log
        assert (filtering.wait(30), filtering.stderr.read()) == (CLOSED_PIPE, "")


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        ("echo hi | {} score --model null > /dev/full", 1, "error standard output: No space left on device; make room"),
        ("echo hi | {} mask > /dev/full", 1, "error standard output: No space left on device; make room"),
        ("{} config > /dev/full", 1, "(standard output, a file in REPLYWATCH_HOME or REPLYWATCH_CACHE, or what the command makes): No space"),
        ("{} status > /dev/full", 1, "No space left on device; make room"),
        ("{} score --model null <&-", 2, "standard input: it is closed"),
        ("{} mask <&-", 2, "standard input: it is closed"),
        ("echo hi | {} score --model null >&-", 2, "error standard output is closed"),
        ("{} config >&-", 2, "error standard output is closed"),
    ],
)
def test_a_full_or_closed_end_of_a_pipe_is_one_message(line: str, code: int, message: str) -> None:
    command = line.format(f"{sys.executable} -m jobs.cli")
    found = subprocess.run(["sh", "-c", command], capture_output=True, text=True, cwd=Path(__file__).parents[2], env={**os.environ, "COLUMNS": "300"})
    assert found.returncode == code, found.stderr
    assert message in found.stderr and "Traceback" not in found.stderr and "ignored" not in found.stderr


@pytest.mark.parametrize("command", [("status",), ("config",), ("tail",), ("doctor",), ("up",), ("say", "c1", "customer", "hi")])
def test_a_home_that_cannot_be_used_is_one_message(tmp_path: Path, command: tuple[str, ...]) -> None:
    (tmp_path / "file").touch()
    result = program(*command, REPLYWATCH_HOME=str(tmp_path / "file" / "below"), REPLYWATCH_HASH_KEY="a secret of sixteen or more")
    assert result.returncode == 2
    assert f"{tmp_path}/file/below" in result.stderr and "set REPLYWATCH_HOME to a folder of your own" in result.stderr
    assert "Traceback" not in result.stderr


WITHOUT_ROOTS_RIGHTS = ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if os.geteuid() == 0 else ()
"""Before a command: root reads everything otherwise."""


@pytest.mark.skipif(bool(WITHOUT_ROOTS_RIGHTS) and not shutil.which("setpriv"), reason="root may read everything")
@pytest.mark.parametrize(
    ("arguments", "environment", "message"),
    [
        (("status",), {"REPLYWATCH_HOME": "{}"}, "{}/state.json: Permission denied; set REPLYWATCH_HOME to a folder of your own"),
        (("config",), {"REPLYWATCH_HOME": "{}"}, "{}/state.json: Permission denied; set REPLYWATCH_HOME to a folder of your own"),
        (("tail",), {"REPLYWATCH_HOME": "{}"}, "{}/state.json: Permission denied; set REPLYWATCH_HOME to a folder of your own"),
        (("replay", "{}/chats.jsonl"), {}, "{}/chats.jsonl: Permission denied; name a path that you may use"),
        (("score", "--model", "{}"), {}, "{}/config.json can't be looked into: Permission denied; give a folder that you may read"),
        (("config",), {"REPLYWATCH_SCORING__MODEL": "{}"}, "scoring.model: {}/config.json can't be looked into: Permission denied"),
        (("config", "--settings", "{}/mine.yaml"), {}, "{}/mine.yaml: Permission denied; name a readable file"),
        (("train", "--data", "{}/own.csv", "--output", "new"), {}, "{}/own.csv: Permission denied; name a path that you may use"),
    ],
)
def test_a_folder_of_somebody_else_is_one_message(
    tmp_path: Path, arguments: tuple[str, ...], environment: dict[str, str], message: str
) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    theirs.chmod(0)
    told = {name: value.format(theirs) for name, value in environment.items()}
    found = subprocess.run(
        [*WITHOUT_ROOTS_RIGHTS, sys.executable, "-m", "jobs.cli", *(each.format(theirs) for each in arguments)],
        capture_output=True, text=True, input="", cwd=Path(__file__).parents[2], env={**os.environ, **told},
    )  # fmt: skip
    theirs.chmod(0o700)
    assert found.returncode == 2
    assert message.format(theirs) in found.stderr and "Traceback" not in found.stderr


def test_what_the_system_says_of_a_path_is_a_message_and_other_faults_are_not(own_home: Path) -> None:
    denied = explain(PermissionError(13, "Permission denied", "/theirs/chats.jsonl"))
    assert denied == ("/theirs/chats.jsonl: Permission denied; name a path that you may use, or have its rights changed", 2)
    home = explain(PermissionError(13, "Permission denied", str(own_home / "service.json")))
    assert home is not None and home[0].endswith("service.json: Permission denied; set REPLYWATCH_HOME to a folder of your own")
    assert explain(FileNotFoundError(2, "No such file or directory", "/gone")) is None
    assert explain(PermissionError(13, "Permission denied")) is None
    assert explain(ConnectionResetError(104, "Connection reset by peer")) is None


def test_an_interrupted_command_ends_while_its_input_is_open() -> None:
    with begun("score", "--model", "null") as scoring:
        assert scoring.stdin is not None and scoring.stdout is not None and scoring.stderr is not None
        scoring.stdin.write("hello\n")
        scoring.stdin.flush()
        assert json.loads(scoring.stdout.readline())["text"] == "hello"
        scoring.send_signal(signal.SIGINT)
        assert (scoring.wait(30), scoring.stderr.read()) == (INTERRUPTED, "")


def test_a_file_is_divided_alike_however_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [f"line {at} 太差了" for at in range(150)]
    told = "\n".join([*lines, "no end"]).encode()
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(told)))
    batches = list(batches_of_standard_input())
    assert [text for batch in batches for text in batch] == [*lines, "no end"]
    assert [len(batch) for batch in batches] == [64, 64, 22, 1]


def test_score_with_the_null_model_scores_nothing() -> None:
    result = CliRunner().invoke(app, ["score", "--model", "null"], input="太差了\nthank you\n")
    found = [json.loads(line) for line in result.output.splitlines()]
    assert found == [
        {"text": "太差了", "label": None, "score": None, "confidence": None, "model": "null"},
        {"text": "thank you", "label": None, "score": None, "confidence": None, "model": "null"},
    ]


def test_score_tells_how_sure_the_model_is() -> None:
    """And so which threshold a label would pass."""

    def scored(least: float) -> dict[str, Any]:
        arguments = ["score", "--model", "fast", "--device", "cpu", "--precision", "fp32", "--least-confidence", str(least)]
        return json.loads(CliRunner().invoke(app, arguments, input="太差了，骗子\n").output)

    line = scored(0.0)
    assert line["label"] == "negative" and 1 / 3 < line["confidence"] < 1
    # What the likeliest label has is at least what it is above another one by.
    assert line["confidence"] >= -line["score"] > 0
    assert scored(line["confidence"] - 0.001) == line
    assert scored(line["confidence"] + 0.001) == line | {"label": "unknown"}


def test_score_follows_the_settings_and_what_is_given_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def scored(*arguments: str) -> dict[str, Any]:
        return json.loads(CliRunner().invoke(app, ["score", "--device", "cpu", *arguments], input="太差了\n").output)

    (tmp_path / "mine.yaml").write_text("scoring: {model: lexicon}\n", "utf-8")
    monkeypatch.setenv("REPLYWATCH_SCORING__LEAST_CONFIDENCE", "1")
    assert scored("--settings", str(tmp_path / "mine.yaml"))["model"] == "lexicon"
    monkeypatch.setenv("REPLYWATCH_SCORING__MODEL", "fast")
    assert scored() | {"tones": {}} == scored() | {"label": "unknown", "tones": {}}
    assert scored()["model"].startswith("fast@")
    assert scored("--least-confidence", "0")["label"] == "negative"
    assert scored("--model", "lexicon")["model"] == "lexicon"


def test_score_asks_a_given_server_whatever_the_settings_say_of_a_model_at_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Any, ...]] = []
    monkeypatch.setenv("REPLYWATCH_SCORING__THREADS", "4")
    monkeypatch.setenv("REPLYWATCH_SCORING__LEAST_CONFIDENCE", "0.9")
    monkeypatch.setattr("jobs.text_lines.score_lines", lambda batches, *given, **limits: asked.append((*given, limits)) or [])
    CliRunner().invoke(app, ["score", "--model", "http://models:8088"])
    CliRunner().invoke(app, ["score", "--model", "fast"])
    assert asked == [
        ("http://models:8088", "auto", "auto", 0.9, {"batch_size": 64, "threads": 1}),
        ("fast", "auto", "auto", 0.9, {"batch_size": 64, "threads": 4}),
    ]


def test_a_demonstration_follows_the_settings_where_no_model_is_given() -> None:
    assert DemoOptions().model is None


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("SCORING__MODEL", "acurate", r"scoring.model: acurate is no model (did you mean accurate?)"),
        ("SCORING__SATISFACTION", "nowhere.json", "scoring.satisfaction: cannot read a satisfaction model from nowhere.json"),
    ],
)
def test_config_looks_at_what_the_settings_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str) -> None:
    monkeypatch.setenv(f"REPLYWATCH_{name}", value)
    with pytest.raises(FileError) as refused:
        CliRunner().invoke(app, ["config"], catch_exceptions=False)
    assert message in str(refused.value)


def test_config_tells_what_a_server_decides_itself_and_asks_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPLYWATCH_SCORING__MODEL", "http://127.0.0.1:9")
    assert CliRunner().invoke(app, ["config"]).exit_code == 0
    monkeypatch.setenv("REPLYWATCH_SCORING__BATCH_SIZE", "256")
    with pytest.raises(FileError, match=r"scoring\.model: batch_size 256 would be ignored"):
        CliRunner().invoke(app, ["config"], catch_exceptions=False)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["say", "c1", "parrot", "hello"], "parrot"),
        (["say", "c1", "customer", "hello", "--kind", "shout"], "shout"),
        (["say", "c1", "customer"], "a message needs a text"),
        (["score", "--device", "abacus"], "abacus"),
    ],
)
def test_a_wrong_argument_is_named(arguments: list[str], said: str) -> None:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2
    assert said in result.output


def test_a_wrong_setting_is_one_message_with_its_line(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("namespace: ok\ntime:\n  sesion_gap_seconds: 5\n")
    result = program("config", "--settings", str(wrong))
    assert result.returncode == 2
    assert f"{wrong}:3: time.sesion_gap_seconds: unknown setting" in result.stderr
    assert "Traceback" not in result.stderr and not result.stdout


def test_a_file_in_no_known_format_is_one_message(tmp_path: Path) -> None:
    odd = tmp_path / "odd.txt"
    odd.write_text("once upon a time\n")
    for command in ("demo", "replay"):
        result = program(command, str(odd))
        assert result.returncode == 2
        assert "not a known format" in result.stderr and "Traceback" not in result.stderr


def test_services_that_do_not_run_are_one_message_with_a_remedy() -> None:
    port = unused_port()
    tail = program("tail", REPLYWATCH_REDIS__URL=f"redis://127.0.0.1:{port}/0")
    submit = program("submit", REPLYWATCH_FLINK__REST_URL=f"http://127.0.0.1:{port}")
    for result, said in ((tail, "redis.url"), (submit, "is the cluster running?")):
        assert result.returncode == 1
        assert said in result.stderr and "Traceback" not in result.stderr


def test_status_says_how_to_begin_where_nothing_runs() -> None:
    result = CliRunner().invoke(app, ["status"])
    assert result.exit_code == 1
    assert "replywatch up" in result.output


def test_down_without_services_is_no_fault() -> None:
    result = CliRunner().invoke(app, ["down"])
    assert (result.exit_code, result.output.strip()) == (0, "nothing was running")


def test_the_hash_key_is_made_once_and_only_its_owner_can_read_it(own_home: Path) -> None:
    first, second = keep_hash_key(), keep_hash_key()
    path = Path(first["REPLYWATCH_HASH_KEY_FILE"])
    assert first == second and path.parent == own_home
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(path.read_text().strip()) == 64
    assert [entry.name for entry in own_home.iterdir()] == [path.name]


def test_a_hash_key_of_ones_own_is_kept(monkeypatch: pytest.MonkeyPatch, own_home: Path) -> None:
    monkeypatch.setenv("REPLYWATCH_HASH_KEY", "a secret of one's own")
    assert keep_hash_key() == {"REPLYWATCH_HASH_KEY": "a secret of one's own"}
    assert not own_home.exists()


def test_a_redis_password_does_not_travel_with_the_job(monkeypatch: pytest.MonkeyPatch) -> None:
    secret, plain = "redis://:open-sesame@example.org:6379/0", "redis://example.org:6379/0"
    sent = public_settings(load_settings(redis__url=secret))
    assert "sesame" not in sent
    arrived = Settings.model_validate_json(sent)
    with pytest.raises(RedisUnavailable, match="REPLYWATCH_REDIS__URL"):
        redis_url(arrived)
    monkeypatch.setenv("REPLYWATCH_REDIS__URL", secret)
    assert redis_url(arrived) == secret
    assert redis_url(Settings.model_validate_json(public_settings(load_settings(redis__url=plain)))) == plain
    for otherwise in ("unix:///run/redis.sock?db=0&password=open-sesame", "redis://example.org:6379/0?password=open-sesame"):
        assert "sesame" not in public_settings(load_settings(redis__url=otherwise))


@pytest.mark.parametrize("url", ["https://jobmanager:8081", "http://proxy:80/flink"])
def test_an_address_that_the_submitting_client_cannot_go_to_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, url: str
) -> None:
    monkeypatch.setenv("REPLYWATCH_HASH_KEY", "a secret of one's own")
    settings = load_settings(flink__rest_url=url)
    with pytest.raises(FlinkError, match="without TLS and without a path"):
        begin(settings, settings.rules(), [], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_address_in_the_environment_is_meant_also_where_it_is_the_shipped_one(monkeypatch: pytest.MonkeyPatch, own_home: Path) -> None:
    local = {"kafka__bootstrap_servers": "127.0.0.1:40001", "flink__rest_url": "http://127.0.0.1:40002"}
    monkeypatch.setattr(service, "local_addresses", lambda: local)
    assert service.find_settings().kafka.bootstrap_servers == "127.0.0.1:40001"
    monkeypatch.setenv("REPLYWATCH_KAFKA__BOOTSTRAP_SERVERS", "127.0.0.1:9092")
    found = service.find_settings()
    assert (found.kafka.bootstrap_servers, found.flink.rest_url) == ("127.0.0.1:9092", "http://127.0.0.1:40002")


def test_the_clock_finds_the_settings_that_up_was_called_with(monkeypatch: pytest.MonkeyPatch, own_home: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("namespace: mine\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REPLYWATCH_SETTINGS", "mine.yaml")
    given: dict[str, str] = {}
    monkeypatch.setattr(service.processes, "start", lambda *names, environment, **rest: given.update(environment))
    service._start_clock(service.Service(), tmp_path, load_settings())
    assert given["REPLYWATCH_SETTINGS"] == str(tmp_path / "mine.yaml")


def test_a_damaged_record_of_the_service_is_one_message(own_home: Path) -> None:
    path = state_directory() / service.FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{", "utf-8")
    with pytest.raises(StateError, match="can't be read"):
        service.read_service()


def test_what_the_job_would_refuse_is_not_on_its_way() -> None:
    for arguments in (["say", "c\n1", "customer", "x"], ["say", "c1", "customer", "x" * 20_001], ["say", "c1", "customer", "--kind", "tick"]):
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 2, arguments


def test_a_folder_for_a_demonstration_that_is_a_file_is_one_message(own_home: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", "utf-8")
    for named in (tmp_path / "file", tmp_path / "file" / "below", Path("~nobody-here/x")):
        with pytest.raises(PlaceError, match="name another folder"), run_directory(named):
            pass
    (state_directory() / "demo").mkdir(parents=True)
    (state_directory() / "demo" / "zzz-stray").write_text("x", "utf-8")
    for _ in range(2):
        with run_directory(None) as directory:
            assert directory.path.is_dir()
