"""A target that is dropped, or altered, between the sending of the rows and the publish."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from pyspark.sql import types as t

from stoker.errors import TransientError
from stoker.postgres.modes.choice import Mode
from stoker.postgres.sending.copy import copy_batches

if TYPE_CHECKING:
    from collections.abc import Callable

    from pg8000.native import Connection

    from stoker.postgres.connections.info import ConnectionInfo
    from stoker.postgres.loading import PostgresLoad

    Loads = Callable[..., PostgresLoad]

MODES = {
    "append": Mode("append"),
    "swap": Mode("replace"),
    "delete": Mode("replace", strategy="delete"),
    "truncate": Mode("replace", strategy="truncate"),
    "upsert": Mode("upsert", key=("id",)),
    "replace_partitions": Mode("replace_partitions", by=("id",)),
}
CHANGES = {
    "narrower": (
        "ALTER TABLE t ALTER v TYPE numeric(9,1)",
        r"'v', numeric\(9,2\) when the rows were sent, is numeric\(9,1\)",
    ),
    "gone": ("ALTER TABLE t DROP v", "'v', .* is not there any more"),
    "filled": (
        "ALTER TABLE t DROP v, ADD v numeric(9,2) GENERATED ALWAYS AS (id) STORED",
        r"'v', .* is numeric\(9,2\) and filled by the table",
    ),
    "a view": ("DROP TABLE t; CREATE VIEW t AS SELECT 1 AS id, 1.5 AS v", "replaced by something that is no table"),
}


@pytest.fixture
def staged(load: Loads, db: Connection, schema: str) -> Callable[[str], PostgresLoad]:
    """Two rows for a table that has one."""
    db.run(
        f"SET search_path = {schema}; CREATE TABLE t (id bigint PRIMARY KEY, v numeric(9,2)); INSERT INTO t VALUES (1, 0.5)"
    )

    def make(mode: str) -> PostgresLoad:
        one = load(mode=MODES[mode])
        kind = t.DecimalType(9, 2)
        one.prepare(t.StructType([t.StructField("id", t.LongType()), t.StructField("v", kind)]))
        values = pa.array([1.25, 2.75]).cast(pa.decimal128(9, 2))
        batch = pa.RecordBatch.from_arrays([pa.array([7, 8]), values], names=["a", "b"])
        transaction, rows = copy_batches(one.task, [batch], 0)
        one._report([(0, transaction, rows)])
        return one

    return make


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("mode", MODES)
def test_columns_that_are_altered_meanwhile(
    staged: Callable[[str], PostgresLoad], db: Connection, mode: str, change: str
) -> None:
    """The column is named, and nothing is rounded to what it has become: nothing is published, and trying again may do."""
    one = staged(mode)
    statement, told = CHANGES[change]
    db.run(statement)
    before = db.run("SELECT * FROM t")
    with pytest.raises(TransientError, match=told) as caught:
        one.publish()
    assert caught.value.state == "Nothing was published."
    assert db.run("SELECT * FROM t") == before


@pytest.mark.parametrize("mode", MODES)
def test_a_table_that_is_dropped_meanwhile(staged: Callable[[str], PostgresLoad], db: Connection, mode: str) -> None:
    """It is made again, as it would be by the next run; rows are added to no table that is not there."""
    one = staged(mode)
    db.run("DROP TABLE t")
    if mode == "append":
        with pytest.raises(TransientError, match="was dropped while the load went on"):
            one.publish()
        return
    assert one.publish() == 2
    assert db.run("SELECT id, v::text FROM t ORDER BY id") == [[7, "1.25"], [8, "2.75"]]


def test_a_column_that_is_altered_by_a_statement_of_the_users_own(load: Loads, db: Connection, schema: str) -> None:
    """What `before` does to the table counts too; what `after` does comes when the rows are there."""
    from stoker.postgres.options import LoadOptions

    db.run(f"CREATE TABLE {schema}.t (id bigint)")
    narrow = f"ALTER TABLE {schema}.t ALTER id TYPE int"
    for number, option in enumerate(("after", "before")):
        one = load(mode="append", run_id=f"run-{number}", options=LoadOptions.of("load", **{option: narrow}))  # type: ignore[arg-type]
        one.prepare(t.StructType([t.StructField("id", t.LongType())]))
        transaction, rows = copy_batches(one.task, [pa.RecordBatch.from_arrays([pa.array([7])], names=["a"])], 0)
        one._report([(0, transaction, rows)])
        if option == "after":
            assert one.publish() == 1
            db.run(f"ALTER TABLE {schema}.t ALTER id TYPE bigint")
        else:
            with pytest.raises(TransientError, match="'id', bigint when the rows were sent, is integer"):
                one.publish()
        one.discard()


def test_a_role_whose_server_quotes_all_names(load: Loads, info: ConnectionInfo, db: Connection, schema: str) -> None:
    """The types of a table that was just made are those that it was made with, however the server writes them."""
    db.run(f"ALTER ROLE {info.user} SET quote_all_identifiers = on")
    try:
        one = load(mode="replace_partitions", by=("day",))
        one.prepare(
            t.StructType([t.StructField("day", t.DateType()), t.StructField("days", t.ArrayType(t.DateType()))])
        )
        day = dt.date(2020, 1, 2)
        batch = pa.RecordBatch.from_arrays([pa.array([day]), pa.array([[day]])], names=["a", "b"])
        transaction, rows = copy_batches(one.task, [batch], 0)
        one._report([(0, transaction, rows)])
        assert one.publish() == 1
    finally:
        db.run(f"ALTER ROLE {info.user} RESET quote_all_identifiers")
