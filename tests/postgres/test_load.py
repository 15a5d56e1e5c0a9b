"""Whole loads by a real Spark into a real PostgreSQL."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
from pyspark.sql import functions as f

from postgres.proxies import Relay
from stoker.errors import ConnectionLostError, SinkError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pg8000.native import Connection
    from pyspark.sql import DataFrame, SparkSession

    from stoker.postgres.connections.connection import ConnectionInfo
    from stoker.postgres.loading import PostgresLoad

    Loads = Callable[..., PostgresLoad]


def whole(load: PostgresLoad, frame: DataFrame) -> int:
    """A load from beginning to end."""
    try:
        done = load.published()
        if done is not None:
            return done.rows
        load.prepare(frame.schema)
        staged = load.stage(frame)
        assert load.publish() == staged
        return staged
    finally:
        load.discard()


def test_nested_types_become_arrays_and_json(load: Loads, db: Connection, schema: str, spark: SparkSession) -> None:
    """Arrays with null elements, JSON with null fields, spans of time: derived, in binary and, beside a column of text, as CSV."""
    frame = spark.sql("""
        SELECT 1 AS n, array(1, NULL) AS a, array('x"y', NULL, '') AS t, array(array(1), array()) AS aa,
               map('k', 1.50) AS m, named_struct('x', 1, 'y', CAST(NULL AS INT)) AS s,
               -INTERVAL '1 02:03:04.5' DAY TO SECOND AS i, array(X'00FF') AS b, array(DATE '2020-02-29') AS d
        UNION ALL SELECT 2, array(), array(), NULL, NULL, NULL, NULL, array(), NULL
        UNION ALL SELECT 3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL""")
    expected = [
        [1, [1, None], ['x"y', None, ""], [[1], []], {"k": 1.5}, {"x": 1, "y": None}, -93784.5, [b"\x00\xff"], [dt.date(2020, 2, 29)]],
        [2, [], [], None, None, None, None, [], None],
        [3, None, None, None, None, None, None, None, None],
    ]  # fmt: skip
    shown = "n, a, t, aa, m, s, extract(epoch FROM i)::float, b, d"
    one = load(run_id="1")
    assert whole(one, frame) == 3
    assert one.way.binary
    assert db.run(f"SELECT {shown} FROM {schema}.t ORDER BY n") == expected
    assert (
        db.run(
            f"SELECT pg_typeof(a)::text, pg_typeof(t)::text, pg_typeof(aa)::text, pg_typeof(m)::text FROM {schema}.t"
        )
        == [["integer[]", "text[]", "jsonb", "jsonb"]] * 3
    )
    db.run(f"CREATE TYPE {schema}.pair AS (a int, b int)")
    db.run(f"ALTER TABLE {schema}.t ADD COLUMN pair {schema}.pair")
    other = load(run_id="2")
    assert whole(other, frame.withColumn("pair", f.lit("(1,2)"))) == 3
    assert str(other.way).startswith(f"CSV COPY: column 'pair' (string into {schema}.pair) has no binary form; swap: ")
    assert db.run(f"SELECT {shown} FROM {schema}.t ORDER BY n") == expected


def test_text_goes_into_the_types_that_parse_it(load: Loads, db: Connection, schema: str, spark: SparkSession) -> None:
    """JSON, UUIDs, enums and arrays are given as text; the table keeps its types and its own columns."""
    db.run(f"CREATE TYPE {schema}.mood AS ENUM ('good', 'bad')")
    db.run(
        f"CREATE TABLE {schema}.t (j jsonb, u uuid, m {schema}.mood, a integer[], "
        "loaded timestamptz NOT NULL DEFAULT now(), key bigint GENERATED ALWAYS AS IDENTITY)"
    )
    frame = spark.createDataFrame(
        [('{"a": 1}', "00000000-0000-0000-0000-000000000001", "good", "{1,2}"), (None, None, None, None)],
        "j string, u string, m string, a string",
    )
    assert whole(load(), frame) == 2
    assert db.run(f"SELECT j->>'a', u::text, m::text, a FROM {schema}.t ORDER BY u NULLS LAST") == [
        ["1", "00000000-0000-0000-0000-000000000001", "good", [1, 2]],
        [None, None, None, None],
    ]


def test_a_run_loads_once(load: Loads, db: Connection, schema: str, spark: SparkSession) -> None:
    """The same run id adds once, whatever is called again; another run id, or another sink of the run, adds again."""
    frame = spark.range(5)
    db.run(f"CREATE TABLE {schema}.t (id bigint)")
    for _ in range(2):
        assert whole(load(mode="append", run_id="a"), frame) == 5
    # A second attempt that does not look first is stopped by the ledger.
    second = load(mode="append", run_id="a")
    second.prepare(frame.schema)
    second.stage(frame.limit(3))
    assert second.publish() == 5
    assert db.run(f"SELECT count(*) FROM {schema}.t") == [[5]]
    whole(load(mode="append", run_id="b"), frame)
    whole(load(mode="append", run_id="b", sink="another"), frame)
    assert db.run(f"SELECT count(*) FROM {schema}.t") == [[15]]


def test_one_run_cannot_mean_two_tables_by_one_sink(load: Loads, schema: str, spark: SparkSession) -> None:
    """A run id that was used for another target is not taken as done."""
    whole(load("one"), spark.range(1))
    with pytest.raises(SinkError, match=f"has loaded its sink 'sink' into {schema}.one already"):
        load("two").published()


def test_partitioned_tables_are_loaded(load: Loads, db: Connection, schema: str, spark: SparkSession) -> None:
    """Rows go to their partitions; a row that has none is refused, and nothing is published."""
    db.run(f"CREATE TABLE {schema}.t (id bigint) PARTITION BY RANGE (id)")
    db.run(f"CREATE TABLE {schema}.p PARTITION OF {schema}.t FOR VALUES FROM (0) TO (10)")
    assert whole(load(run_id="1"), spark.range(10)) == 10
    with pytest.raises(SinkError, match="no partition of relation"):
        whole(load(run_id="2"), spark.range(11))
    assert db.run(f"SELECT count(*) FROM {schema}.p") == [[10]]


def test_a_load_is_one_spark_job(load: Loads, spark: SparkSession) -> None:
    """Nothing is counted or looked at by jobs of our own."""
    context = spark.sparkContext
    context.setJobGroup("load", "a load")
    try:
        assert whole(load(), spark.range(100, numPartitions=5)) == 100
        assert len(context.statusTracker().getJobIdsForGroup("load")) == 1
    finally:
        context.setLocalProperty("spark.jobGroup.id", None)  # type: ignore[arg-type]
        context.setLocalProperty("spark.job.description", None)  # type: ignore[arg-type]


def test_what_the_server_refuses_is_one_clear_error(
    load: Loads, db: Connection, schema: str, spark: SparkSession
) -> None:
    """A value that does not fit is named with its column and line; Spark's stack trace is not the message."""
    db.run(f"CREATE TABLE {schema}.t (id integer)")
    with pytest.raises(SinkError) as caught:
        whole(load(), spark.range(2**31 - 2, 2**31 + 2, numPartitions=1))
    assert (
        f"{schema}.t cannot hold a value: column 'id' in row 3 of partition 0 is out of range for integer: 2147483648"
        in (caught.value.what)
    )
    assert "stoker_staging" not in str(caught.value)
    assert "Traceback" not in str(caught.value)
    assert len(str(caught.value).splitlines()) == 3
    assert db.run(f"SELECT count(*) FROM {schema}.t") == [[0]]


def test_nul_characters_are_found_before_they_are_sent(load: Loads, spark: SparkSession) -> None:
    """The message has the column and the row, which the server would not tell."""
    frame = spark.range(0, 20, numPartitions=1).select(
        "id", f.when(f.col("id") == 7, f.lit("a\0b")).otherwise("fine").alias("note")
    )
    with pytest.raises(SinkError, match="column 'note' in row 8 of partition 0"):
        whole(load(), frame)


def test_a_server_that_goes_away_in_the_tasks_is_transient(
    load: Loads, info: ConnectionInfo, db: Connection, schema: str, spark: SparkSession
) -> None:
    """Tasks that cannot connect make the load fail as one that may succeed later."""
    import dataclasses

    with Relay(info.host, info.port) as relay:
        sink = load(info=dataclasses.replace(info, port=relay.port))
        sink.prepare(spark.range(1).schema)
        relay.refuse()
        with pytest.raises(ConnectionLostError, match="did not answer"):
            sink.stage(spark.range(10))
    sink.discard()
    db.run("SELECT pg_sleep(0.1)")
    load(run_id="next").prepare(spark.range(1).schema)  # sweeps what the first could not drop


def test_no_password_is_in_plans_settings_or_errors(
    load: Loads, info: ConnectionInfo, spark: SparkSession, capfd: pytest.CaptureFixture[str]
) -> None:
    """Tasks have it in their closure only."""
    sink = load()
    frame = spark.range(1)
    sink.prepare(frame.schema)
    sink.stage(frame)
    sink.publish()
    assert info.password is not None
    executions = spark._jsparkSession.sharedState().statusStore().executionsList()
    texts = [executions.apply(at).physicalPlanDescription() for at in range(executions.size())]
    texts += [value for pair in spark.sparkContext.getConf().getAll() for value in pair]
    printed = capfd.readouterr()
    assert any("MapInArrow" in text for text in texts)
    assert not any(info.password in text for text in [*texts, printed.out, printed.err])
    assert printed.out == ""
