"""Checks computed by Spark."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pyspark.sql import functions as F  # noqa: N812 - the name that all of PySpark uses

from checks.cases import CASES, MORE, ROWS, SCHEMA, Case
from stoker import check
from stoker.checks import keys
from stoker.checks.spark import SparkChecker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame, SparkSession

    from stoker.checks import Measured


def no_keys(_: object) -> DataFrame:
    """For checks that refer to nothing."""
    raise AssertionError


def measured(spark: SparkSession, cases: Sequence[Case]) -> list[Measured]:
    """Some cases, computed together."""
    checker = SparkChecker(spark.createDataFrame(ROWS, SCHEMA).repartition(2), no_keys)
    checks = [case.check for case in cases]
    assert checker.mistakes(checks) == []
    return checker.measure(checks)


@pytest.fixture(scope="module")
def of_each_kind(spark: SparkSession) -> list[Measured]:
    """One case of each kind."""
    return measured(spark, CASES)


@pytest.fixture(scope="module")
def of_all_kinds(spark: SparkSession) -> list[Measured]:
    """All the others."""
    return measured(spark, MORE)


@pytest.mark.smoke
@pytest.mark.parametrize("at", range(len(CASES)), ids=lambda at: str(CASES[at]))
def test_violations(of_each_kind: list[Measured], at: int) -> None:
    """The number of violations, and the examples where there are few."""
    CASES[at].holds(of_each_kind[at])


@pytest.mark.faults
@pytest.mark.parametrize("at", range(len(MORE)), ids=lambda at: str(MORE[at]))
def test_violations_of_every_type(of_all_kinds: list[Measured], at: int) -> None:
    """The same for whatever types, bounds and names there are."""
    MORE[at].holds(of_all_kinds[at])


@pytest.mark.parametrize(
    ("key", "type_name", "collected"),
    [
        ("id", "bigint", True),
        ("concat('k', id)", "string", True),
        ("concat('k', id)", "string", False),
        ("double(id) / 3", "double", True),
        pytest.param("id - 500", "int", True, marks=pytest.mark.faults),
        pytest.param("id * 1000000007", "bigint", True, marks=pytest.mark.faults),
        pytest.param("id * 1000000007", "bigint", False, marks=pytest.mark.faults),
        pytest.param("date_add(date'9999-12-01', int(id))", "date", True, marks=pytest.mark.faults),
        pytest.param("struct(id)", "struct<id:bigint>", True, marks=pytest.mark.faults),
    ],
)
def test_keys_are_compared_across_partitions(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch, key: str, type_name: str, *, collected: bool
) -> None:
    """Three of a thousand rows repeat a key that another partition has; whatever the type and the way, they are found."""
    monkeypatch.setattr(keys, "COLLECTED", 1000 if collected else 999)
    monkeypatch.setattr(keys, "_PARTITION", 100)
    ids = spark.range(0, 1000, 1, 3).selectExpr("CASE WHEN id > 996 THEN id - 990 ELSE id END AS id")
    frame = ids.selectExpr(f"CAST({key} AS {type_name}) AS key")
    [unique] = SparkChecker(frame, no_keys).measure([check.unique("key")])
    assert (unique.violations, unique.rows, len(unique.examples)) == (3, 1000, 3)


@pytest.mark.parametrize(
    ("rows", "limit", "collected"),
    [(1000, "1g", True), (16_000_001, "1g", False), (16_000_000, "100m", False), (16_000_000, "0", True)],
)
def test_what_the_driver_collects(spark: SparkSession, rows: int, limit: str, *, collected: bool) -> None:
    """As many hashes as its memory and `spark.driver.maxResultSize` have room for twice."""
    conf: Any = spark.sparkContext._jsc.sc().conf()
    key = keys.Key([F.col("key")], ["string"])
    key.told(rows, {})
    before = conf.get("spark.driver.maxResultSize", "1g")
    conf.set("spark.driver.maxResultSize", limit)
    try:
        assert key.is_collected(spark) == collected
    finally:
        conf.set("spark.driver.maxResultSize", before)


def test_keys_with_one_hash_are_not_equal(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where hashes repeat, the keys themselves decide."""
    monkeypatch.setattr(keys, "_hash", lambda columns: F.xxhash64(F.substring(columns[0], 1, 1)))
    frame = spark.createDataFrame([("ab",), ("ac",), ("bc",), ("bc",)], "key string")
    assert SparkChecker(frame.limit(3), no_keys).measure([check.unique("key")])[0].violations == 0
    assert SparkChecker(frame, no_keys).measure([check.unique("key")])[0].violations == 1


def test_a_column_in_a_struct(spark: SparkSession) -> None:
    """It is checked, and shown in examples, like any other."""
    frame = spark.sql("SELECT id, named_struct('city', IF(id = 1, NULL, 'Ulm'), 'a.b', id) AS address FROM range(3)")
    checks = [check.not_null("address.city"), check.unique("address.city"), check.between("address.a.b", 0, 1)]
    checker = SparkChecker(frame, no_keys)
    assert checker.mistakes(checks) == []
    null, twice, above = checker.measure(checks)
    assert null.examples == [{"address.city": None, "id": "1", "address": "{null, 1}"}]
    assert (twice.violations, twice.examples) == (1, [{"address.city": "Ulm", "count(*)": "2"}])
    assert above.examples[0]["address.a.b"] == "2"
