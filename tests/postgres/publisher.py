"""A load without Spark."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyspark.sql.types import LongType, StringType, StructField, StructType

from stoker.postgres.sending.copy import copy_batches

if TYPE_CHECKING:
    from pg8000.native import Connection

    from stoker.postgres.loading import PostgresLoad

SCHEMA = StructType([StructField("id", LongType()), StructField("run", StringType())])


def batch(ids: range, run_id: str | None) -> pa.RecordBatch:
    """Rows of one run."""
    runs = pa.array([run_id] * len(ids), pa.string())
    return pa.RecordBatch.from_arrays([pa.array(ids, pa.int64()), runs], names=["c0", "c1"])


def stage(load: PostgresLoad, run_id: str, *, partitions: int = 2, rows: int = 50) -> int:
    """Prepare, and stage what tasks would: some partitions, each by one attempt."""
    load.prepare(SCHEMA)
    told = []
    for partition in range(partitions):
        ids = range(partition * rows, (partition + 1) * rows)
        told.append((partition, *copy_batches(load.task, [batch(ids, run_id)], partition)))
    return load._report(told)


def schema_of(columns: str) -> StructType:
    """The schema of `id integer, name string`, without a session."""
    pairs = (each.strip().split(" ", 1) for each in columns.split(","))
    return StructType.fromJson(
        {"fields": [{"name": name, "type": kind, "nullable": True, "metadata": {}} for name, kind in pairs]}
    )


def insert(db: Connection, load: PostgresLoad, values: str) -> int:
    """Commit rows into the staging table, as a task's attempt does; answers the transaction that they are from."""
    db.run("START TRANSACTION")
    transaction = int(db.run("SELECT pg_current_xact_id()::xid::text")[0][0])
    db.run(f"INSERT INTO {load._plan().staging.table.sql} VALUES {values}")
    db.run("COMMIT")
    return transaction


def stage_values(load: PostgresLoad, db: Connection, columns: str, *parts: str) -> int:
    """Stage what tasks would: rows by SQL, each part by one attempt."""
    load.prepare(schema_of(columns))
    return load._report([(at, *put(load, db, part)) for at, part in enumerate(parts) if part])


def put(load: PostgresLoad, db: Connection, values: str) -> tuple[int, int]:
    """Rows that one attempt brings; answers its transaction and their number."""
    db.run("BEGIN")
    transaction = int(db.run("SELECT pg_current_xact_id()::xid::text")[0][0])
    db.run(f"INSERT INTO {load._plan().staging.table.sql} VALUES {values}")
    rows = db.row_count
    db.run("COMMIT")
    return transaction, rows


def changed_by(load: PostgresLoad, db: Connection, columns: str, *parts: str) -> dict[str, int]:
    """A whole load; answers how many rows it changed."""
    try:
        stage_values(load, db, columns, *parts)
        load.publish()
    finally:
        load.discard()
    return dict(load.changed)


def content(db: Connection, schema: str, columns: str = "*") -> list[list[Any]]:
    """The rows in the order of their first column."""
    rows: list[list[Any]] = db.run(f"SELECT {columns} FROM {schema}.t ORDER BY 1")
    return rows
