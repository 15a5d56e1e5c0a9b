"""What is told when PostgreSQL cannot be read."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from postgres.reading import parts, planned, whole
from stoker import SourceError
from stoker.postgres.read.snapshot import Snapshot
from troubleshooting.page import assert_told

if TYPE_CHECKING:
    from pg8000.native import Connection

    from stoker.postgres.connections.connection import ConnectionInfo


def test_a_table_cannot_be_found(info: ConnectionInfo, db: Connection, schema: str) -> None:
    """Because it has a capital."""
    db.run(f'CREATE TABLE {schema}."Orders" (id int)')
    with pytest.raises(SourceError, match='"Orders"') as caught:
        whole(info, f"{schema}.Orders")
    assert_told("A table cannot be found", caught.value)


def test_a_value_that_spark_does_not_have(info: ConnectionInfo) -> None:
    """In a query."""
    with pytest.raises(SourceError) as caught:
        whole(info, query="SELECT 'infinity'::date AS day")
    assert_told("A value that Spark does not have", caught.value)


def test_a_snapshot_is_gone(info: ConnectionInfo) -> None:
    """Because it was released."""
    snapshot = Snapshot(info)
    plan = planned(snapshot, info, query="SELECT 1 AS a")
    snapshot.release()
    with pytest.raises(SourceError) as caught:
        parts(plan)
    assert_told("A snapshot is gone", caught.value)


def test_a_task_came_to_another_server(info: ConnectionInfo) -> None:
    """Its snapshot may be there or not."""
    snapshot = Snapshot(info)
    try:
        plan = planned(snapshot, info, query="SELECT 1 AS a")
        assert plan.task.shared is not None
        for changes in ({"identity": "1 2"}, {"identity": "1 2", "name": "00000000-00000000-1"}):
            elsewhere = dataclasses.replace(plan.task.shared, **changes)
            with pytest.raises(SourceError) as caught:
                parts(dataclasses.replace(plan, task=dataclasses.replace(plan.task, shared=elsewhere)))
            assert_told("A task came to another server", caught.value)
    finally:
        snapshot.release()
