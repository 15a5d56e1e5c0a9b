"""Checks computed by Spark."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.cases import CASES, ROWS, SCHEMA
from stoker.checks.spark import SparkChecker

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from stoker.checks import Measured


def no_keys(_: object) -> DataFrame:
    """For checks that refer to nothing."""
    raise AssertionError


@pytest.fixture(scope="module")
def measured(spark: SparkSession) -> list[Measured]:
    """All cases, computed together."""
    checker = SparkChecker(spark.createDataFrame(ROWS, SCHEMA).repartition(2), no_keys)
    checks = [case.check for case in CASES]
    assert checker.mistakes(checks) == []
    return checker.measure(checks)


@pytest.mark.parametrize("at", range(len(CASES)), ids=lambda at: str(CASES[at]))
def test_violations(measured: list[Measured], at: int) -> None:
    """The number of violations, and the examples where there are few."""
    CASES[at].holds(measured[at])
