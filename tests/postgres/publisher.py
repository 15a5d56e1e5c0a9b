"""A load without Spark."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql.types import LongType, StringType, StructField, StructType

from stoker.postgres.copy import copy_batches

if TYPE_CHECKING:
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
