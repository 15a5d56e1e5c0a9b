"""The one Spark session of this repository's tests and its example's, which is the plugin's."""

from __future__ import annotations

import os

import pytest

from stoker.spark.session import LOCAL_DEFAULTS


@pytest.fixture(scope="session")
def spark_settings() -> dict[str, str]:
    """Two cores, tasks that are tried again (local mode allows one failure), and beside that what a run has.

    With `TEST_METASTORE` the catalogue is not in memory, but a metastore of Hive's classes in that folder.
    """
    folder = os.environ.get("TEST_METASTORE")
    metastore = {
        "spark.sql.catalogImplementation": "hive",
        "spark.hadoop.javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={folder}/metastore;create=true",
        "spark.driver.extraJavaOptions": f"-Dderby.system.home={folder}",
    }
    return {
        **LOCAL_DEFAULTS,
        "spark.master": "local[2,3]",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.adaptive.enabled": "true",
        "spark.sql.autoBroadcastJoinThreshold": "10MB",
        **(metastore if folder else {}),
    }
