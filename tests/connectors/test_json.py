"""JSON sources and sinks, on real files."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest

from stoker import DefinitionError, Job, Pipeline, place, read, write
from support.loads import preview

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from support.project import Project

SCHEMA = "id int, name string, tags array<string>"


def source(**options: Any) -> Any:
    """`source/data.json`, or `path`."""
    path = place("source") / options.pop("path", "data.json")
    return read.json(path, schema=options.pop("schema", SCHEMA), **options)


def rows(project: Project, spark: SparkSession, **options: Any) -> list[tuple[Any, ...]]:
    """Its rows, through a pipeline."""
    found = preview(Pipeline("reader", extract={"frame": source(**options)}), spark, project.folder).collect()
    return sorted((tuple(row) for row in found), key=str)


def failure(project: Project, spark: SparkSession, **options: Any) -> str:
    """The message of a run that loads it."""
    sink = write.parquet(place("lake") / "out", mode="replace")
    job = Job("j", [Pipeline("p", extract={"frame": source(**options)}, load=sink)])
    error = job.run(spark=spark, config=project.folder / "stoker.toml").pipelines[0].error
    assert error is not None
    assert error["type"] == "SourceError"
    assert not (project.lake / "out").exists()
    return str(error["message"])


@pytest.mark.smoke
def test_lines_are_read_by_name(spark: SparkSession, project: Project) -> None:
    """Fields stand in any order, others are passed over, absent ones are null; packed files too."""
    project.write("source/many/a.json", '{"name": "a", "id": 1, "more": {}}\n{"id": 2, "tags": ["x"]}\n')
    (project.source / "many" / "b.json.gz").write_bytes(gzip.compress(b'{"id": 3}\n'))

    assert rows(project, spark, path="many") == [(1, "a", None), (2, None, ["x"]), (3, None, None)]


@pytest.mark.parametrize(
    ("record", "told"),
    [
        pytest.param('{"id": "two"}', 'column id: "two" is no int', id="type"),
        pytest.param('{"id": 2', "it is no JSON (", id="cut"),
        pytest.param("7", "it is no object", id="number"),
        pytest.param('{"id": 2, "tags": "x"}', 'column tags: "x" is no array<string>', id="nested"),
    ],
)
def test_a_malformed_record_fails_with_file_record_and_column(
    spark: SparkSession, project: Project, record: str, told: str
) -> None:
    """The message has the file, the raw record and what is wrong with it; nothing is published."""
    path = project.write("source/data.json", f'{{"id": 1}}\n{record}\n')

    message = failure(project, spark)

    assert f"A record of file://{path} does not fit the schema: {told}" in message
    assert f"Record: {record}" in message


def test_what_is_not_null_must_be_there(spark: SparkSession, project: Project) -> None:
    """A field that is absent or null where the schema says NOT NULL fails, and is not read as a zero."""
    project.write("source/data.json", '{"id": null, "name": "a"}\n')

    told = failure(project, spark, schema="id int not null, name string")

    assert "column id is not null in the schema and has no value" in told


def test_malformed_records_are_dropped_and_counted_when_asked(spark: SparkSession, project: Project) -> None:
    """`malformed="drop"` leaves them out, and the record says how many, with the file's name beside too."""
    project.write("source/data.json", '{"id": 1}\n{"id": "two"}\nx\n{"id": 4}\n')
    keep = Pipeline(
        "keep",
        extract={"frame": source(malformed="drop", file_column="file")},
        load=write.parquet(place("lake") / "out", mode="replace"),
    )

    record = Job("j", [keep]).run(spark=spark, config=project.folder / "stoker.toml").pipeline("keep")

    assert (record.rows_read, record.rows_dropped, record.rows_written) == (4, 2, 2)


def test_a_document_may_be_a_whole_file(spark: SparkSession, project: Project) -> None:
    """With multiLine=True an array's objects are rows, and a cut document is malformed."""
    project.write("source/data.json", '[\n {"id": 1},\n {"id": 2,\n  "name": "b"}\n]\n')
    assert rows(project, spark, multiLine=True) == [(1, None, None), (2, "b", None)]

    project.write("source/data.json", '[\n {"id": 1},\n {"id": 2')
    assert "it is no JSON" in failure(project, spark, multiLine=True)


@pytest.mark.smoke
def test_what_is_written_is_read_again(spark: SparkSession, project: Project) -> None:
    """Nulls are written as nulls, partitions are read back, and each mode publishes."""
    project.write("source/data.json", '{"id": 1, "name": null, "tags": ["ü"]}\n{"id": 2, "name": "b", "tags": []}\n')
    sink = write.json(place("lake") / "out", mode="append", partition_by=["id"])
    job = Job("j", [Pipeline("p", extract={"frame": source()}, load=sink)])

    for _ in range(2):
        assert job.run(spark=spark, config=project.folder / "stoker.toml").state == "succeeded"

    lines = [line for path in project.lake.rglob("id=1/*.json") for line in path.read_text("utf-8").splitlines()]
    assert [json.loads(line) for line in lines] == [{"name": None, "tags": ["ü"]}] * 2
    again = Pipeline("again", extract={"frame": read.json(place("lake") / "out", schema=SCHEMA)})
    found = sorted((tuple(row) for row in preview(again, spark, project.folder).collect()), key=str)
    assert found == [(1, None, ["ü"])] * 2 + [(2, "b", [])] * 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"malformed": "skip"}, "malformed='skip' is not known"),
        ({"mode": "FAILFAST"}, "the options ['mode'] are not taken"),
        ({"file_column": ""}, "file_column= is a column's name"),
    ],
)
def test_wrong_arguments_are_refused_where_they_are_written(arguments: dict[str, Any], told: str) -> None:
    """A source that can never work is a DefinitionError."""
    with pytest.raises(DefinitionError) as caught:
        source(**arguments)
    assert told in str(caught.value)
