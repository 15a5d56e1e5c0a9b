"""Tables as sources, and what a pipeline has loaded into one read by others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from stoker import DefinitionError, Job, Pipeline, SourceError, place, read, write
from stoker.job.plan import make_plan
from support.loads import SCHEMA, rows_of, write_rows

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from support.catalogue import Database


def rows(frame: DataFrame) -> list[tuple[Any, ...]]:
    """Sorted."""
    return sorted(tuple(row) for row in frame.select("id", "part", "version").collect())


def test_tables_and_views_are_read(database: Database) -> None:
    """Of any format, by any spelling of the name; also a temporary view, which has no database."""
    database.load(1)
    name, spark = database.table(), database.spark
    spark.sql(f"CREATE VIEW {database.table('v')} AS SELECT * FROM {name} WHERE part = 1")
    spark.sql(f"CREATE TABLE {database.table('c')} USING csv AS SELECT * FROM {name} WHERE part = 2")
    spark.table(name).filter("part = 3").createOrReplaceTempView("stoker_temporary")
    try:
        for given in (name, name.upper(), f"spark_catalog.{name}", f"`{database.name}`.`rows`"):
            assert rows(database.read(read.table(given))) == rows_of(1)
        for part, given in enumerate((database.table("v"), database.table("c"), "stoker_temporary"), 1):
            assert rows(database.read(read.table(given))) == rows_of(1, (part,))
    finally:
        spark.catalog.dropTempView("stoker_temporary")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("{}.row", "does not exist. Did you mean 'rows'?"),
        ("{}x.rows", "Its database does not exist. Did you mean '{}'?"),
        ("ice.{}.rows", "does not exist"),
        ("no_such_table_anywhere", "does not exist"),
    ],
)
def test_a_wrong_name_is_told_with_close_ones(database: Database, name: str, told: str) -> None:
    """Those of the tables beside it, or of the databases."""
    database.spark.sql(f"CREATE TABLE {database.table()} (id int) USING parquet")
    with pytest.raises(SourceError) as caught:
        database.read(read.table(name.format(database.name)))
    assert told.format(database.name) in str(caught.value)


def test_rows_may_name_their_files(database: Database) -> None:
    """`file_column=` of a table; a view has no files."""
    database.load(1)
    frame = database.read(read.table(database.table(), file_column="file"))
    files = {row["file"] for row in frame.select("file").distinct().collect()}
    assert files == {f"file://{path}" for path in database.location().glob("*.parquet")}
    database.spark.sql(f"CREATE VIEW {database.table('v')} AS SELECT 1 AS id")
    with pytest.raises(SourceError, match="does not tell the files of its rows"):
        database.read(read.table(database.table("v"), file_column="file"))
    with pytest.raises(DefinitionError, match="is a column of the table too"):
        database.read(read.table(database.table(), file_column="ID"))


def test_the_content_of_a_table_is_told_apart(database: Database) -> None:
    """By place and files, with the run that published last; a view's cannot be told."""
    source, context = read.table(database.table("p")), database.context()
    database.load(1, "first", "p", partition_by=["part"])
    first, same = source.fingerprint(context), source.fingerprint(database.context())
    database.load(2, "second", "p", partition_by=["part"], mode="replace_partitions", parts=(2,))
    second = source.fingerprint(context)

    assert first
    assert second
    assert first == same
    assert (first["run"], second["run"]) == ("first", "second")
    assert first["digest"] != second["digest"]
    assert first["files"] == 3
    database.spark.sql(f"CREATE VIEW {database.table('v')} AS SELECT 1 AS id")
    assert read.table(database.table("v")).fingerprint(context) is None


def two(database: Database, load: Any, reader: Any) -> Job:
    """A pipeline that loads a table, and one that extracts from it."""
    source = read.csv(place("source") / "rows.csv", schema=SCHEMA)
    first = Pipeline("first", extract={"rows": source}, load=load)
    second = Pipeline(
        "second", extract={"rows": reader(first)}, load=write.table(database.table("copy"), mode="replace")
    )
    return Job("two", [second, first])


@pytest.mark.parametrize("partition_by", [pytest.param([], marks=pytest.mark.faults), ["part"]])
def test_a_pipeline_is_read_back_from_its_table(database: Database, partition_by: list[str]) -> None:
    """All that is published, or what this run has added; partition columns are last, as for every reader of the table."""
    load = write.table(database.table(), mode="append", partition_by=partition_by)
    toml = database.folder / "stoker.toml"
    for version, scope in ((1, "all"), (2, "all"), (3, "this_run")):
        write_rows(database.folder, str(version))
        job = two(database, load, lambda first, scope=scope: getattr(first, scope)())
        record = job.run(spark=database.spark, config=toml, run_id=f"run-{version}")
        assert record.state == "succeeded", [pipeline.error for pipeline in record.pipelines]
        copy = database.spark.newSession().table(database.table("copy"))
        assert copy.columns == (["id", "version", "part"] if partition_by else ["id", "part", "version"])
        expected = [3] if scope == "this_run" else range(1, version + 1)
        assert rows(copy) == sorted(row for each in expected for row in rows_of(each))


@pytest.mark.faults
def test_checks_hold_the_staged_rows(database: Database) -> None:
    """Before the catalogue hears of them; `rows(within=)` knows how many there were before."""
    from stoker import check

    database.load(1)
    told = database.refused(
        2, parts=(1,), checks=[check.unique("id"), check.values("part", [2, 3]), check.rows(within=0.2)]
    )
    assert "2 of 3 checks failed" in told
    assert database.versions() == [(part, 1, 10) for part in (1, 2, 3)]


def test_a_plan_names_tables_without_spark(database: Database) -> None:
    """As they are declared; that one pipeline reads by its name what another one writes is told."""
    job = two(database, write.table("a.rows", mode="replace", partition_by=["part"]), lambda _: read.table("a.rows"))
    plan = make_plan(job, database.context().names.config, None)
    sinks = {pipeline.name: pipeline.sinks[0] for pipeline in plan.pipelines}
    assert (sinks["first"].kind, sinks["first"].where, sinks["first"].mode) == ("table", "a.rows", "replace")
    assert sinks["first"].details == {"partition_by": ["part"]}
    assert plan.mistakes == []
    assert any("'second' reads a.rows, which 'first' writes" in text for text in plan.warnings)
    assert "a.rows" in plan.external
