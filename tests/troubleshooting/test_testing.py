"""What the plugin tells in tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stoker import Pipeline, UsageError, place, read
from stoker.testing import assert_frames_equal, frame, run_pipeline
from stoker.testing.budget import Budget
from troubleshooting.page import assert_told

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession


def test_wrong_tables_inputs_and_frames(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each by its first words."""
    rows = frame(spark, "id:int\n1")
    pipeline = Pipeline("p", extract={"rows": read.csv(place("source") / "rows.csv", schema="id int")})
    with pytest.raises(UsageError) as caught:
        frame(spark, "id:int\nx")
    assert_told("A table of text is wrong", caught.value)
    with pytest.raises(UsageError) as caught:
        run_pipeline(pipeline, {"row": rows})
    assert_told("An unknown input", caught.value)
    monkeypatch.setattr(spark.sparkContext, "_jsc", None)
    with pytest.raises(UsageError) as caught:
        assert_frames_equal(rows, "id\n1")
    assert_told("A frame of another session", caught.value)


def test_too_many_jobs(spark: SparkSession, tmp_path: Path) -> None:
    """As the plugin counts them."""
    with Budget(0, tmp_path) as budget:
        spark.range(1).collect()
    assert_told("Too many Spark jobs", budget.exceeded())
