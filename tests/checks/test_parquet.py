"""Checks that staged Parquet files prove to hold, and those that they leave to Spark."""

from __future__ import annotations

import random
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest

from checks.cases import CASES, MORE, ROWS, SCHEMA
from checks.test_spark import no_keys
from stoker import check
from stoker.checks.hashes import LONGEST, TooLongError, hashes
from stoker.checks.parquet import ParquetChecker
from stoker.checks.proof import proven
from stoker.checks.spark import SparkChecker
from stoker.spark.data_files import DataFiles
from support.parquet_files import written

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pyspark.sql import SparkSession

    from stoker import Check
    from stoker.checks import Measured


ALL = [*CASES, *MORE]


@pytest.fixture(scope="module")
def found(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> list[Measured]:
    """All cases, computed together on files."""
    frame = spark.createDataFrame(ROWS, SCHEMA).repartition(2)
    files = written(frame, tmp_path_factory.mktemp("cases") / "t")
    return ParquetChecker(files, 2, SparkChecker(frame, no_keys)).measure([case.check for case in ALL])


@pytest.mark.faults
@pytest.mark.parametrize("at", range(len(ALL)), ids=lambda at: str(ALL[at]))
def test_violations(found: list[Measured], at: int) -> None:
    """The same is found, by whatever way."""
    ALL[at].holds(found[at])


def holding(files: DataFiles, *checks: Check) -> list[bool]:
    """Which checks are proven."""
    _, known = proven(files, dict(enumerate(checks)), 2)
    return [at in known for at in range(len(checks))]


def test_what_is_proven(spark: SparkSession, tmp_path: Path) -> None:
    """Checks of plain columns, with nulls in them, in the folders' names too; and nothing that another row violates."""
    frame = spark.range(1000).selectExpr(
        "id",
        "int(id % 7) AS day_number",
        "IF(id % 3 = 0, NULL, concat('key ', id)) AS text",
        "IF(id % 3 = 0, NULL, date_add(date'2024-01-01', int(id % 9))) AS day",
        "timestamp_micros(id) AS seen",
        "CAST(id AS decimal(9,2)) AS fare",
        "concat('p', id % 2) AS part",
    )
    files = written(frame, tmp_path / "t", partitionBy=["part"])
    low, high = date(2024, 1, 1), date(2024, 1, 9)
    right = [
        check.not_null("id"),
        check.not_null("fare"),
        check.not_null("part"),
        check.unique("id"),
        check.unique("text"),
        check.unique("seen"),
        check.unique("day", "text"),
        check.unique("day_number", "seen", "part"),
        check.values("day_number", list(range(7))),
        check.values("part", ["p0", "p1"]),
        check.between("day", low, high),
        check.between("id", -0.5, Decimal("999.0")),
    ]
    wrong = [
        check.not_null("text"),
        check.unique("day_number"),
        check.unique("day", "part"),
        check.values("day_number", [0, 1, 2]),
        check.values("part", ["p0"]),
        check.between("day", low, date(2024, 1, 8)),
        check.between("id", 1, None),
    ]
    assert holding(files, *right) == [True] * len(right)
    assert holding(files, *wrong) == [False] * len(wrong)
    assert holding(files, *wrong, *right) == [False] * len(wrong) + [True] * len(right)


def test_what_is_left_to_spark(spark: SparkSession, tmp_path: Path) -> None:
    """What is equal in a way of its own, what is not compared by value, and what no column of the file is called."""
    frame = spark.sql(
        "SELECT 0.0D AS d, named_struct('x', 1) AS s, 'a' AS `s.x`, array(1) AS l, repeat('x', 200) AS long"
    )
    files = written(frame, tmp_path / "t")
    checks = [
        check.unique("d"),
        check.between("d", 0, 1),
        check.values("d", [0.0]),
        check.not_null("s"),
        check.not_null("s.x"),
        check.unique("l"),
        check.unique("long"),
        check.expression("true"),
    ]
    assert holding(files, *checks) == [False] * len(checks)


def test_a_text_with_a_collation(spark: SparkSession, tmp_path: Path) -> None:
    """Two that differ may be equal there."""
    if spark.version < "4":
        pytest.skip("Spark 3.5 has no collations")
    frame = spark.createDataFrame([("a",), ("A",)], "t string").selectExpr("t COLLATE UTF8_LCASE AS t")
    assert holding(written(frame, tmp_path / "t"), check.unique("t"), check.values("t", ["a"])) == [False, False]


def test_no_rows_and_no_files(spark: SparkSession, tmp_path: Path) -> None:
    """Every check holds for none."""
    checks = [check.not_null("id"), check.unique("id"), check.between("id", 1, 2), check.values("id", [1])]
    files = written(spark.range(0), tmp_path / "t")
    assert holding(files, *checks) == [True] * 4
    assert proven(DataFiles("parquet", files.base, (), files.schema), dict(enumerate(checks)), 2) == (0, {0, 1, 2, 3})


def test_files_that_are_not_here(spark: SparkSession) -> None:
    """Spark computes all."""
    frame = spark.range(3)
    files = DataFiles("parquet", "s3://lake/t", ("a.parquet",), frame.schema)
    [unique] = ParquetChecker(files, 2, SparkChecker(frame, no_keys)).measure([check.unique("id")])
    assert (unique.violations, unique.rows) == (0, 3)


def test_more_keys_than_are_compared_here(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their hashes would not have room."""
    monkeypatch.setattr("stoker.checks.proof.COLLECTED", 9)
    assert holding(written(spark.range(9), tmp_path / "a"), check.unique("id")) == [True]
    assert holding(written(spark.range(10), tmp_path / "b"), check.unique("id")) == [False]


def equal(array: pa.Array) -> int:
    """How many hashes there are."""
    return len(np.unique(hashes([array])))


def test_hashes_of_texts() -> None:
    """Different texts have different hashes, whatever they begin with, contain or end with; equal ones equal."""
    texts = [b"", b"\0", b"\0\0", b"a", b"a\0", b"12345678", b"12345678\0", b"123456789", b"x" * LONGEST]
    assert equal(pa.array(texts)) == len(texts)
    given = random.Random(1)  # noqa: S311 - no secret
    many = {given.randbytes(given.randrange(40)) for _ in range(20_000)}
    array = pa.array([*many, *many])
    assert equal(array) == len(many)
    # A part of an array begins elsewhere in its buffers.
    assert list(hashes([array.slice(7, 50)])) == list(hashes([array]))[7:57]
    with pytest.raises(TooLongError):
        hashes([pa.array(["x" * (LONGEST + 1)])])


@pytest.mark.parametrize("orders", [([1, 2], [2, 1]), ([0, 1], [1, 0]), (["a", "b"], ["b", "a"])])
def test_hashes_of_keys_of_two_columns(orders: tuple[Sequence[object], Sequence[object]]) -> None:
    """The columns' order counts."""
    found = hashes([pa.array(each) for each in orders])
    assert found[0] != found[1]
