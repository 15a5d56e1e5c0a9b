"""The sessions of the tests, made from the plugin's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# What the answers must not depend on: the session's time zone, ANSI mode, what `timestamp` means by default.
SETTINGS = {
    "utc, ansi": ("UTC", "true", "TIMESTAMP_LTZ"),
    "kathmandu, not ansi": ("Asia/Kathmandu", "false", "TIMESTAMP_NTZ"),
}


@pytest.fixture(params=list(SETTINGS.values()), ids=list(SETTINGS))
def session(spark: SparkSession, request: pytest.FixtureRequest) -> SparkSession:
    """A session with settings of its own on the plugin's context: each test runs once with each of them."""
    zone, ansi, timestamps = request.param
    session = spark.newSession()
    session.conf.set("spark.sql.session.timeZone", zone)
    session.conf.set("spark.sql.ansi.enabled", ansi)
    session.conf.set("spark.sql.timestampType", timestamps)
    return session
