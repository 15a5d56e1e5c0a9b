"""Tables read by a real Spark from a real PostgreSQL."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from stoker import Job, Pipeline, RunRecord, place, read, write
from support import warehouse

if TYPE_CHECKING:
    from pg8000.native import Connection
    from pyspark.sql import DataFrame, SparkSession

    from stoker.postgres.connections.connection import ConnectionInfo
    from support.project import Project


@pytest.fixture
def connected(project: Project, info: ConnectionInfo, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project with the connection `warehouse`."""
    monkeypatch.setenv(warehouse.PASSWORD, str(info.password))
    warehouse.configure(project, info)
    return project


def copied(spark: SparkSession, project: Project, source: Any, transform: Any = None) -> RunRecord:
    """A run that copies a source into the lake."""
    pipeline = Pipeline(
        "copy",
        extract={"rows": source},
        transform=transform,
        load=write.parquet(place("lake") / "rows", mode="replace"),
    )
    return Job("copy", [pipeline]).run(spark=spark, config=project.folder / "stoker.toml")


def rows_of(spark: SparkSession, project: Project) -> DataFrame:
    """What was copied."""
    return spark.read.parquet(str(project.lake / "rows"))


def holders(db: Connection) -> int:
    """Sessions that hold a transaction open; the server takes a moment to see that one has hung up."""
    deadline = time.monotonic() + 5
    while (found := _open(db)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def _open(db: Connection) -> int:
    return int(
        db.run(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'stoker%' AND pid <> pg_backend_pid() "
            "AND xact_start IS NOT NULL"
        )[0][0]
    )


@pytest.mark.smoke
def test_a_run_reads_a_table(spark: SparkSession, connected: Project, db: Connection, schema: str) -> None:
    """All types arrive in Spark; the record has the rows; the snapshot is held while rows are read, and not after."""
    db.run(
        f"CREATE TABLE {schema}.t AS SELECT n AS id, (n - 5000)::numeric(9,2) / 4 AS n, nullif(n - 0.5, 2000.5)::numeric(9,2) AS m, n::text AS t, ARRAY[n, NULL] AS a, "
        "TIMESTAMPTZ '2024-03-31 01:00:00.000001+00' AS z, TIMESTAMP '2024-03-31 02:30:00' AS l, DATE '2024-02-29' AS d, "
        "jsonb_build_object('k', n) AS j, NULL::bytea AS b, n % 2 = 0 AS e, 1.5::numeric AS f "
        "FROM generate_series(1, 9000) AS n"
    )
    held = []

    def transform(rows: DataFrame) -> DataFrame:
        held.append(_open(db))
        return rows.filter("id > 1000")

    source = read.postgres(f"{schema}.t", connection="warehouse", partitions=3)
    record = copied(spark, connected, source, transform)
    assert record.state == "succeeded", record.pipelines[0].error
    assert (record.pipelines[0].rows_read, record.pipelines[0].rows_written) == (9000, 8000)
    assert (held, holders(db)) == ([1], 0)
    found = rows_of(spark, connected)
    assert dict(found.dtypes) == {
        "id": "int", "n": "decimal(38,18)", "m": "decimal(9,2)", "t": "string", "a": "array<int>", "z": "timestamp", "l": "timestamp_ntz",
        "d": "date", "j": "string", "b": "binary", "e": "boolean", "f": "decimal(38,18)",
    }  # fmt: skip
    right = [
        "n = (id - 5000) / 4", "m <=> nullif(id - 0.5, 2000.5)", "t = id", "a[0] = id", "a[1] IS NULL", "unix_micros(z) = 1711846800000001", "b IS NULL", "f = 1.5",
        "l = TIMESTAMP_NTZ '2024-03-31 02:30:00'", "d = DATE '2024-02-29'", "get_json_object(j, '$.k') = id", "e = (id % 2 = 0)",
    ]  # fmt: skip
    counted = found.selectExpr(
        "count(DISTINCT id) AS ids", *(f"count_if({each}) AS `{each}`" for each in right)
    ).first()
    assert counted is not None
    assert counted.asDict() == dict.fromkeys(["ids", *right], 8000)


def test_two_tables_of_one_pipeline_are_of_one_state(
    spark: SparkSession, connected: Project, db: Connection, schema: str
) -> None:
    """What others commit between the reading of two tables is in neither; a view reads with its pipeline."""
    db.run(f"CREATE TABLE {schema}.a AS SELECT 1 AS id")
    db.run(f"CREATE TABLE {schema}.b AS SELECT 1 AS id")

    def transform(one: DataFrame, two: DataFrame) -> DataFrame:
        db.run(f"INSERT INTO {schema}.a VALUES (2)")
        db.run(f"INSERT INTO {schema}.b VALUES (2)")
        return one.join(two, "id")

    view = Pipeline("view", extract={"b": read.postgres(f"{schema}.b", connection="warehouse")})
    pipeline = Pipeline(
        "join",
        extract={"one": read.postgres(query=f"SELECT * FROM {schema}.a", connection="warehouse"), "two": view},
        transform=transform,
        load=write.parquet(place("lake") / "rows", mode="replace"),
    )
    record = Job("join", [view, pipeline]).run(spark=spark, config=connected.folder / "stoker.toml")
    assert record.state == "succeeded", record.pipelines[0].error
    assert [row.id for row in rows_of(spark, connected).collect()] == [1]


def test_a_table_is_read_and_replaced(spark: SparkSession, connected: Project, db: Connection, schema: str) -> None:
    """The locks of the read are gone when the same pipeline publishes into the table."""
    db.run(f"CREATE TABLE {schema}.t AS SELECT 1 AS id")
    pipeline = Pipeline(
        "again",
        extract={"rows": read.postgres(f"{schema}.t", connection="warehouse")},
        transform=lambda rows: rows.selectExpr("id + 1 AS id"),
        load=write.postgres(f"{schema}.t", connection="warehouse", mode="replace"),
    )
    record = Job("again", [pipeline]).run(spark=spark, config=connected.folder / "stoker.toml")
    assert record.state == "succeeded", record.pipelines[0].error
    assert db.run(f"SELECT id FROM {schema}.t") == [[2]]


def test_a_frame_ends_with_its_run(spark: SparkSession, connected: Project, db: Connection, schema: str) -> None:
    """Used later it is refused; a run that fails releases the snapshot too, and says what a task refused."""
    db.run(f"CREATE TABLE {schema}.t AS SELECT 'infinity'::date AS day")
    kept = []

    def transform(rows: DataFrame) -> DataFrame:
        kept.append(rows)
        return rows

    record = copied(spark, connected, read.postgres(f"{schema}.t", connection="warehouse"), transform)
    error = record.pipelines[0].error
    assert error is not None
    assert error["type"] == "SourceError"
    assert f"{schema}.t: the column 'day' has infinity, which date in Spark cannot be." in str(error["message"])
    assert holders(db) == 0
    with pytest.raises(Exception, match="its snapshot is gone"):
        kept[0].collect()


def test_a_preview_reads_by_one_connection(
    spark: SparkSession, connected: Project, db: Connection, schema: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whenever it is looked at, it is what is there then; nothing is held, and no row is read to make it."""
    monkeypatch.chdir(connected.folder)
    db.run(f"CREATE TABLE {schema}.t AS SELECT n AS id, repeat('x', 900) AS x FROM generate_series(1, 5000) n")
    source = read.postgres(f"{schema}.t", connection="warehouse", partitions=4)
    frame = Pipeline("look", extract={"rows": source}).preview(spark)
    assert (frame.rdd.getNumPartitions(), holders(db)) == (1, 0)
    assert len(frame.limit(3).collect()) == 3
    db.run(f"DELETE FROM {schema}.t WHERE id > 10")
    assert frame.count() == 10
    assert holders(db) == 0


def test_a_read_that_cannot_be_cut_is_told(
    spark: SparkSession, connected: Project, db: Connection, schema: str
) -> None:
    """In the run record, where parts were asked for."""
    db.run(f"CREATE VIEW {schema}.v AS SELECT 1 AS id")
    record = copied(spark, connected, read.postgres(f"{schema}.v", connection="warehouse", partitions=2))
    assert record.pipelines[0].fallbacks == [
        f"warehouse:{schema}.v is read by one connection: it is a view; partition_column= with bounds= would cut it"
    ]
