"""Tables that cannot be loaded, and tables that others made and that can."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from pyspark.sql.types import LongType, StructField, StructType

from stoker import SinkError
from stoker.tables.catalogue import TableFacts
from stoker.tables.home import Home
from stoker.tables.names import TableName
from stoker.tables.refusals import check_kind

if TYPE_CHECKING:
    from support.catalogue import Database

COLUMNS = "id int, part int, version int"
REFUSED = {
    "VIEW {} AS SELECT 1 AS id": "is a view",
    f"TABLE {{}} ({COLUMNS}) USING csv": "is a table of csv files",
    f"TABLE {{}} ({COLUMNS}) USING parquet CLUSTERED BY (id) INTO 2 BUCKETS": "is bucketed",
    "TABLE {} (id varchar(3), part int, version int) USING parquet": "CHAR or VARCHAR (id)",
    f"TABLE {{}} ({COLUMNS}) USING parquet PARTITIONED BY (part)": "is partitioned by ['part'], and partition_by= is []",
    "TABLE {} (id int, part string) USING parquet": "column part is string there and int here; column version int is new",
}


def test_a_table_that_cannot_be_loaded_is_refused_with_the_reason(database: Database) -> None:
    """Before a row is computed, and nothing is made for it."""
    for number, (statement, told) in enumerate(REFUSED.items()):
        database.spark.sql("CREATE " + statement.format(database.table(f"t{number}")))

        message = database.refused(name=f"t{number}", mode="append")

        assert told in message
        assert "Nothing was" in message
        assert not list(database.folder.glob(f"lake/t{number}.stoker/load-*"))


FACTS = TableFacts(
    location="s3://lake/orders",
    schema=StructType([StructField("id", LongType())]),
    partition_by=(),
    form="parquet",
    is_bucketed=False,
    is_transactional=False,
    lists_partitions=True,
    has_statistics=False,
    bounded=(),
)


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"form": "iceberg"}, "is a table of Iceberg, whose rows are changed by commits of its own"),
        ({"form": "delta"}, "is a table of Delta"),
        ({"form": "hive"}, "is a table of hive files"),
        ({"is_transactional": True}, "is a transactional table of Hive"),
        ({"partition_by": ("id",), "lists_partitions": False}, "ALTER TABLE `a`.`b` RECOVER PARTITIONS"),
    ],
)
def test_tables_of_other_programs_are_refused(facts: dict[str, Any], told: str) -> None:
    """By what a metastore says of them."""
    check_kind(TableName.parse("a.b"), FACTS)
    with pytest.raises(SinkError) as caught:
        check_kind(TableName.parse("a.b"), replace(FACTS, **facts))
    assert told in str(caught.value)


def test_a_database_that_is_not_there_is_told_with_close_names(database: Database) -> None:
    """And with the statement that makes it."""
    far = type(database)(database.name[:-1], database.spark, database.folder)
    message = far.refused()
    assert f"Did you mean '{database.name}'?" in message
    assert f"CREATE DATABASE `{far.name}`" in message


def test_partition_columns_keep_their_types(database: Database) -> None:
    """A catalogue cannot change them."""
    database.load(1, partition_by=["part"])
    by_text = database.refused(
        partition_by=["part"], transform=lambda rows: rows.withColumn("part", rows["part"].cast("string"))
    )
    assert "keep their types: part is int there and string here" in by_text


@pytest.mark.parametrize("place", ["s3://lake", "file:/", "/", "hdfs://nn"])
def test_a_place_that_has_nothing_beside_it_is_refused(place: str) -> None:
    """There would be no folder to stage in."""
    with pytest.raises(SinkError, match="a folder below it"):
        Home.of(TableName.parse("a.b"), place.rstrip("/"))


def test_the_rows_of_others_are_replaced_and_their_files_stay(database: Database) -> None:
    """A table that somebody else made: rows are added to it, or take its place; no file of others is removed."""
    name = database.table()
    database.spark.sql(f"CREATE TABLE {name} ({COLUMNS}) USING parquet")
    database.spark.sql(f"INSERT INTO {name} VALUES (1, 7, 7)")
    theirs = database.location()

    database.load(1, mode="append", parts=(1,))
    assert database.versions() == [(1, 1, 10), (7, 7, 1)]
    record = database.load(2, parts=(2,))
    database.load(3, parts=(3,))
    database.load(4, parts=(3,))

    assert database.versions() == [(3, 4, 10)]
    assert len(list(theirs.glob("*.parquet"))) == 2
    assert any(f"its former files stay in file:{theirs}" in text for text in record.pipelines[0].fallbacks)


@pytest.mark.faults
def test_columns_of_others_keep_what_is_said_of_them(database: Database) -> None:
    """`on_drift="add"` adds a column to the table, fills what is missing, and leaves comments alone."""
    name = database.table()
    database.spark.sql(f"CREATE TABLE {name} (id int COMMENT 'the key', part int, old string) USING parquet")
    database.spark.sql(f"INSERT INTO {name} VALUES (1, 7, 'x')")

    record = database.load(1, mode="append", parts=(1,), on_drift="add")

    assert record.pipelines[0].sinks[0].changes == [
        "column old string is missing and was filled with null",
        "column version int is new and was added",
    ]
    described = {row["col_name"]: row["comment"] for row in database.spark.sql(f"DESCRIBE {name}").collect()}
    assert described == {"id": "the key", "part": None, "old": None, "version": None}
    assert database.versions() == [(1, 1, 10), (7, None, 1)]
    replaced = database.load(2, parts=(1,))
    assert replaced.pipelines[0].sinks[0].changes == ["column old string is missing"]
    assert database.spark.newSession().table(name).columns == ["id", "part", "version"]
