"""The fast path into PyFlink's keyed operators: a vectorised read over a SQL source, then keying without a Python step.

Three things here touch PyFlink's internals, and nothing else in the project does: the deprecated `to_append_stream`
(the newer methods give a type that keyed Python operators refuse), a keyed stream made from Java's `keyBy` (PyFlink's own
adds a Python step per message), and walking the Java transformations to give each a uid (Table operators have none that
is stable, and a restore needs them). `tests/flink` fails loudly should another PyFlink change any of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pyflink.common import Types
from pyflink.datastream import DataStream, KeyedStream, StreamExecutionEnvironment
from pyflink.java_gateway import get_gateway
from pyflink.table import DataTypes, StreamTableEnvironment, Table
from pyflink.table.expressions import col
from pyflink.table.udf import ScalarFunction, udf

KEY_AND_VALUE = DataTypes.ROW([DataTypes.FIELD("key", DataTypes.STRING()), DataTypes.FIELD("value", DataTypes.STRING())])


def read_vectorised(tables: StreamTableEnvironment, messages: Table, function: ScalarFunction, name: str) -> DataStream:
    """`messages` (body, partition, offset, rowtime) through a pandas UDF as a stream of ROW(key, value, time).

    Rows for which the function gives no key are dropped, by Java. Event time and watermarks cross.
    """
    read = udf(function, result_type=KEY_AND_VALUE, func_type="pandas")
    read_rows = messages.select(read(col("body"), col("partition"), col("offset"), col("rowtime")).alias("r"), col("rowtime"))
    kept = read_rows.select(col("r").get("key").alias("k"), col("r").get("value").alias("v"), col("rowtime"))
    kept = kept.where(col("k").is_not_null)
    stream = tables.to_append_stream(kept, Types.ROW([Types.STRING(), Types.STRING(), Types.INSTANT()]))
    name_upstream(stream, name)
    return stream


def keyed(stream: DataStream) -> KeyedStream:
    """The stream keyed by its first field, a string, without a Python operator."""
    jvm = get_gateway().jvm
    selector = jvm.org.apache.flink.streaming.api.functions.python.KeyByKeySelector()
    key_type = Types.ROW([Types.STRING()]).get_java_type_info()
    return KeyedStream(stream._j_data_stream.keyBy(selector, key_type), Types.STRING(), stream)


def discard(stream: DataStream, name: str) -> None:
    """End a stream whose operator has done its work as a side effect."""
    jvm = get_gateway().jvm
    sink = jvm.org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink()
    stream._j_data_stream.sinkTo(sink).name(name).uid(name)


def name_upstream(stream: DataStream, name: str) -> None:
    """Give every transformation above the stream that has no uid one that is stable.

    That of the source, whose offsets are state, does not depend on how many steps lie between; the others' names are
    their distances.
    """
    for distance, transformation in enumerate(_upstream(stream._j_data_stream.getTransformation())):
        if transformation.getUid() is None:
            transformation.setUid(f"{name}-{distance}" if transformation.getInputs() else f"{name}-source")


def name_rest(env: StreamExecutionEnvironment, name: str) -> None:
    """The same for what the Table planner has added at the end of the graph: sinks and what feeds them."""
    count = 0  # only of nodes without a name, from the sink upwards: a named operator that is added shifts none of them
    for sink in reversed(list(env._j_stream_execution_environment.getTransformations())):
        for transformation in _upstream(sink):
            if transformation.getUid() is None:
                transformation.setUid(f"{name}-{count}")
                count += 1


def _upstream(transformation: Any) -> Iterator[Any]:
    """The transformation and all above it, nearest first."""
    waiting, seen = [transformation], set()
    while waiting:
        current = waiting.pop(0)
        if current.getId() not in seen:
            seen.add(current.getId())
            yield current
            waiting.extend(current.getInputs())
