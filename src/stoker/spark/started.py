"""The jobs that a Spark context has started, as its scheduler numbers them: no job, no listener.

It is no public interface, and the same from Spark 3.5 to 4.1.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark import SparkContext

_PATIENCE = 2000
"""Milliseconds to wait for the listener that fills the store."""


@dataclass(frozen=True)
class StartedJob:
    """One job."""

    number: int
    submitted: float
    """Seconds since 1970, to the millisecond."""


def count_jobs(context: SparkContext) -> int:
    """How many jobs were started, also those that go on and those that Spark no longer shows."""
    java: Any = context._jsc  # noqa: SLF001 - PySpark has no public way
    return int(java.sc().dagScheduler().numTotalJobs())


def jobs_from(context: SparkContext, number: int) -> list[StartedJob]:
    """The jobs from a number on, as far as Spark still shows them."""
    from py4j.protocol import Py4JJavaError

    scala = context._jsc.sc()  # noqa: SLF001 - as above
    with contextlib.suppress(Py4JJavaError):  # a TimeoutException: what is there is told
        scala.listenerBus().waitUntilEmpty(_PATIENCE)
    store, found = scala.statusStore(), []
    for each in range(number, count_jobs(context)):
        try:
            submitted = store.job(each).submissionTime()
        except Py4JJavaError:  # NoSuchElementException
            continue
        if submitted.isDefined():
            found.append(StartedJob(each, submitted.get().getTime() / 1000))
    return found
