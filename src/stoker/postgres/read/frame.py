"""From a declaration to a frame; nothing is read until Spark computes it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from stoker.errors import TransientError
from stoker.failpoints import failpoint
from stoker.postgres.connections.connection import connect_patiently, cut
from stoker.postgres.read.failures import UNREAD, reading
from stoker.postgres.read.plan import make_plan
from stoker.postgres.read.snapshot import BEGIN, settle
from stoker.postgres.read.task import read_function
from stoker.spark.decimals import with_decimals

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from stoker.postgres.read.plan import Means, ReadPlan
    from stoker.postgres.read.snapshot import Snapshot
    from stoker.postgres.read.task import ReadTask
    from stoker.postgres.read.wanted import Wanted

_LOOKS = 5
"""At tables that are emptied or replaced again and again."""


def under_snapshot(snapshot: Snapshot, wanted: Wanted, means: Means) -> ReadPlan:
    """The plan of a read under a snapshot.

    Args:
        snapshot: The driver's, which other reads of the pipeline may share.
        wanted: What is asked for.
        means: What there is to read it with.

    Raises:
        SourceError: As `make_plan`.
        TransientError: As `make_plan`, or if a table was emptied or replaced when other frames had the snapshot already.
    """
    for _ in range(_LOOKS):
        with reading(wanted.what):
            failpoint("postgres.read.plan")
            with snapshot.look() as connection:
                plan = make_plan(connection, wanted, replace(means, info=snapshot.info))
            changed = snapshot.changed()
            if not changed:
                snapshot.uses += 1
                return replace(plan, task=replace(plan.task, shared=snapshot.shared))
            if snapshot.uses:
                break
            snapshot.renew()
    raise TransientError(
        f"{wanted.what} cannot be read: {', '.join(changed)} was emptied or replaced (TRUNCATE, a swap, VACUUM FULL) after "
        "the snapshot was taken, under which its rows cannot be seen any more.",
        state=UNREAD,
        next_step="Run again.",
    )


def without_snapshot(wanted: Wanted, means: Means) -> ReadPlan:
    """The plan of a read of what is there when it is computed.

    Raises:
        SourceError: As `make_plan`.
        TransientError: As `make_plan`.
    """
    connection = connect_patiently(means.info, means.patience.stopped)
    try:
        with reading(wanted.what):
            connection.run(BEGIN)
            settle(connection, means.info)
            return make_plan(connection, wanted, means)
    finally:
        cut(connection)


def frame(spark: SparkSession, task: ReadTask) -> DataFrame:
    """The rows; a task of Spark reads each part when they are computed."""
    short = {at: column for at, column in enumerate(task.columns) if column.form.name == "numeric"}
    if short:
        columns = (
            replace(each, form=each.form.whole()) if at in short else each for at, each in enumerate(task.columns)
        )
        decimals = {at: (column.form.precision, column.form.scale) for at, column in short.items()}
        made = with_decimals(_mapped(spark, replace(task, columns=tuple(columns))), decimals)
        if made is not None:
            return made
    return _mapped(spark, task)


def _mapped(spark: SparkSession, task: ReadTask) -> DataFrame:
    columns = ", ".join(f"`{column.name.replace('`', '``')}` {column.form.arrow}" for column in task.columns)
    parts = len(task.conditions)
    return spark.range(0, parts, 1, parts).mapInArrow(read_function(task), columns)
