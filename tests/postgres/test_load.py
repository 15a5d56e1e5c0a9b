"""Whole loads by a real Spark into a real PostgreSQL."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from pyspark.sql import functions as f
from pyspark.sql import types as t

from postgres.proxies import Relay
from stoker.errors import ConnectionLostError, SinkError, StokerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import pyarrow as pa
    from pg8000.native import Connection
    from pyspark.sql import DataFrame, SparkSession

    from stoker.postgres.connection import ConnectionInfo
    from stoker.postgres.load import PostgresLoad

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


@pytest.fixture
def far_zone(spark: SparkSession) -> Iterator[None]:
    """A session whose time zone is not the server's."""
    spark.conf.set("spark.sql.session.timeZone", "America/New_York")
    yield
    spark.conf.set("spark.sql.session.timeZone", "UTC")


@pytest.mark.usefixtures("far_zone")
def test_all_types_make_the_trip_through_spark(load: Loads, db: Connection, schema: str, spark: SparkSession) -> None:
    """A table is created with derived types, and every value of every type arrives, whatever the session's time zone."""
    frame_schema = t.StructType(
        [
            t.StructField("n", t.IntegerType()),
            t.StructField("boolean", t.BooleanType()),
            t.StructField("byte", t.ByteType()),
            t.StructField("short", t.ShortType()),
            t.StructField("long", t.LongType()),
            t.StructField("float", t.FloatType()),
            t.StructField("double", t.DoubleType()),
            t.StructField("decimal", t.DecimalType(20, 4)),
            t.StructField("string", t.StringType()),
            t.StructField("binary", t.BinaryType()),
            t.StructField("date", t.DateType()),
            t.StructField("timestamp", t.TimestampType()),
            t.StructField("timestamp_ntz", t.TimestampNTZType()),
        ]
    )
    moment = dt.datetime(2013, 7, 1, 12, 30, 15, 123456, tzinfo=dt.UTC)
    wall = dt.datetime(2013, 11, 3, 1, 30)
    full = [
        (
            1,
            True,
            -128,
            32767,
            2**63 - 1,
            1.5,
            0.1,
            Decimal("-1234.5678"),
            'a"b,\n\\.\t',
            b"\x00\xff\\",
            dt.date(1, 1, 1),
            moment,
            wall,
        ),
        (
            2,
            False,
            0,
            0,
            -(2**63),
            math.inf,
            -math.inf,
            Decimal("0.0001"),
            "",
            b"",
            dt.date(9999, 12, 31),
            moment,
            wall,
        ),
        (3, None, None, None, None, math.nan, math.nan, None, "é😀", None, None, None, None),
        (4, *[None] * 12),
    ]
    frame = spark.createDataFrame(full, frame_schema)
    assert whole(load(), frame) == 4
    found = db.run(f'SELECT * FROM {schema}.t ORDER BY "n"')
    assert [row[0] for row in found] == [1, 2, 3, 4]
    for given, stored in zip(full, found, strict=True):
        for one, other in zip(given, stored, strict=True):
            assert one == other or (isinstance(one, float) and math.isnan(one) and math.isnan(other))
    assert [row[0] for row in db.run(
        "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = :name::regclass AND attnum > 0 "
        "ORDER BY attnum",
        name=f"{schema}.t",
    )] == [
        "integer", "boolean", "smallint", "smallint", "bigint", "real", "double precision", "numeric(20,4)", "text", "bytea",
        "date", "timestamp with time zone", "timestamp without time zone",
    ]  # fmt: skip


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
    db.run(f"ALTER TABLE {schema}.t ADD COLUMN host inet")
    other = load(run_id="2")
    assert whole(other, frame.withColumn("host", f.lit("10.0.0.1"))) == 3
    assert str(other.way) == "CSV COPY: column 'host' (string into inet) has no binary form"
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


def test_a_wide_frame_is_loaded(load: Loads, db: Connection, schema: str, spark: SparkSession) -> None:
    """300 columns."""
    frame = spark.range(50).select(*((f.col("id") + at).alias(f"column {at}") for at in range(300)))
    assert whole(load(), frame) == 50
    assert db.run(f'SELECT sum("column 299"), sum("column 0") FROM {schema}.t') == [[50 * 299 + 1225, 1225]]


def test_any_name_can_be_a_column_or_a_table(load: Loads, db: Connection, schema: str, spark: SparkSession) -> None:
    """Quotes, dots, backticks, reserved words, capitals, spaces: names stay what they are, in both modes."""
    names = ['a"b', "a.b", "a`b", "select", "UPPER", "with space", "straße", "c1", "%s", ":x", "$1", "stoker_attempt"]
    frame = spark.range(3).select(*((f.col("id") + at).alias(name) for at, name in enumerate(names)))
    for mode, run_id in (("replace", "1"), ("append", "2")):
        assert whole(load('"Order ""by"".x"', mode=mode, run_id=run_id), frame) == 3
    assert db.run(f'SELECT count(*) FROM {schema}."Order ""by"".x"') == [[6]]
    assert [column["name"] for column in db.columns] == ["count"]
    db.run(f'SELECT * FROM {schema}."Order ""by"".x" LIMIT 0')
    assert [column["name"] for column in db.columns] == names


def test_an_empty_frame_empties_or_adds_nothing(load: Loads, db: Connection, schema: str, spark: SparkSession) -> None:
    """`replace` by no rows creates the table, then empties it; `append` of no rows changes nothing."""
    frame = spark.range(4)
    assert whole(load(run_id="1"), frame.limit(0)) == 0
    assert db.run(f"SELECT count(*) FROM {schema}.t") == [[0]]
    assert whole(load(run_id="2"), frame) == 4
    assert whole(load(run_id="3", mode="append"), frame.limit(0)) == 0
    assert db.run(f"SELECT count(*) FROM {schema}.t") == [[4]]
    assert whole(load(run_id="4"), frame.limit(0)) == 0
    assert db.run(f"SELECT count(*) FROM {schema}.t") == [[0]]
    assert db.run(f"SELECT run_id, sink, target, rows FROM {schema}.stoker_loads ORDER BY run_id") == [
        [run_id, "sink", f"{schema}.t", rows] for run_id, rows in (("1", 0), ("2", 4), ("3", 0), ("4", 0))
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


def failing(when: int | None, rows_before: int) -> Callable[[Iterable[pa.RecordBatch]], Iterable[pa.RecordBatch]]:
    """A transformer that fails in the midst of a partition, on the given attempt (None: on all)."""

    def transform(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from pyspark import TaskContext

        context = TaskContext.get()
        assert context is not None
        sent = 0
        for batch in batches:
            yield batch
            sent += batch.num_rows
            if sent > rows_before and when in {None, context.attemptNumber()}:
                raise ValueError("the transformer failed")

    return transform


@pytest.fixture
def small_batches(spark: SparkSession) -> Iterator[None]:
    """Many batches in one partition."""
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", "100")
    yield
    spark.conf.unset("spark.sql.execution.arrow.maxRecordsPerBatch")


@pytest.mark.usefixtures("small_batches")
def test_a_task_that_is_tried_again_adds_no_row_twice(
    load: Loads, db: Connection, schema: str, spark: SparkSession
) -> None:
    """Rows of an attempt that failed in the midst are staged perhaps, and never published."""
    frame = spark.range(0, 20_000, numPartitions=2).mapInArrow(failing(0, 5000), "id long")
    assert whole(load(), frame) == 20_000
    assert db.run(f"SELECT count(*), count(DISTINCT id), sum(id) FROM {schema}.t") == [[20_000, 20_000, 199_990_000]]


@pytest.mark.usefixtures("small_batches")
def test_a_transformer_that_fails_for_good_publishes_nothing(
    load: Loads, db: Connection, schema: str, spark: SparkSession
) -> None:
    """Its own error is passed on, the old rows stay, and the staging table goes."""
    whole(load(run_id="1"), spark.range(3))
    frame = spark.range(0, 20_000, numPartitions=2).mapInArrow(failing(None, 5000), "id long")
    with pytest.raises(Exception, match="the transformer failed") as caught:
        whole(load(run_id="2"), frame)
    assert not isinstance(caught.value, StokerError)
    assert db.run(f"SELECT count(*) FROM {schema}.t") == [[3]]


def test_an_error_in_the_jvm_in_the_midst_of_a_partition_publishes_nothing(
    load: Loads, db: Connection, schema: str, spark: SparkSession
) -> None:
    """The worker sees only the end of its input there, and commits: what it committed is never published."""
    bad = spark.range(0, 30_000, numPartitions=1).select(
        f.when(f.col("id") < 25_000, f.col("id")).otherwise(f.raise_error(f.lit("no more"))).cast("long").alias("id")
    )
    with pytest.raises(Exception, match="no more"):
        whole(load(), bad)
    assert db.run("SELECT to_regclass(:name)", name=f"{schema}.t") == [[None]]


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
