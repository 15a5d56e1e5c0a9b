"""One small Spark session for all tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from stoker.spark.session import obtain_session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import SparkSession

SETTINGS = {"spark.master": "local[1]", "spark.sql.shuffle.partitions": "1", "spark.sql.session.timeZone": "UTC"}


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """A session on one core, with the Java that `stoker run` would take."""
    session = obtain_session(SETTINGS, application="tests", scratch=tmp_path_factory.mktemp("spark"))
    yield session.spark
    session.stop()
