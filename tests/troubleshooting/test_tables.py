"""What is told when a table of Spark's catalogue cannot be loaded or read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stoker import DefinitionError, SourceError, TransientError, read, write
from stoker.tables.answers import RefusedError
from stoker.tables.catalogue import Catalogue
from stoker.tables.names import TableName
from troubleshooting.page import assert_told

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from support.catalogue import Database


def refuse(*_: object) -> None:
    """In the place of a call to the catalogue."""
    raise RefusedError("no answer")


def test_there_is_no_such_table(database: Database) -> None:
    """A wrong name."""
    with pytest.raises(SourceError) as caught:
        database.read(read.table(database.table()))
    assert_told("There is no such table", caught.value)


def test_there_is_no_such_database(database: Database) -> None:
    """Nobody made it."""
    told = type(database)("no_such", database.spark, database.folder).refused()
    assert_told("There is no such database", told)


def test_a_table_without_a_database() -> None:
    """Told where it is declared."""
    with pytest.raises(DefinitionError) as caught:
        write.table("orders", mode="replace")
    assert_told("A table without its database", caught.value)


def test_the_catalogue_does_not_answer(spark: SparkSession) -> None:
    """Here it says that it has no such database, where there was one a moment before."""
    with pytest.raises(TransientError) as caught:
        Catalogue(spark, TableName.parse("no_such.rows")).default_location()
    assert_told("The catalogue does not answer", caught.value)


def test_a_table_is_of_another_format(database: Database) -> None:
    """Somebody made it as CSV."""
    database.spark.sql(f"CREATE TABLE {database.table()} (id int) USING csv")
    assert_told("A table of another format", database.refused())


def test_a_table_is_partitioned_otherwise(database: Database) -> None:
    """By no column."""
    database.spark.sql(f"CREATE TABLE {database.table()} (id int, part int, version int) USING parquet")
    assert_told("A table has other partition columns", database.refused(partition_by=["part"]))


def test_the_catalogue_refuses(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """To make the table."""
    monkeypatch.setattr(Catalogue, "create", refuse)
    assert_told("The catalogue refuses the new rows", database.refused())


def test_the_outcome_in_the_catalogue_is_unknown(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not answer any more."""

    def lose(*_: object) -> None:
        monkeypatch.setattr(Catalogue, "facts", refuse)
        refuse()

    monkeypatch.setattr(Catalogue, "create", lose)
    told = database.refused()
    monkeypatch.undo()
    assert_told("It is not known whether a table was published", told)
