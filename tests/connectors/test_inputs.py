"""Which files a source reads: patterns, lists, packed files, the files' names, files that lack a column."""

from __future__ import annotations

import bz2
import gzip
import logging
from typing import TYPE_CHECKING, Any

import pytest

from stoker import DefinitionError, Job, Pipeline, SourceError, place, read, write
from support.loads import preview

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from stoker import Source
    from support.project import Project

SCHEMA = "id int, name string"
HERE = place("source")


def rows(project: Project, spark: SparkSession, source: Source) -> list[tuple[Any, ...]]:
    """The rows of a source, through a pipeline."""
    found = preview(Pipeline("reader", extract={"frame": source}), spark, project.folder).collect()
    return sorted((tuple(row) for row in found), key=str)


@pytest.mark.smoke
def test_a_list_may_hold_files_folders_and_patterns(spark: SparkSession, project: Project) -> None:
    """Each file is read once, by its own header, whatever it was named by; hidden ones are passed over."""
    project.write("source/a.csv", "id,name\n1,a\n")
    project.write("source/b-1.csv", "name,id\nb,2\n")
    project.write("source/b-2.csv", "id,name\n3,c\n")
    project.write("source/_b-3.csv", "id,name\n9,x\n")
    project.write("source/more/d.csv", "id,name,extra\n4,d,x\n")

    found = rows(project, spark, read.csv([HERE / "a.csv", HERE / "b-*.csv", HERE / "more"], schema=SCHEMA))

    assert found == [(1, "a"), (2, "b"), (3, "c"), (4, "d")]
    assert rows(project, spark, read.csv(HERE / "{a,b-1}.csv", schema="id int")) == [(1,), (2,)]


def test_a_name_with_the_signs_of_a_pattern_is_a_name(spark: SparkSession, project: Project) -> None:
    """A file or folder that is there is taken as it is called."""
    project.write("source/[1] {x}/a*?.csv", "id,name\n1,a\n")
    project.write("source/[1] {x}/ab.csv", "id,name\n2,b\n")

    assert rows(project, spark, read.csv(HERE / "[1] {x}" / "a*?.csv", schema=SCHEMA)) == [(1, "a")]
    assert rows(project, spark, read.csv(HERE / "[1] {x}", schema=SCHEMA)) == [(1, "a"), (2, "b")]


@pytest.mark.smoke
def test_packed_files_are_read_and_their_headers_found(spark: SparkSession, project: Project) -> None:
    """Gzip and bzip2, in one folder with plain files, each with its own header."""
    (project.source / "a.csv.gz").write_bytes(gzip.compress(b"name,id\na,1\n"))
    (project.source / "b.csv.bz2").write_bytes(bz2.compress(b"id,name\n2,b\n"))
    project.write("source/c.csv", "id,name\n3,c\n")

    assert rows(project, spark, read.csv(HERE, schema=SCHEMA)) == [(1, "a"), (2, "b"), (3, "c")]


@pytest.mark.parametrize(
    "codec",
    [
        "bzip2",
        *(pytest.param(codec, marks=pytest.mark.faults) for codec in ("gzip", "deflate", "lz4", "snappy", "zstd")),
    ],
)
def test_what_is_packed_by_a_codec_of_spark_is_read_again(spark: SparkSession, project: Project, codec: str) -> None:
    """write.csv with compression= and read.csv of the folder fit; a codec that this Hadoop lacks is said to be missing."""
    project.write("source/a.csv", "id,name\n1,a\n")
    sink = write.csv(place("lake") / "out", mode="replace", compression=codec)
    job = Job("j", [Pipeline("p", extract={"frame": read.csv(HERE / "a.csv", schema=SCHEMA)}, load=sink)])
    record = job.run(spark=spark, config=project.folder / "stoker.toml").pipelines[0]

    if record.error is not None:
        assert "codec" in str(record.error["message"])
        pytest.skip(str(record.error["message"]))
    assert rows(project, spark, read.csv(place("lake") / "out", schema=SCHEMA)) == [(1, "a")]


@pytest.mark.smoke
@pytest.mark.parametrize("form", ["csv", "json", "text", "parquet"])
def test_a_column_tells_the_file(spark: SparkSession, project: Project, form: str) -> None:
    """`file_column=` holds the whole URI as messages show it, not percent-encoded; with several files, each its own."""
    name = "a b+c%20ü"
    contents = {"csv": "id\n1\n", "json": '{"id": 1}\n', "text": "1\n"}
    if form == "parquet":
        spark.sql("SELECT 1 AS id").coalesce(1).write.parquet(str(project.folder / "other"))
        (part,) = (project.folder / "other").glob("*.parquet")
        for copy in ("1", "2"):
            (project.source / f"{name}{copy}").write_bytes(part.read_bytes())
    else:
        for copy in ("1", "2"):
            project.write(f"source/{name}{copy}", contents[form])
    options: dict[str, Any] = {"schema": "id int"} if form in {"csv", "json"} else {}

    found = rows(project, spark, getattr(read, form)(HERE, file_column="file", **options))

    value = "1" if form == "text" else 1
    assert found == [(value, f"file://{project.source}/{name}{copy}") for copy in ("1", "2")]


def test_the_files_column_is_no_other_column(spark: SparkSession, project: Project) -> None:
    """A name that the schema has too is refused."""
    project.write("source/a.csv", "id,name\n1,a\n")

    with pytest.raises(DefinitionError, match="file_column='Name' is a column of the schema too"):
        rows(project, spark, read.csv(HERE, schema=SCHEMA, file_column="Name"))


@pytest.mark.smoke
def test_a_file_that_lacks_a_column_is_refused_or_read_with_nulls(spark: SparkSession, project: Project) -> None:
    """By default the file and the column are named; with `missing_columns="null"` its rows have null there."""
    project.write("source/a.csv", "id,name\n1,a\n")
    project.write("source/b.csv", "id\n2\n")

    with pytest.raises(SourceError, match=r"b\.csv lacks name of the schema's columns") as caught:
        rows(project, spark, read.csv(HERE, schema=SCHEMA))
    assert 'missing_columns="null"' in str(caught.value)
    assert rows(project, spark, read.csv(HERE, schema=SCHEMA, missing_columns="null")) == [(1, "a"), (2, None)]
    with pytest.raises(SourceError, match="lacks name of the schema's columns, which must not be null"):
        rows(project, spark, read.csv(HERE, schema="id int, name string not null", missing_columns="null"))


def test_parquet_files_of_different_columns_need_a_schema(spark: SparkSession, project: Project) -> None:
    """Parts of a list are joined by the columns' names; where these differ, schema= says which are wanted."""
    spark.sql("SELECT 1 AS id, 'a' AS name").write.parquet(str(project.source / "a"))
    spark.sql("SELECT 2 AS id").write.parquet(str(project.source / "b"))

    with pytest.raises(SourceError, match="different columns: name are not in all of them"):
        rows(project, spark, read.parquet([HERE / "a", HERE / "b"]))
    assert rows(project, spark, read.parquet([HERE / "a", HERE / "b"], schema=SCHEMA)) == [(1, "a"), (2, None)]


def test_text_is_read_by_lines_or_whole(spark: SparkSession, project: Project) -> None:
    """The column is `value`."""
    project.write("source/a.txt", "one\ntwo\n")

    frame = preview(Pipeline("reader", extract={"frame": read.text(HERE / "a.txt")}), spark, project.folder)
    assert frame.columns == ["value"]
    assert rows(project, spark, read.text(HERE / "a.txt")) == [("one",), ("two",)]
    assert rows(project, spark, read.text(HERE / "a.txt", wholetext=True)) == [("one\ntwo\n",)]


def test_a_published_folder_in_a_list_is_read_consistently(spark: SparkSession, project: Project) -> None:
    """A folder whose last publish wrote no row gives no rows, alone and beside files."""
    project.write("source/a.csv", "id,name\n1,a\n")
    sink = write.csv(place("lake") / "out", mode="replace", partition_by=["name"])
    none = Pipeline(
        "none",
        extract={"frame": read.csv(HERE, schema=SCHEMA)},
        transform=lambda frame: frame.filter("id > 1"),
        load=sink,
    )
    assert Job("j", [none]).run(spark=spark, config=project.folder / "stoker.toml").state == "succeeded"

    out = place("lake") / "out"
    assert rows(project, spark, read.csv(out, schema=SCHEMA, file_column="file")) == []
    assert rows(project, spark, read.csv([out, HERE], schema=SCHEMA)) == [(1, "a")]


def test_a_hidden_file_is_refused(spark: SparkSession, project: Project) -> None:
    """Spark would read a file named with an underscore as one without rows."""
    project.write("source/_a.csv", "id,name\n1,a\n")

    with pytest.raises(SourceError, match="Spark passes over files"):
        rows(project, spark, read.csv(HERE / "_a.csv", schema=SCHEMA))


def test_many_small_files_are_warned_of(
    spark: SparkSession, project: Project, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A source of too many too small files says so, with what to do; a few do not."""
    for number in range(5):
        project.write(f"source/{number}.csv", "id,name\n1,a\n")
    with caplog.at_level(logging.WARNING):
        rows(project, spark, read.csv(HERE, schema=SCHEMA))
    assert caplog.messages == []

    monkeypatch.setattr("stoker.connectors.source._MANY", 4)
    with caplog.at_level(logging.WARNING):
        rows(project, spark, read.csv(HERE, schema=SCHEMA))

    assert "has 5 files of 0.0 KiB on average" in caplog.text
    assert "whose sink has files=N" in caplog.text


@pytest.mark.parametrize("paths", [[], [1], 3])
def test_paths_are_paths(paths: Any) -> None:
    """No path, or something else, is refused where it is written."""
    with pytest.raises(DefinitionError):
        read.text(paths)
