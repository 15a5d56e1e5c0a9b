"""Which frames are nothing but Parquet files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stoker.spark.plain_files import plain_files

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession


@pytest.fixture
def folder(spark: SparkSession, tmp_path: Path) -> str:
    """Two files, in a folder whose name needs quoting in a URI."""
    path = tmp_path / "a b%20é=1"
    spark.range(0, 4, 1, 2).selectExpr("id", "CAST(id AS string) AS word").write.parquet(str(path))
    return str(path)


def test_all_rows_of_some_columns(spark: SparkSession, folder: str) -> None:
    """The files are named as they are, with the columns in the frame's order."""
    frame = spark.read.parquet(folder).select("word", "id")
    found = plain_files(frame)
    assert found is not None
    assert (found.form, found.base, found.schema) == ("parquet", folder, frame.schema)
    assert len(found.files) == 2
    assert all(name.startswith("part-") and name.endswith(".parquet") for name in found.files)
    assert plain_files(spark.read.parquet(folder)) is not None


@pytest.mark.parametrize(
    "change",
    [
        lambda frame: frame.where("id > 1"),
        lambda frame: frame.limit(1),
        lambda frame: frame.selectExpr("id + 1 AS id"),
        lambda frame: frame.withColumnRenamed("word", "term"),
        lambda frame: frame.union(frame),
        lambda frame: frame.distinct(),
        lambda frame: frame.repartition(3),
        lambda frame: frame.sparkSession.range(3),
        lambda frame: frame.cache(),
    ],
    ids=["filter", "limit", "computed", "renamed", "union", "distinct", "repartition", "range", "cache"],
)
def test_anything_else(spark: SparkSession, folder: str, change: Callable[[DataFrame], DataFrame]) -> None:
    """What Spark computes, or holds, is not in the files as it is."""
    frame = change(spark.read.parquet(folder))
    try:
        assert plain_files(frame) is None
    finally:
        frame.unpersist()


def test_other_places(spark: SparkSession, folder: str, tmp_path: Path) -> None:
    """Several folders, folders with values in their names, and other formats."""
    spark.range(2).selectExpr("id", "'x' AS word").write.parquet(str(tmp_path / "other"))
    assert plain_files(spark.read.parquet(folder, str(tmp_path / "other"))) is None
    spark.range(2).selectExpr("id", "id AS part").write.partitionBy("part").parquet(str(tmp_path / "parts"))
    assert plain_files(spark.read.parquet(str(tmp_path / "parts"))) is None
    spark.range(2).write.json(str(tmp_path / "json"))
    assert plain_files(spark.read.json(str(tmp_path / "json"))) is None
    assert plain_files(spark.read.parquet(folder).select("id", "_metadata.file_name")) is None
