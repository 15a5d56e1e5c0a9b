"""Columns that differ from those that are published."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pyspark.sql import types as T  # noqa: N812 - as F for functions

from stoker import DefinitionError, Job, Pipeline, RunRecord, Source, place, read, write
from stoker.connectors.base import Endpoint
from stoker.files.drift import Drift
from stoker.files.peek import published_columns
from stoker.files.widening import MIXED, widens, widens_in_place
from support.loads import preview

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from stoker import Context, Names
    from support.project import Project

lake = place("lake")
INT, LONG, TEXT = T.IntegerType(), T.LongType(), T.StringType()


class Given(Source):
    """Rows from the test.

    Args:
        sql: A query.
    """

    def __init__(self, sql: str) -> None:
        self.sql = sql

    def describe(self, names: Names) -> Endpoint:
        """A name."""
        del names
        return Endpoint("given", "given")

    def read(self, context: Context) -> DataFrame:
        """The query's rows."""
        return context.spark.sql(self.sql)


def run(spark: SparkSession, project: Project, sql: str, load: Any = None, run_id: str | None = None) -> RunRecord:
    """Load the query's rows into `lake/out`."""
    load = load or write.parquet(lake / "out", mode="append", on_drift="add")
    job = Job("drift", [Pipeline("rows", extract={"rows": Given(sql)}, load=load)])
    return job.run(spark=spark, config=project.folder / "stoker.toml", run_id=run_id)


def rows(spark: SparkSession, project: Project, source: Any = None) -> list[tuple[Any, ...]]:
    """The rows of `lake/out`, through Stoker."""
    reader = Pipeline("reader", extract={"rows": source or read.parquet(lake / "out")})
    return sorted((tuple(row) for row in preview(reader, spark, project.folder).collect()), key=str)


def struct(**columns: T.DataType) -> T.StructType:
    """A schema of nullable columns."""
    return T.StructType([T.StructField(name, kind) for name, kind in columns.items()])


def is_mixed(spark: SparkSession) -> bool:
    """Whether this Spark reads a column that is narrower in some files."""
    return tuple(map(int, spark.version.split(".")[:2])) >= MIXED


@pytest.mark.parametrize(
    ("way", "there", "here", "merged", "changes", "refused"),
    [
        ("fail", struct(a=INT, b=TEXT), struct(b=TEXT, a=INT), struct(a=INT, b=TEXT), [], []),
        ("fail", struct(a=INT), struct(A=INT), None, ["column a is spelled A here"], []),
        ("fail", struct(a=INT), struct(b=INT), None, ["column a int is missing", "column b int is new"], []),
        (
            "add",
            struct(a=INT),
            struct(b=INT),
            struct(a=INT, b=INT),
            ["column a int is missing and was filled with null", "column b int is new and was added"],
            [],
        ),
        (
            "ignore",
            struct(a=INT),
            struct(b=INT, A=INT),
            struct(a=INT),
            ["column a is spelled A here", "column b int is new and was left out"],
            [],
        ),
        (
            "add",
            struct(a=INT),
            struct(a=LONG),
            struct(a=LONG),
            ["column a is int there and bigint here and was widened"],
            [],
        ),
        (
            "ignore",
            struct(a=LONG),
            struct(a=INT),
            struct(a=LONG),
            ["column a is bigint there and int here and was written as bigint"],
            [],
        ),
        ("ignore", struct(a=INT), struct(a=LONG), None, [], ["column a is int there and bigint here"]),
        ("add", struct(a=INT), struct(a=TEXT), None, [], ["column a is int there and string here"]),
        ("replace", struct(a=INT), struct(a=TEXT), None, ["column a is int there and string here"], []),
        (
            "add",
            struct(s=struct(a=INT), l=T.ArrayType(struct(a=INT)), m=T.MapType(TEXT, INT)),
            struct(s=struct(a=LONG, b=INT), l=T.ArrayType(struct(b=TEXT)), m=T.MapType(TEXT, LONG)),
            struct(s=struct(a=LONG, b=INT), l=T.ArrayType(struct(a=INT, b=TEXT)), m=T.MapType(TEXT, LONG)),
            [
                "column s.a is int there and bigint here and was widened",
                "column s.b int is new and was added",
                "column l.element.a int is missing and was filled with null",
                "column l.element.b string is new and was added",
                "column m.value is int there and bigint here and was widened",
            ],
            [],
        ),
    ],
)
def test_each_difference_is_named_and_reconciled_as_asked(
    way: str,
    there: T.StructType,
    here: T.StructType,
    merged: T.StructType | None,
    changes: list[str],
    refused: list[str],
) -> None:
    """Columns by name whatever their order; what cannot be reconciled is told apart."""
    drift = Drift(way, widens)

    found = drift.merged(there, here)

    assert (drift.changes, drift.refused) == (changes, refused)
    assert merged is None or found == merged


def test_a_field_inside_a_struct_is_refused_where_spark_would_misread_it() -> None:
    """Before Spark 4.1, a struct of an older file can be read as null where only the new field is asked for."""
    drift = Drift("add", widens_in_place, nested=False)

    drift.merged(struct(s=struct(a=INT)), struct(s=struct(a=INT, b=INT)))

    assert [("s.b int is new, inside a struct" in text) for text in drift.refused] == [True]


def test_a_partition_column_is_only_widened_where_its_folders_keep_their_names() -> None:
    """An int as bigint is written alike, an int as double is not."""

    def refused(kind: T.DataType) -> list[str]:
        drift = Drift("add", widens, partition_by=["p"])
        drift.merged(struct(p=INT, a=INT), struct(p=kind, a=INT))
        return drift.refused

    assert refused(LONG) == []
    assert refused(T.DoubleType()) == ["column p is int there and double here"]


@pytest.mark.smoke
def test_columns_come_and_go(spark: SparkSession, project: Project) -> None:
    """Older rows have null for what is new, new ones for what is missing, also inside structs on Spark 4.1; the record and the
    plan tell, and the next load has all columns to compare with.
    """  # noqa: D205 - one sentence, over two lines
    assert run(spark, project, "SELECT 1 AS id, 'a' AS name").state == "succeeded"

    second = run(spark, project, "SELECT 2 AS id, date'2024-01-01' AS day, 'x' AS NAME", run_id="second")
    third = run(spark, project, "SELECT 3 AS id")

    day = str(spark.sql("SELECT date'2024-01-01'").first()[0])  # type: ignore[index]  # it has a row
    found = [tuple(None if value is None else str(value) for value in row) for row in rows(spark, project)]
    assert found == [("1", "a", None), ("2", "x", day), ("3", None, None)]
    assert second.pipelines[0].sinks[0].changes == [
        "column name is spelled NAME here",
        "column day date is new and was added",
    ]
    assert third.pipelines[0].sinks[0].changes == [
        "column name string is missing and was filled with null",
        "column day date is missing and was filled with null",
    ]
    where = str(project.lake / "out")
    assert published_columns(where) == {"id": "int", "name": "string", "day": "date"}
    assert published_columns(f"file://{where}") == published_columns(where)
    assert (published_columns("s3://bucket/out"), published_columns(f"{where}2")) == (None, None)


def test_widened_columns_are_read_whole(spark: SparkSession, project: Project) -> None:
    """Values beyond the old type, filters on them, nested ones: by path, by pipeline, and in the other direction."""
    if not is_mixed(spark):
        pytest.skip("this Spark reads no mixed types")
    sink = write.parquet(lake / "out", mode="append", on_drift="add")
    writer = Pipeline("rows", extract={"rows": Given("SELECT 1 AS n")}, load=sink)
    run(
        spark,
        project,
        "SELECT 1 AS n, 1.5F AS f, CAST(-1.25 AS DECIMAL(5,2)) AS d, named_struct('a', 7) AS s, date'2024-01-01' AS t",
    )
    wide = run(
        spark,
        project,
        "SELECT 4294967297 AS n, 0.1D AS f, 123456.789 AS d, named_struct('b', 'x', 'a', 8L) AS s, "
        "timestamp_ntz'2024-01-01 12:00:00' AS t",
    )
    narrow = run(
        spark, project, "SELECT 3S AS n, 2.5F AS f, CAST(1 AS DECIMAL(3,0)) AS d, NULL AS s, date'2024-01-02' AS t"
    )

    assert (wide.state, narrow.state) == ("succeeded", "succeeded"), (wide.to_json(), narrow.to_json())
    assert (
        "column n is bigint there and smallint here and was written as bigint" in narrow.pipelines[0].sinks[0].changes
    )
    frame = preview(Pipeline("reader", extract={"rows": writer.all()}), spark, project.folder)
    assert frame.select("n", "f", "d", "s.a", "s.b", "t").dtypes == [
        ("n", "bigint"),
        ("f", "double"),
        ("d", "decimal(9,3)"),
        ("a", "bigint"),
        ("b", "string"),
        ("t", "timestamp_ntz"),
    ]
    assert [tuple(map(str, row)) for row in frame.orderBy("n").select("n", "f", "d", "s.a", "s.b", "t").collect()] == [
        ("1", "1.5", "-1.250", "7", "None", "2024-01-01 00:00:00"),
        ("3", "2.5", "1.000", "None", "None", "2024-01-02 00:00:00"),
        ("4294967297", "0.1", "123456.789", "8", "x", "2024-01-01 12:00:00"),
    ]
    assert frame.filter("n = 4294967297").count() == frame.filter("n < 2").count() == frame.filter("d < 0").count() == 1
    assert frame.filter("s is not null and s.b is null").count() == 1


@pytest.mark.smoke
def test_a_type_that_cannot_be_widened_always_fails(spark: SparkSession, project: Project) -> None:
    """With the column, the old type and the new one; nothing is published, and `replace` is not refused."""
    run(spark, project, "SELECT 1 AS id, 1.25 AS amount, 1 AS p")
    for load in (
        write.parquet(lake / "out", mode="append", on_drift="fail"),
        write.parquet(lake / "out", mode="append", on_drift="ignore"),
        write.parquet(lake / "out", mode="replace_partitions", on_drift="add", partition_by=["p"]),
    ):
        record = run(spark, project, "SELECT 1 AS id, 1.25D AS amount, 1 AS p", load)

        error = record.pipelines[0].error
        assert error
        assert "column amount is decimal(3,2) there and double here" in str(error["message"])
        assert "on_drift" not in str(error["next"])
        assert error["state"] == "Nothing was written."
    assert len(rows(spark, project)) == 1

    replaced = run(spark, project, "SELECT 1.25D AS amount", write.parquet(lake / "out", mode="replace"))

    assert replaced.pipelines[0].sinks[0].changes == [
        "column id int is missing",
        "column amount is decimal(3,2) there and double here",
        "column p int is missing",
    ]
    assert rows(spark, project) == [(1.25,)]


def test_by_default_a_difference_fails_and_the_message_says_how_it_need_not(
    spark: SparkSession, project: Project
) -> None:
    """Added and missing columns too."""
    run(spark, project, "SELECT 1 AS id, 2 AS n")

    error = run(spark, project, "SELECT 1 AS id, 2 AS m", write.parquet(lake / "out", mode="append")).pipelines[0].error

    assert error
    assert "out: column n int is missing; column m int is new." in str(error["message"])
    assert 'on_drift="add"' in str(error["next"])


def test_the_sinks_after_it_get_the_frames_own_columns(spark: SparkSession, project: Project) -> None:
    """Not those of the folder that the rows are read back from, in a second attempt neither; what was left out is refused."""
    run(spark, project, "SELECT 1L AS id, 'x' AS more")
    second = write.csv(lake / "second", mode="replace")

    added = run(
        spark, project, "SELECT 2 AS ID, 3 AS n", [write.parquet(lake / "out", mode="append", on_drift="add"), second]
    )
    refused = run(
        spark,
        project,
        "SELECT 2 AS id, 3 AS m",
        [write.parquet(lake / "out", mode="append", on_drift="ignore"), second],
    )

    assert added.state == "succeeded", added.to_json()
    (part,) = (project.lake / "second").glob("*.csv")
    assert part.read_text() == "ID,n\n2,3\n"
    error = refused.pipelines[0].error
    assert error
    assert 'lacks m, which on_drift="ignore" left out' in str(error["message"])
    assert error["state"] == "Nothing was published."


def test_partitions_are_replaced_with_more_columns(spark: SparkSession, project: Project) -> None:
    """The other partitions have null in them."""
    sink = write.parquet(lake / "out", mode="replace_partitions", partition_by=["p"], on_drift="add")
    run(spark, project, "SELECT id, id % 2 AS p FROM range(4)", sink)

    record = run(spark, project, "SELECT 10L AS id, 'x' AS more, 0L AS p", sink)

    assert record.state == "succeeded", record.to_json()
    assert rows(spark, project) == [(1, 1, None), (10, 0, "x"), (3, 1, None)]


@pytest.mark.parametrize("form", ["csv", pytest.param("json", marks=pytest.mark.faults)])
def test_text_files_drift_too(spark: SparkSession, project: Project, form: str) -> None:
    """Files of other columns side by side, each with its own names."""

    def sink() -> Any:
        return getattr(write, form)(lake / "out", mode="append", on_drift="add")

    run(spark, project, "SELECT 1 AS id", sink())
    record = run(spark, project, "SELECT 5000000000 AS id, 'x' AS more", sink())

    assert record.state == "succeeded", record.to_json()
    options = {"missing_columns": "null"} if form == "csv" else {}
    source = getattr(read, form)(lake / "out", schema="id bigint, more string", **options)
    assert rows(spark, project, source) == [(1, None), (5000000000, "x")]


def test_what_on_drift_cannot_be() -> None:
    """A wrong word, and a mode that needs none."""
    with pytest.raises(DefinitionError, match="Did you mean 'ignore'"):
        write.parquet(lake / "out", mode="append", on_drift="ignored")
    with pytest.raises(DefinitionError, match="which publishes the columns that it gets"):
        write.parquet(lake / "out", mode="replace", on_drift="add")
