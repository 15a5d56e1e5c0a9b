"""CSV sources and sinks, on real files."""

from __future__ import annotations

import gzip
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from stoker import DefinitionError, Job, Pipeline, SourceError, place, read, write
from support.loads import preview

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from support.project import Project

SCHEMA = "id int, name string, day date"


def rows(project: Project, spark: SparkSession, **options: Any) -> list[tuple[Any, ...]]:
    """The rows of `source/data.csv` (or `path`), through a pipeline."""
    path = place("source") / options.pop("path", "data.csv")
    source = read.csv(path, schema=options.pop("schema", SCHEMA), **options)
    pipeline = Pipeline("reader", extract={"frame": source})
    return sorted(tuple(row) for row in preview(pipeline, spark, project.folder).collect())


def failure(project: Project, spark: SparkSession, **options: Any) -> dict[str, Any]:
    """The error of a run that loads `source/data.csv`."""
    path = place("source") / options.pop("path", "data.csv")
    source = read.csv(path, schema=options.pop("schema", SCHEMA), **options)
    job = Job(
        "j", [Pipeline("p", extract={"frame": source}, load=write.parquet(place("lake") / "out", mode="replace"))]
    )
    record = job.run(spark=spark, config=project.folder / "stoker.toml")
    error = record.pipelines[0].error
    assert error is not None
    assert not (project.lake / "out").exists()
    assert project.leftovers() == []
    return error


@pytest.mark.smoke
def test_columns_are_matched_by_the_headers_names(spark: SparkSession, project: Project) -> None:
    """Files with the columns in another order, with more columns or other case are read right, together."""
    project.write("source/many/one.csv", "id,name,day\n1,a,2013-01-01\n")
    project.write("source/many/two.csv", "day,extra,ID,name\n2013-01-02,x,2,b\n")

    assert rows(project, spark, path="many") == [(1, "a", date(2013, 1, 1)), (2, "b", date(2013, 1, 2))]


@pytest.mark.smoke
def test_a_malformed_record_fails_with_file_record_and_column(spark: SparkSession, project: Project) -> None:
    """The message has the file, the raw record, the column and the value; nothing is published."""
    path = project.write("source/data.csv", "id,name,day\n1,a,2013-01-01\n2,b,yesterday\n")

    message = str(failure(project, spark)["message"])

    assert f"A record of file://{path} does not fit" in message
    assert "column day: 'yesterday' is no date" in message
    assert "Record: 2,b,yesterday" in message


def test_a_malformed_record_is_found_in_a_column_that_nobody_selects(spark: SparkSession, project: Project) -> None:
    """Neither column pruning nor a pushed filter passes a malformed record by."""
    project.write("source/data.csv", "id,name,day\n1,a,2013-01-01\n2,b,yesterday\n")
    source = read.csv(place("source") / "data.csv", schema=SCHEMA)
    pipeline = Pipeline(
        "reader", extract={"frame": source}, transform=lambda frame: frame.filter("id = 1").select("name")
    )

    with pytest.raises(Exception, match="STOKER_MALFORMED_RECORD"):
        preview(pipeline, spark, project.folder).collect()


@pytest.mark.smoke
def test_malformed_records_are_dropped_and_counted_when_asked(spark: SparkSession, project: Project) -> None:
    """`malformed="drop"` leaves them out, and the record says how many."""
    project.write("source/data.csv", "id,name,day\n1,a,2013-01-01\nx,b,2013-01-01\n3\n4,d,2013-01-04\n")
    source = read.csv(place("source") / "data.csv", schema=SCHEMA, malformed="drop")
    keep = Pipeline(
        "keep",
        extract={"frame": source},
        transform=lambda frame: frame.filter("id < 4"),
        load=write.parquet(place("lake") / "out", mode="replace"),
    )

    record = Job("j", [keep]).run(spark=spark, config=project.folder / "stoker.toml").pipeline("keep")

    assert (record.rows_read, record.rows_dropped, record.rows_written) == (4, 2, 1)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        pytest.param(b"", "is empty: it has no header line", id="empty"),
        pytest.param(b"id,name\n1,a\n", "lacks day of the schema's columns", id="column missing"),
        pytest.param(b"id,name,day,Name\n", "these names twice (Spark ignores case): Name, name", id="duplicate"),
        pytest.param(
            "id,name,day\n1,Zoë,2013-01-01\n".encode("latin-1"), "column name has bytes that are not UTF-8", id="latin"
        ),
        pytest.param(b"id,n\xe4me,day\n", "header of", id="latin header"),
        pytest.param(b"id,name,day\n1,a,2013-01-01\n2,b", "it has 2 fields and the header 3", id="truncated"),
    ],
)
def test_files_that_cannot_be_right_are_refused(
    spark: SparkSession, project: Project, content: bytes, told: str
) -> None:
    """An empty, incomplete, truncated or wrongly encoded file says so with its name, and nothing is published."""
    (project.source / "data.csv").write_bytes(content)

    error = failure(project, spark)

    assert told in str(error["message"])
    assert "data.csv" in str(error["message"])
    assert error["next"]
    assert error["type"] == "SourceError"


def test_a_missing_file_offers_the_close_names(spark: SparkSession, project: Project) -> None:
    """A wrong file name is answered by the right one."""
    project.write("source/dota.csv", "id,name,day\n")

    assert "data.csv does not exist. Did you mean 'dota.csv'?" in str(failure(project, spark)["message"])


def test_a_truncated_gzip_is_an_error(spark: SparkSession, project: Project) -> None:
    """A packed file that ends early fails, and is not read as a shorter one."""
    packed = gzip.compress(b"id,name,day\n" + b"".join(b"%d,a%d,2013-01-01\n" % (n, n * 7919) for n in range(50_000)))
    (project.source / "data.csv.gz").write_bytes(packed[: len(packed) // 2])

    error = failure(project, spark, path="data.csv.gz")

    assert error["type"] == "SourceError"
    assert "cannot be read" in str(error["message"])
    assert "EOFException: Unexpected end" in str(error["message"])


def test_a_whole_gzip_is_read(spark: SparkSession, project: Project) -> None:
    """The header of a packed file is found too."""
    (project.source / "data.csv.gz").write_bytes(gzip.compress(b"name,id,day\na,1,2013-01-01\n"))

    assert rows(project, spark, path="data.csv.gz") == [(1, "a", date(2013, 1, 1))]


def test_a_column_that_is_not_null_must_have_a_value(spark: SparkSession, project: Project) -> None:
    """NOT NULL in the schema is held, which Spark itself does not do for files."""
    project.write("source/data.csv", "id,name,day\n1,a,2013-01-01\n2,,2013-01-01\n")

    error = failure(project, spark, schema="id int, name string not null, day date")

    assert "column name is not null in the schema and has no value" in str(error["message"])


def test_options_are_sparks(spark: SparkSession, project: Project) -> None:
    """Separator, null marker and date format are given as for Spark's own reader."""
    project.write("source/data.csv", "id;name;day\n1;NA;31.12.2013\n")

    found = rows(project, spark, sep=";", nullValue="NA", dateFormat="dd.MM.yyyy")

    assert found == [(1, None, date(2013, 12, 31))]


def test_odd_path_names_are_names_and_not_patterns(spark: SparkSession, project: Project) -> None:
    """A folder with brackets, spaces and a percent sign is read and written."""
    project.write("source/a.csv", "id,name,day\n1,a,2013-01-01\n")
    odd = place("lake") / "out [1] {x} 100% ü"
    copy = Pipeline(
        "copy",
        extract={"frame": read.csv(place("source") / "a.csv", schema=SCHEMA)},
        load=write.parquet(odd, mode="append"),
    )
    again = Pipeline("again", extract={"frame": copy.all()}, load=write.csv(place("lake") / "b b", mode="replace"))

    record = Job("j", [copy, again]).run(spark=spark, config=project.folder / "stoker.toml")

    assert record.state == "succeeded", record.to_json()
    assert record.pipeline("again").rows_written == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"malformed": "ignore"}, "malformed='ignore' is not known"),
        ({"mode": "DROPMALFORMED"}, "the options ['mode'] are not taken"),
        ({"inferSchema": True}, "the options ['inferSchema'] are not taken"),
    ],
)
def test_wrong_arguments_are_refused_where_they_are_written(arguments: dict[str, Any], told: str) -> None:
    """A source that can never work is a DefinitionError."""
    with pytest.raises(DefinitionError) as caught:
        read.csv("a.csv", schema=SCHEMA, **arguments)
    assert told in str(caught.value)


def test_ddl_that_is_wrong_is_shown(spark: SparkSession, project: Project) -> None:
    """A schema text that Spark cannot read is a clear error."""
    project.write("source/data.csv", "id\n1\n")
    with pytest.raises(DefinitionError, match="The schema 'id integre' cannot be read"):
        rows(project, spark, schema="id integre")


def test_csv_refuses_nested_columns(spark: SparkSession, project: Project) -> None:
    """An array column is named before anything is written."""
    project.write("source/data.csv", "id,name,day\n1,a,2013-01-01\n")
    source = read.csv(place("source") / "data.csv", schema=SCHEMA)
    nested = Pipeline(
        "nested",
        extract={"frame": source},
        transform=lambda frame: frame.selectExpr("id", "array(name) AS names"),
        load=write.csv(place("lake") / "out", mode="replace"),
    )

    record = Job("j", [nested]).run(spark=spark, config=project.folder / "stoker.toml").pipeline("nested")

    assert record.error
    assert "cannot hold the columns names array<string>" in str(record.error["message"])


def test_source_error_is_terminal() -> None:
    """What does not fit will not fit the next time."""
    from stoker import TerminalError

    assert issubclass(SourceError, TerminalError)
