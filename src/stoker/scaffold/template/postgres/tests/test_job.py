"""The whole job, from the sample files to what its readers see."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from stoker.postgres import embedded

from project_name.pipelines import job

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import SparkSession

SERVER = Path(__file__).parent.parent / ".stoker" / "testing" / "postgres"


@pytest.fixture(autouse=True)
def _server_is_stopped() -> Iterator[None]:
    """The run starts it; the data stay."""
    yield
    embedded.stop(SERVER)


def test_the_sample_files_give_the_revenue_of_each_day(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the environment `testing`, with a lake of this test's own."""
    monkeypatch.setenv("STOKER_PLACES__LAKE", str(tmp_path))

    record = job.run(spark=spark, environment="testing")

    assert record.state == "succeeded", record.to_json()
    assert record.pipeline("orders").rows_written == 6
    assert [sink.rows for sink in record.pipeline("daily_revenue").sinks] == [3, 3]
    days = spark.read.parquet(str(tmp_path / "daily_revenue")).orderBy("day").collect()
    assert [(row.day.day, row.orders, row.revenue) for row in days] == [
        (1, 2, Decimal("30.50")),
        (2, 2, Decimal("115.25")),
        (3, 2, Decimal("92.00")),
    ]
