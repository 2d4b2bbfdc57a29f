"""The job's graph: every operator has a name of its own that stays the same, so that savepoints find their state."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pyflink.datastream import StreamExecutionEnvironment
from pyflink.java_gateway import get_gateway

from jobs import monitor
from jobs.kafka_tables import read_messages
from jobs.key_groups import key_group_names
from jobs.local.jars import fetch_jars
from jobs.local.java import find_java
from jobs.settings import Settings
from jobs.settings_file import load_settings
from jobs.submit import environment

Nodes = list[tuple[str, str | None]]


@pytest.fixture(scope="module", autouse=True)
def java() -> Iterator[None]:
    """The JVM behind PyFlink, which starts once for the whole process, with the project's Java and the Kafka connector."""
    with pytest.MonkeyPatch.context() as variables:
        variables.setenv("JAVA_HOME", str(find_java().home))
        # A table environment sees the jars that were there when it was made: tell them to one before.
        StreamExecutionEnvironment.get_execution_environment().add_jars(*(jar.as_uri() for jar in fetch_jars().flink))
        yield


def nodes(settings: Settings) -> Nodes:
    """Name and uid of every operator of the whole job over its real Kafka tables, which is built and not run."""
    env, tables = environment(settings)
    rules = settings.rules()
    streams = monitor.build(tables, read_messages(tables, settings), settings, rules)
    monitor.publish(env, tables, streams, settings)
    graph_nodes = env._generate_stream_graph(False).getStreamNodes().toArray()
    return sorted((node.getOperatorName(), node.getTransformationUID()) for node in graph_nodes)


@pytest.fixture(scope="module")
def graph(java: None) -> Nodes:
    return nodes(load_settings(flink__parallelism=2))


def test_partitions_that_are_added_are_found_within_a_minute() -> None:
    settings = load_settings()
    _, tables = environment(settings)
    step = tables.to_data_stream(read_messages(tables, settings))._j_data_stream.getTransformation()
    while step.getInputs().size():
        step = step.getInputs().get(0)
    properties = step.getSource().getClass().getDeclaredField("props")
    properties.setAccessible(True)
    assert properties.get(step.getSource()).get("partition.discovery.interval.ms") == "60000"


def test_every_operator_has_a_uid(graph: Nodes) -> None:
    assert [name for name, uid in graph if not uid] == []


def test_no_two_operators_share_a_uid(graph: Nodes) -> None:
    uids = [uid for _, uid in graph]
    assert len(uids) == len(set(uids))


def test_the_steps_with_state_carry_their_own_names(graph: Nodes) -> None:
    uids = {uid for _, uid in graph}
    assert {"read-source", "converse", "publish"} <= uids
    assert [uid for name, uid in graph if "converse" in name.lower()] == ["converse"]


def test_a_second_build_has_the_same_uids(graph: Nodes) -> None:
    again = nodes(load_settings(flink__parallelism=2))
    assert sorted(str(uid) for _, uid in again) == sorted(str(uid) for _, uid in graph)


@pytest.mark.parametrize("count", [1, 7, 128])
def test_each_key_group_has_a_key_that_flink_puts_into_it(java: None, count: int) -> None:
    jvm = get_gateway().jvm
    found = []
    for name in key_group_names(count):
        row = jvm.org.apache.flink.types.Row(1)
        row.setField(0, name)
        found.append(jvm.org.apache.flink.runtime.state.KeyGroupRangeAssignment.assignToKeyGroup(row, count))
    assert found == list(range(count))
