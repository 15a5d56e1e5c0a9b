"""Reads without Spark: the plan of the driver, and the parts as a task reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from stoker.postgres.names import LoadTarget
from stoker.postgres.read.frame import under_snapshot
from stoker.postgres.read.plan import Means
from stoker.postgres.read.snapshot import Snapshot
from stoker.postgres.read.task import rows_of_part
from stoker.postgres.read.wanted import Wanted
from stoker.postgres.waiting import Patience

if TYPE_CHECKING:
    from stoker.postgres.connections.connection import ConnectionInfo
    from stoker.postgres.read.plan import ReadPlan


def planned(snapshot: Snapshot, info: ConnectionInfo, table: str | None = None, **wanted: Any) -> ReadPlan:
    """The plan of a read, with two tasks at a time."""
    target = None if table is None else LoadTarget.parse(table)
    return under_snapshot(snapshot, Wanted(target, **wanted), Means(info, 2, Patience(0.1)))


def parts(plan: ReadPlan) -> list[list[dict[str, Any]]]:
    """The rows of each part."""
    return [
        [row for batch in rows_of_part(plan.task, number) for row in batch.to_pylist()]
        for number in range(len(plan.task.conditions))
    ]


def whole(info: ConnectionInfo, table: str | None = None, **wanted: Any) -> list[dict[str, Any]]:
    """All rows, in the order of the parts."""
    snapshot = Snapshot(info)
    try:
        return [row for part in parts(planned(snapshot, info, table, **wanted)) for row in part]
    finally:
        snapshot.release()


def arrow(info: ConnectionInfo, query: str) -> pa.Table:
    """The rows of a query that is not empty."""
    snapshot = Snapshot(info)
    try:
        plan = planned(snapshot, info, query=query)
        return pa.Table.from_batches(list(rows_of_part(plan.task, 0)))
    finally:
        snapshot.release()
