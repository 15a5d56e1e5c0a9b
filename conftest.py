"""The one Spark session of this repository's tests and its example's, which is the plugin's."""

from __future__ import annotations

import pytest

from stoker.spark.session import LOCAL_DEFAULTS


@pytest.fixture(scope="session")
def spark_settings() -> dict[str, str]:
    """Two cores, tasks that are tried again (local mode allows one failure), and beside that what a run has."""
    return {
        **LOCAL_DEFAULTS,
        "spark.master": "local[2,3]",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.adaptive.enabled": "true",
        "spark.sql.autoBroadcastJoinThreshold": "10MB",
    }
