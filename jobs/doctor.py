"""`replywatch doctor`: is everything there that the settings need? Each answer is a line, each fault has its remedy."""

from __future__ import annotations

from collections.abc import Callable

import redis
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from rich.console import Console
from rich.table import Table
from rich.text import Text

from jobs.checks import usable_rules
from jobs.environment import hash_key
from jobs.local.flink_rest import FlinkError, FlinkRest
from jobs.local.jars import JarError, expected_jars, read_jars
from jobs.local.preflight import Check, preflight
from jobs.redis_alerts import RedisUnavailable, redis_url
from jobs.settings import Settings
from jobs.topics import client_options, topic_settings, wrong_time
from models.scorer import ModelError, load_scorer
from models.sources import is_url
from udfs.yaml_file import FileError

TIMEOUT_S = 3.0
START = "start it with `replywatch up`, or set"


def examine(settings: Settings, console: Console) -> int:
    """Print every check; the exit code: 1 if one fails."""
    each: list[tuple[str, Callable[[], Check]]] = [
        ("jars", check_jars),
        ("rules", lambda: check_rules(settings)),
        ("hash key", check_hash_key),
        ("kafka", lambda: check_kafka(settings)),
        ("redis", lambda: check_redis_server(settings)),
        ("flink", lambda: check_flink_cluster(settings)),
        ("model", lambda: check_model(settings)),
    ]
    checks = [*preflight(), *(_checked(name, check) for name, check in each)]
    table = Table(box=None, show_header=False, pad_edge=False)
    for _ in range(3):
        table.add_column(overflow="fold")  # what is cut off is a path, or the number of a line
    for check in checks:
        table.add_row(Text("ok", "green") if check.ok else Text("no", "red"), check.name, check.detail)
        if not check.ok:
            table.add_row("", "", f"→ {check.remedy}")
    console.print(table, highlight=False)
    return 0 if all(check.ok for check in checks) else 1


def _checked(name: str, check: Callable[[], Check]) -> Check:
    """The check's result; one that can't be made says why, and the others are made all the same."""
    try:
        return check()
    except Exception as error:  # whatever it is: it is what is wrong here
        return Check(name, False, f"{type(error).__name__}: {error}", "mend what this names; `replywatch config` prints the settings")


def check_jars() -> Check:
    """Kafka's broker and connector in the cache; their sums are checked at each start."""
    try:
        wanted = [jar for group in read_jars().values() for jar in group]
        files = [path for group in expected_jars() for path in group]
    except JarError as error:
        return Check("jars", False, "conf/jars.yaml can't be used", str(error))
    missing = [path.name for path in files if not path.is_file()]
    if missing:
        detail = f"{len(missing)} of {len(files)} are not in {files[0].parent}"
        return Check("jars", False, detail, "they are fetched at the first `replywatch up` or `replywatch demo`")
    size = sum(jar.size for jar in wanted) / 1024**2
    return Check("jars", True, f"{len(files)} files, {size:.0f} MB, in {files[0].parent}")


def check_rules(settings: Settings) -> Check:
    """The rule file, as the job would read it, and its phrases as it would look for them."""
    try:
        rules = usable_rules(settings)
    except FileError as error:
        return Check("rules", False, "refused", str(error))
    return Check("rules", True, f"{len(rules.rules)} rules from {settings.rules_file}")


def check_hash_key() -> Check:
    """The secret for personal ids."""
    try:
        hash_key()
    except FileError as error:
        return Check("hash key", False, "not set (`up` and `demo` make one)", str(error))
    return Check("hash key", True, "set")


def check_kafka(settings: Settings) -> Check:
    """The broker, and the topics with the time they must have."""
    servers = settings.kafka.bootstrap_servers
    try:
        admin = AdminClient(client_options(settings))
        found = admin.list_topics(timeout=TIMEOUT_S)
        missing = sorted(set(topic_settings(settings)) - set(found.topics))
        if missing:
            detail = f"{servers}: topics are missing: {', '.join(missing)}"
            return Check("kafka", False, detail, "`replywatch submit` makes them")
        faulty = wrong_time(admin, settings, TIMEOUT_S)
    except FileError as error:
        return Check("kafka", False, f"{servers}: not asked", str(error))
    except KafkaException as error:
        detail = f"{servers}: {error.args[0].str()}"
        return Check("kafka", False, detail, f"{START} kafka.bootstrap_servers")
    if faulty:
        return Check("kafka", False, f"{servers}: a topic has the wrong time", "; ".join(faulty))
    return Check("kafka", True, f"{servers}: {len(found.brokers)} brokers, all topics are there")


def check_redis_server(settings: Settings) -> Check:
    """The server, and that it can run scripts on streams."""
    try:
        with redis.Redis.from_url(
            redis_url(settings), socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S
        ) as client:
            version = str(client.info("server")["redis_version"])
            address = client.connection_pool.connection_kwargs
    except (redis.RedisError, RedisUnavailable, ValueError) as error:
        return Check("redis server", False, str(error), f"{START} redis.url")
    where = f"{address.get('host', address.get('path', ''))}:{address.get('port', '')}"
    if int(version.split(".")[0]) < 5:
        return Check("redis server", False, f"{where}: Redis {version}", "Redis 5 or later is needed, for streams")
    return Check("redis server", True, f"{where}: Redis {version}")


def check_flink_cluster(settings: Settings) -> Check:
    """The cluster's version and slots."""
    name, url = "flink cluster", settings.flink.rest_url
    try:
        with FlinkRest(url, timeout_s=TIMEOUT_S) as rest:
            overview = rest.overview()
    except FlinkError as error:
        return Check(name, False, str(error), f"{START} flink.rest_url")
    version = str(overview["flink-version"])
    detail = f"{url}: Flink {version}, {overview['slots-available']} of {overview['slots-total']} slots free"
    if not version.startswith("2.2."):
        return Check(name, False, detail, "the job is built for Flink 2.2")
    return Check(name, True, detail)


def check_model(settings: Settings) -> Check:
    """The model of the settings on its device: loaded, and asked once."""
    scoring = settings.scoring
    try:
        scorer = load_scorer(
            scoring.model, scoring.device, scoring.precision, batch_size=scoring.batch_size, threads=scoring.threads
        )
        (score,) = scorer.score(["thank you, that was very helpful"])
    except (ModelError, ValueError) as error:
        return Check("model", False, f"{scoring.model} on {scoring.device}", str(error))
    if scoring.model == "null":
        return Check("model", True, "null: nothing is scored")
    said = "no score" if score is None else f"a friendly sentence scores {score.score:+.2f}"
    where = scoring.model if is_url(scoring.model) else _device(scoring.device)
    return Check("model", True, f"{scorer.version} on {where}: {said}")


def _device(wanted: str) -> str:
    import torch

    if wanted == "cpu" or not torch.cuda.is_available():
        return f"the processor, {torch.get_num_threads()} cores"
    return str(torch.cuda.get_device_name())
