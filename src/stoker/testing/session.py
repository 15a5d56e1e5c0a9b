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
    # Two cores share a few rows in the time that it takes to start a second task.
    "spark.master": "local[1]",
    # Else each shuffle of three rows has 200 tasks, or a look at 200 empty blocks.
    "spark.sql.shuffle.partitions": "1",
    # The same answers on every machine.
    "spark.sql.session.timeZone": "UTC",
}
"""Beside the defaults of a local session (no web interface, 127.0.0.1 only, a JVM for short runs); what each is worth is
measured by `benchmarks/testing_settings.py`."""


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
