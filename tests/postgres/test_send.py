from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pyspark.sql import Observation
from pyspark.sql import functions as f
from pyspark.sql.types import LongType, StructField, StructType

from stoker.errors import SinkError
from stoker.postgres.sending.batches import BYTES, RECORDS, WideRowsError, bounded, fast, narrow
from stoker.spark.data_files import DataFiles
from stoker.spark.own_session import StaysError, planned_with

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    import pyarrow as pa
    from pg8000.native import Connection
    from pyspark.sql import SparkSession

    from stoker.postgres.loading import PostgresLoad

    Loads = Callable[..., PostgresLoad]


def same(batches: Iterable[pa.RecordBatch]) -> Iterable[pa.RecordBatch]:
    """Rows as they are."""
    return batches


def test_a_frame_is_planned_with_settings_that_its_session_does_not_get(spark: SparkSession) -> None:
    """Temporary views, functions and settings of the session go with the frame; the session keeps its own."""
    spark.range(3).createOrReplaceTempView("three")
    spark.conf.set("spark.sql.session.timeZone", "Asia/Kathmandu")
    try:
        frame = spark.sql(
            "SELECT id, date_format(timestamp_seconds(0), 'HH:mm') AS at, current_timezone() AS zone FROM three"
        )
        moved = planned_with(frame, {RECORDS: "2"})
        spark.sql("DROP VIEW three")
        assert [tuple(row) for row in moved.sort("id").collect()] == [
            (at, "05:30", "Asia/Kathmandu") for at in range(3)
        ]
        assert moved.sparkSession.conf.get(RECORDS) == "2"
        assert spark.conf.get(RECORDS) == "10000"
    finally:
        spark.conf.set("spark.sql.session.timeZone", "UTC")


def test_a_frame_with_python_of_its_own_stays(spark: SparkSession) -> None:
    """Its functions would get batches of another size; an observation would never be answered."""
    plus = f.udf(lambda value: value + 1, "long")
    frames = [
        spark.range(1).select(plus("id")),
        spark.range(1).mapInArrow(same, "id long"),
        spark.range(1).observe(Observation(), f.count(f.lit(1))),
    ]
    for frame in frames:
        with pytest.raises(StaysError, match="of its own"):
            planned_with(frame, {RECORDS: "2"})


def test_what_stays_is_loaded_too(load: Loads, db: Connection, schema: str, spark: SparkSession) -> None:
    """An observation of the user's is answered, and a function in Python works."""
    seen = Observation()
    plus = f.udf(lambda value: value + 1, "long")
    frame = spark.range(5).select(plus("id").alias("id")).observe(seen, f.count(f.lit(1)).alias("rows"))
    sink = load()
    sink.prepare(frame.schema)
    assert sink.stage(frame) == 5
    sink.publish()
    assert seen.get == {"rows": 5}
    assert db.run(f"SELECT sum(id) FROM {schema}.t") == [[15]]


def test_batches_are_as_the_user_has_set_them(spark: SparkSession) -> None:
    """Who has set how many rows a batch has knows why; else they are fewer where rows are wide by their types."""
    few, many = (StructType([StructField(str(at), LongType()) for at in range(number)]) for number in (3, 1600))
    small, large = fast(spark, few), fast(spark, many)
    assert small
    assert large
    assert small.settings[RECORDS] == "10000"
    assert large.settings[RECORDS] == "2621"
    # Where Spark would count bytes, it is told not to: that takes a third of the time.
    assert small.settings.get(BYTES) == ("2147483647" if spark.version >= "4.1" else None)
    assert (RECORDS in bounded(spark).settings) == (spark.version < "4.1")
    spark.conf.set(RECORDS, "77")
    try:
        assert fast(spark, few) is None
    finally:
        spark.conf.unset(RECORDS)


@pytest.mark.parametrize(
    "value",
    ["repeat('x', 20000)", "cast(repeat('x', 20000) AS binary)", "array(repeat('x', 20000))", "array_repeat(1, 1000)"],
)
def test_wide_rows_are_sent_again_in_small_batches(
    load: Loads, db: Connection, schema: str, spark: SparkSession, value: str
) -> None:
    """One row in a thousand is wider than a large batch allows: the record says so, and each row is there once."""
    frame = spark.range(0, 2000, 1, 2).selectExpr("id", f"CASE WHEN id % 1000 = 999 THEN {value} END AS v")
    sink = load()
    sink.prepare(frame.schema)
    assert sink.stage(frame) == 2000
    assert sink.publish() == 2000
    told = "binary COPY; sent twice, the second time in small batches, since rows have more than 8388 bytes; "
    assert str(sink.way).startswith(told)
    assert db.run(f"SELECT count(*), count(DISTINCT id), count(v) FROM {schema}.t") == [[2000, 2000, 2]]


def test_a_wide_row_ends_the_batches() -> None:
    """What is behind a wide row is not looked at."""
    import pyarrow as pa

    def batch(*, wide: bool) -> pa.RecordBatch:
        return pa.RecordBatch.from_arrays([pa.array([1]), pa.array([wide])], names=["c0", "wide"])

    batches = narrow(iter([batch(wide=False), batch(wide=True)]))
    assert next(batches).to_pydict() == {"c0": [1]}
    with pytest.raises(WideRowsError):
        next(batches)


def test_staged_files_are_read_by_the_tasks(
    load: Loads, db: Connection, schema: str, spark: SparkSession, tmp_path: Path
) -> None:
    """Without a look at the frame; what cannot be read that way comes through Spark, and the way says why."""
    spark.range(0, 1000, 1, 2).write.parquet(str(tmp_path / "t"))
    names = tuple(sorted(path.name for path in (tmp_path / "t").glob("*.parquet")))
    frame = spark.range(0)
    files = DataFiles("parquet", str(tmp_path / "t"), names, frame.schema)
    sink = load(run_id="1")
    sink.prepare(frame.schema)
    assert sink.stage(frame, files) == 1000
    assert sink.publish() == 1000
    assert str(sink.way).startswith("binary COPY; from staged files; ")
    assert db.run(f"SELECT count(*), count(DISTINCT id), sum(id) FROM {schema}.t") == [[1000, 1000, 499_500]]

    elsewhere = DataFiles("parquet", "s3a://lake/t", names, frame.schema)
    other = load(run_id="2")
    other.prepare(frame.schema)
    assert other.stage(spark.range(7), elsewhere) == 7
    assert str(other.way) == "binary COPY; through Spark: tasks do not read s3a: themselves"

    empty = load(run_id="3")
    empty.prepare(frame.schema)
    assert empty.stage(frame, DataFiles("parquet", str(tmp_path / "t"), (), frame.schema)) == 0
    assert empty.publish() == 0


def test_a_frame_that_is_files_is_read_by_the_tasks(
    load: Loads, db: Connection, schema: str, spark: SparkSession, tmp_path: Path
) -> None:
    """Its rows do not pass through the JVM; those of one that Spark computes do, and of files that tasks cannot read."""
    spark.range(0, 1000, 1, 2).selectExpr("id", "id / 3 AS third").write.parquet(str(tmp_path / "t"))
    frame = spark.read.parquet(str(tmp_path / "t"))
    ways = {}
    for name, each in {
        "plain": frame,
        "computed": frame.where("id >= 0"),
        "again": frame.select("third", "id"),
    }.items():
        sink = load(run_id=name)
        sink.prepare(each.schema)
        assert sink.stage(each) == 1000
        assert sink.publish() == 1000
        ways[name] = str(sink.way)
        assert db.run(f"SELECT count(DISTINCT id), sum(id), round(sum(third)) FROM {schema}.t") == [
            [1000, 499_500, 166_500]
        ]
    from_files = "binary COPY; from the Parquet files that the frame is"
    assert [each.startswith(from_files) for each in ways.values()] == [True, False, True]


def test_what_a_task_refuses_in_a_file_is_told(
    load: Loads, db: Connection, schema: str, spark: SparkSession, tmp_path: Path
) -> None:
    """As it is when the rows come through Spark."""
    frame = spark.range(2**31 - 2, 2**31 + 2, 1, 1)
    frame.write.parquet(str(tmp_path / "t"))
    names = tuple(path.name for path in (tmp_path / "t").glob("*.parquet"))
    db.run(f"CREATE TABLE {schema}.t (id integer)")
    sink = load()
    sink.prepare(frame.schema)
    with pytest.raises(SinkError, match="column 'id' in row 3 of partition 0 is out of range for integer: 2147483648"):
        sink.stage(frame, DataFiles("parquet", str(tmp_path / "t"), names, frame.schema))
