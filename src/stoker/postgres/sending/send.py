"""From a frame to the staging table: one Spark job whose tasks send what they compute."""

from __future__ import annotations

import contextlib
import itertools
import logging
from typing import TYPE_CHECKING, TypeAlias

from stoker.postgres.sending.batches import bounded, fast, guarded
from stoker.postgres.sending.copy import REPORT, WIDE, copy_function, copy_task, refusal
from stoker.postgres.sending.executors import not_importable
from stoker.postgres.types import as_sent, sent_type
from stoker.spark.data_files import UnreadableError
from stoker.spark.own_session import StaysError, planned_with

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

    from stoker.postgres.sending.copy import CopyTask
    from stoker.spark.data_files import DataFiles
    from stoker.spark.parquet import Piece

logger = logging.getLogger(__name__)

Told: TypeAlias = "list[tuple[int, int, int]]"
"""Partition, transaction and rows of each task that succeeded."""


def send(frame: DataFrame, schema: StructType, task: CopyTask) -> tuple[Told, str | None]:
    """Send the rows of a frame.

    Args:
        frame: The rows.
        schema: Its schema.
        task: What tasks are told.

    Returns:
        What the tasks told, and what a reader of the run record should know of the way.

    Raises:
        StokerError: What a task refused.
        Exception: What Spark raises for reasons of the frame's own.
    """
    batches = fast(frame.sparkSession, schema)
    if batches is None:
        return _told(frame, schema, task, None), None
    try:
        told = _told(planned_with(frame, batches.settings), schema, task, batches.widest)
        if not any(rows == WIDE for _, _, rows in told):
            return told, None
        note = f"sent twice, the second time in small batches, since rows have more than {batches.widest} bytes"
        logger.info("%s: %s", task.target, note)
        batches = bounded(frame.sparkSession)
        return _told(planned_with(frame, batches.settings), schema, task, None), note
    except StaysError as error:
        logger.info("%s is sent in batches as the session has them: %s", task.target, error)
        return _told(frame, schema, task, None), None


def _told(frame: DataFrame, schema: StructType, task: CopyTask, widest: int | None) -> Told:
    # By position and with plain names: pyspark reads a dot in a name as a path.
    plain = frame.toDF(*(f"c{at}" for at in range(len(task.columns))))
    sent = plain.select(
        *(
            as_sent(plain[name], field.dataType, target, binary=task.binary).alias(name)
            for name, field, target in zip(plain.columns, schema.fields, task.types, strict=True)
        )
    )
    if widest is not None:
        sent = guarded(sent, widest)
    with _refusals():
        rows = sent.mapInArrow(copy_function(task, is_guarded=widest is not None), REPORT).collect()
    return [(row["partition"], row["transaction"], row["rows"]) for row in rows]


def send_files(
    spark: SparkSession, files: DataFiles, schema: StructType, task: CopyTask, most: int | None = None
) -> Told:
    """Send the rows that are in files; the tasks read them themselves.

    Args:
        spark: The session.
        files: What a sink before this one has staged.
        schema: Of the frame.
        task: What tasks are told.
        most: How many tasks there are at most; None for as many as can run at once.

    Returns:
        What the tasks told.

    Raises:
        UnreadableError: If the tasks cannot read them.
        StokerError: What a task refused.
        Exception: What else happened in a task.
    """
    from pyspark.sql.pandas.types import to_arrow_type

    from stoker.spark.parquet import batches, pieces

    if not task.binary:
        raise UnreadableError("CSV is made of Spark's rows")
    for field, target in zip(schema.fields, task.types, strict=True):
        if sent_type(field.dataType, target) != field.dataType:
            raise UnreadableError(f"Spark converts {field.name!r}")
    types = [to_arrow_type(field.dataType) for field in schema.fields]
    names = schema.names
    context = spark.sparkContext
    work = pieces(files, types, most or context.defaultParallelism)

    def copy_pieces(shares: Iterable[list[Piece]]) -> Iterator[tuple[int, int, int]]:
        told = copy_task(task, itertools.chain.from_iterable(batches(share, names, types) for share in shares))
        if told is not None:
            yield told

    if not work:
        return []
    with _refusals():
        told: Told = context.parallelize(work, len(work)).mapPartitions(copy_pieces).collect()
    return told


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    """Raise what a task meant, and not what Spark makes of it."""
    try:
        yield
    except Exception as error:
        told = refusal(str(error)) or not_importable(str(error))
        if told is None:
            raise
        raise told from error
