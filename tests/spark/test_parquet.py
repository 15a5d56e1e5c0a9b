from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from pyspark.sql import functions as f
from pyspark.sql.pandas.types import to_arrow_type

from stoker.spark.data_files import DataFiles, UnreadableError
from stoker.spark.parquet import batches, pieces
from support.parquet_files import written

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa
    from pyspark.sql import SparkSession


def types(files: DataFiles) -> list[pa.DataType]:
    """As Spark's tasks get them."""
    return [to_arrow_type(field.dataType) for field in files.schema.fields]


def read(files: DataFiles, slots: int = 2) -> list[dict[str, Any]]:
    """All rows, by the tasks' way."""
    work = pieces(files, types(files), slots)
    assert len(work) <= slots
    found: list[pa.RecordBatch] = []
    for share in work:
        found += batches(share, files.schema.names, types(files))
    for batch in found:
        assert batch.schema.types == types(files)
    return [row for batch in found for row in batch.to_pylist()]


EARLY = dt.datetime(1, 1, 1, 12, tzinfo=dt.UTC)
ROWS = [
    (1, True, -128, 32767, 2**63 - 1, 1.5, 0.1, Decimal("1.25"), Decimal(10**17), Decimal(10**37), "é", b"\0\xff"),
    (2, *[None] * 11),
]
SCHEMA = (
    "n int, b boolean, y tinyint, s smallint, l bigint, f float, d double, d4 decimal(5,2), d18 decimal(18,0), "
    "d38 decimal(38,0), t string, x binary"
)


@pytest.mark.parametrize("kind", ["INT96", "TIMESTAMP_MICROS", "TIMESTAMP_MILLIS"])
def test_files_are_read_as_spark_would_give_them(spark: SparkSession, tmp_path: Path, kind: str) -> None:
    """Every type, with nulls, and however the session writes moments; as `mapInArrow` has it."""
    frame = spark.createDataFrame(ROWS, SCHEMA).selectExpr(
        "*",
        "date'0001-01-01' AS day",
        "timestamp'0001-01-01 12:00:00' AS at",
        "timestamp_ntz'9999-12-31 23:59:59' AS wall",
        "CASE WHEN n = 1 THEN INTERVAL '1 02:03:04' DAY TO SECOND END AS span",
        "array(1, null, n) AS numbers",
        "CASE WHEN n = 1 THEN array(timestamp'2020-01-01 00:00:00', null) END AS moments",
        "array(INTERVAL '1' DAY) AS spans",
    )
    spark.conf.set("spark.sql.parquet.outputTimestampType", kind)
    try:
        files = written(frame, tmp_path / "t")
    finally:
        spark.conf.unset("spark.sql.parquet.outputTimestampType")
    one, other = sorted(read(files), key=lambda row: row["n"])
    assert tuple(one.values())[:12] == ROWS[0]
    assert tuple(other.values())[:12] == ROWS[1]
    assert [one[name] for name in ("day", "at", "wall")] == [EARLY.date(), EARLY, dt.datetime(9999, 12, 31, 23, 59, 59)]
    assert (one["span"], other["span"]) == (dt.timedelta(1, 7384), None)
    assert (one["numbers"], other["numbers"]) == ([1, None, 1], [1, None, 2])
    assert (one["moments"], other["moments"]) == ([dt.datetime(2020, 1, 1, tzinfo=dt.UTC), None], None)
    assert one["spans"] == [dt.timedelta(1)]


def test_partition_columns_come_from_the_folders(spark: SparkSession, tmp_path: Path) -> None:
    """Texts with odd characters, numbers, days and null, at their places among the columns."""
    rows = [("a/b=%20 é", 1, dt.date(2020, 2, 29), 10), (None, None, None, 20), ("x", -5, dt.date(1, 1, 1), 30)]
    frame = spark.createDataFrame(rows, "word string, number int, day date, v int")
    files = written(frame, tmp_path / "t", partitionBy=["word", "number", "day"])
    assert sorted((tuple(row.values()) for row in read(files)), key=lambda row: row[3]) == rows


def test_work_is_shared_by_bytes(spark: SparkSession, tmp_path: Path) -> None:
    """Each task gets about as much, in whole row groups of few or many files; each group is read once."""
    frame = spark.range(0, 60_000, 1, 3).withColumn("v", f.when(f.col("id") > 40_000, f.repeat(f.lit("x"), 50)))
    files = written(frame, tmp_path / "t", compression="none")
    work = pieces(files, types(files), 2)
    assert [len(share) for share in work] == [1, 2]
    assert sorted(row["id"] for row in read(files)) == list(range(60_000))
    assert len(pieces(files, types(files), 100)) == 3
    assert pieces(DataFiles("parquet", files.base, (), files.schema), types(files), 2) == []


def test_rows_at_once_are_fewer_where_they_are_wide(spark: SparkSession, tmp_path: Path) -> None:
    """Kilobytes in each row do not make hundreds of megabytes of a batch, also where they are repeated."""
    wide = f.repeat(f.lit("x"), 40_000)
    frame = spark.range(0, 600, 1, 1).select("id", f.concat(wide, "id").alias("v"))
    files = written(frame, tmp_path / "t")
    [[piece]] = pieces(files, types(files), 2)
    assert piece.rows_at_once <= 220
    assert [len(row["v"]) for row in read(files)] == [40_000 + len(str(at)) for at in range(600)]
    files = written(frame.select("id", wide.alias("v")), tmp_path / "repeated")
    [share] = pieces(files, types(files), 2)
    assert share[0].rows_at_once > 600
    found = list(batches(share, files.schema.names, types(files)))
    assert max(batch.num_rows for batch in found) <= 220
    assert sum(batch.num_rows for batch in found) == 600


def test_cells_of_many_kilobytes_are_left_to_spark(spark: SparkSession, tmp_path: Path) -> None:
    """A page of them would be in memory as a whole; other columns of the same files are read."""
    frame = spark.range(0, 20, 1, 1).select("id", f.concat(f.repeat(f.lit("x"), 1 << 20), "id").alias("v"))
    files = written(frame, tmp_path / "t")
    assert "column 'v' has values of 1,048,5" in unreadable(files)
    others = DataFiles("parquet", files.base, files.files, frame.select("id").schema)
    assert [row["id"] for row in read(others)] == list(range(20))


def unreadable(files: DataFiles, kinds: list[pa.DataType] | None = None) -> str:
    """Why."""
    with pytest.raises(UnreadableError) as caught:
        pieces(files, kinds or types(files), 2)
    return str(caught.value)


def test_what_tasks_cannot_read_is_known_before(spark: SparkSession, tmp_path: Path) -> None:
    """Other formats and file systems, other types than expected, old calendars, and files that are gone."""
    import pyarrow as pa
    from pyarrow import parquet as pq

    files = written(spark.range(3), tmp_path / "t")
    assert unreadable(DataFiles("orc", files.base, files.files, files.schema)) == "the staged files are orc"
    assert (
        unreadable(DataFiles("parquet", "s3a://lake/t", files.files, files.schema))
        == "tasks do not read s3a: themselves"
    )
    assert "column 'id' is int64" in unreadable(files, [pa.string()])
    assert "cannot be read here" in unreadable(DataFiles("parquet", files.base, ("gone.parquet",), files.schema))
    parts = written(spark.sql("SELECT 1 AS v, true AS flag"), tmp_path / "flags", partitionBy=["flag"])
    assert "values of 'flag'" in unreadable(parts)
    spark.conf.set("spark.sql.parquet.datetimeRebaseModeInWrite", "LEGACY")
    try:
        legacy = written(spark.sql("SELECT date'0001-01-01' AS day"), tmp_path / "legacy")
    finally:
        spark.conf.unset("spark.sql.parquet.datetimeRebaseModeInWrite")
    assert "Julian" in unreadable(legacy)
    table = pa.table({"id": pa.array([1])}).replace_schema_metadata({"org.apache.spark.version": "2.4.8"})
    pq.write_table(table, tmp_path / "old.parquet")
    assert "Julian" in unreadable(DataFiles("parquet", str(tmp_path), ("old.parquet",), files.schema))


def test_texts_of_other_writers(spark: SparkSession, tmp_path: Path) -> None:
    """Arrow has several forms of text, and notes in a file which it was."""
    import pyarrow as pa
    from pyarrow import parquet as pq

    forms = [pa.string(), pa.large_string(), pa.string_view()]
    pq.write_table(
        pa.table([pa.array(["a", None, "é"], form) for form in forms], ["x", "y", "z"]), tmp_path / "t.parquet"
    )
    schema = spark.read.parquet(str(tmp_path / "t.parquet")).schema
    files = DataFiles("parquet", str(tmp_path), ("t.parquet",), schema)
    assert [list(row.values()) for row in read(files)] == [["a"] * 3, [None] * 3, ["é"] * 3]
