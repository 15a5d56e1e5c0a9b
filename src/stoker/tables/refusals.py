"""Tables that Stoker does not load, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stoker.errors import SinkError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql.types import StructField, StructType

    from stoker.tables.catalogue import TableFacts
    from stoker.tables.names import TableName

_OWN_COMMITS = {"delta", "hudi", "iceberg"}
_ANOTHER = "Give the name of another table, or of one that does not exist: it is made."


def check_kind(name: TableName, facts: TableFacts) -> None:
    """Refuse a table that cannot be loaded by changing where its rows are.

    Raises:
        SinkError: If it is one.
    """
    if facts.form == "view":
        raise _refused(name, "is a view, which has no rows of its own", "Load the table that it selects from.")
    if facts.form in _OWN_COMMITS:
        why = f"is a table of {facts.form.capitalize()}, whose rows are changed by commits of its own, which Stoker does not make"
        raise _refused(name, why, f"{_ANOTHER} Or write a sink of your own for it.")
    if facts.form != "parquet":
        raise _refused(name, f"is a table of {facts.form} files, and Stoker writes Parquet", _ANOTHER)
    if facts.is_transactional:
        raise _refused(name, "is a transactional table of Hive, whose files only Hive may change", _ANOTHER)
    if facts.is_bucketed:
        raise _refused(name, "is bucketed, and Stoker does not deal rows out to buckets", _ANOTHER)
    if facts.partition_by and not facts.lists_partitions:
        why = "is partitioned, and the catalogue does not know its partitions"
        raise _refused(name, why, f"Have it learn them: ALTER TABLE {name.sql} RECOVER PARTITIONS.")
    if facts.bounded:
        why = f"has columns of type CHAR or VARCHAR ({', '.join(facts.bounded)}), whose lengths Stoker does not watch"
        raise _refused(name, why, "Make them STRING, and hold the length by a check of the sink.")


def check_partitioning(name: TableName, facts: TableFacts, partition_by: Sequence[str]) -> None:
    """Refuse other partition columns: a table keeps them for life.

    Raises:
        SinkError: If they differ.
    """
    if list(facts.partition_by) != list(partition_by):
        there = f"partitioned by {list(facts.partition_by)}" if facts.partition_by else "not partitioned"
        raise SinkError(
            f"{name} is {there}, and partition_by= is {list(partition_by)}.",
            state="Nothing was written.",
            next_step=f"Write partition_by={list(facts.partition_by)}, or drop the table first.",
        )


def check_partition_types(name: TableName, facts: TableFacts, schema: StructType) -> None:
    """Refuse other types of partition columns.

    Args:
        name: The table.
        facts: What the catalogue says of it.
        schema: The columns of its rows after the publish.

    Raises:
        SinkError: If they differ.
    """
    pairs = [(column, _type(facts.schema, column), _type(schema, column)) for column in facts.partition_by]
    wrong = [f"{column} is {there} there and {here} here" for column, there, here in pairs if there != here]
    if wrong:
        raise SinkError(
            f"The partition columns of {name} keep their types: {'; '.join(wrong)}.",
            state="Nothing was written.",
            next_step="Convert them in the transformer, or drop the table first.",
        )


def _type(schema: StructType, column: str) -> str:
    found: StructField = schema[column]
    return found.dataType.simpleString()


def _refused(name: TableName, why: str, next_step: str) -> SinkError:
    return SinkError(f"{name} {why}.", state="Nothing was written.", next_step=next_step)
