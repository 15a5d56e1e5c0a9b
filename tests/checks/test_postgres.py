"""Checks computed by PostgreSQL, on its staging table: they find what Spark finds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.cases import CASES, MORE, ROWS, SCHEMA
from stoker.checks.postgres import PostgresChecker
from stoker.postgres.loading import PostgresLoad
from stoker.postgres.modes.choice import Mode

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from stoker.checks import Measured
    from stoker.postgres.connections.connection import ConnectionInfo


EVERY = [*CASES, *MORE]


@pytest.fixture(scope="module")
def measured(spark: SparkSession, info: ConnectionInfo) -> list[Measured]:
    """All cases, computed together."""
    frame = spark.createDataFrame(ROWS, SCHEMA).repartition(2)
    load = PostgresLoad(info, "public.checked", mode=Mode("replace"), run_id="one", sink="sink")
    checks = [case.check for case in EVERY]

    def no_keys(_: object) -> DataFrame:
        raise AssertionError

    try:
        load.prepare(frame.schema)
        assert PostgresChecker(load.staged(), "warehouse", no_keys).mistakes(checks) == []
        load.stage(frame)
        return PostgresChecker(load.staged(), "warehouse", no_keys).measure(checks)
    finally:
        load.discard()


@pytest.mark.parametrize("at", range(len(EVERY)), ids=lambda at: str(EVERY[at]))
def test_violations(measured: list[Measured], at: int) -> None:
    """The number of violations, and the examples where there are few, are those that Spark finds."""
    EVERY[at].holds(measured[at])
