"""Tasks that still run after their job was cancelled."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def wait_for_tasks(spark: SparkSession, seconds: float) -> None:
    """Wait until no task runs: a cancelled one goes on for a moment, and would write again what is cleaned too early.

    Args:
        spark: The session.
        seconds: The longest wait; tasks of other jobs in the session are waited for too.
    """
    deadline = time.monotonic() + seconds
    store = spark.sparkContext._jsc.sc().statusStore()  # noqa: SLF001 - no public way
    while time.monotonic() < deadline:
        executors = store.executorList(True)  # noqa: FBT003 - Java has no names for arguments
        if not any(executors.apply(position).activeTasks() for position in range(executors.size())):
            return
        time.sleep(0.1)
