"""The Spark session of tests: one for the process, as small as it gets."""

from __future__ import annotations

import contextlib
import logging
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from stoker.spark.session import obtain_session

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pyspark.sql import SparkSession

logger = logging.getLogger(__name__)

SETTINGS = {
    # A few rows are one task; a second core has nothing to do.
    "spark.master": "local[1]",
    # Else each shuffle of three rows has 200 tasks.
    "spark.sql.shuffle.partitions": "1",
    # Else each shuffle and each side of a join that is small enough is a job of its own. So an action is one job.
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.autoBroadcastJoinThreshold": "-1",
    # Else PySpark notes the line of each call that makes a column, with three calls into the JVM; errors lack that line.
    "spark.python.sql.dataFrameDebugging.enabled": "false",
    # Nothing is called often enough to be worth the optimising compiler.
    "spark.driver.defaultJavaOptions": "-XX:+IgnoreUnrecognizedVMOptions -XX:+UseSerialGC -XX:TieredStopAtLevel=1",
    # Else code is generated and compiled for each query, most of which a test runs once.
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    # Not for speed: the same answers on every machine.
    "spark.sql.session.timeZone": "UTC",
}
"""Beside those of a local session: no web interface, 127.0.0.1 only. `benchmarks/testing_settings.py` measures what each is worth."""


@contextlib.contextmanager
def testing_session(settings: Mapping[str, str]) -> Iterator[SparkSession]:
    """A session with its warehouse in a temporary folder; both are gone at the end.

    If a session is active already, that one is used as it is, and not stopped.

    Args:
        settings: Win over `SETTINGS`.

    Raises:
        MissingExtraError: If pyspark is not installed.
        ConfigurationError: If Java or Spark cannot be started.
    """
    folder = Path(tempfile.mkdtemp(prefix="stoker-spark-"))
    try:
        own = {"spark.sql.warehouse.dir": str(folder / "warehouse")}
        session = obtain_session({**SETTINGS, **own, **settings}, application="tests", scratch=folder)
        if not session.ours:
            logger.warning("a Spark session was active before the fixture `spark`: it is used, with its own settings")
        yield session.spark
        session.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
