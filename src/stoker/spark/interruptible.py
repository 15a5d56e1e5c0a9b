"""Work on Spark that Ctrl-C ends: a thread that waits inside py4j cannot hear it, and leaves its Spark jobs running."""

from __future__ import annotations

import contextlib
import logging
import secrets
import threading
import time
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import SparkSession

logger = logging.getLogger(__name__)

T = TypeVar("T")

_GRACE = 30.0
"""Seconds that the work has to clean up after Ctrl-C."""


def interruptible(spark: SparkSession, work: Callable[[Callable[[], bool]], T]) -> T:
    """Do the work in a thread of its own, with the local properties of this one, while this one listens.

    Args:
        spark: Whose jobs the work starts.
        work: Is given a function that says whether it should end.

    Raises:
        KeyboardInterrupt: After the work's Spark jobs were cancelled and it has ended; a second Ctrl-C does not wait for it.
        BaseException: What the work raised.
    """
    from pyspark import InheritableThread

    stop = threading.Event()
    answer: list[T] = []
    failure: list[BaseException] = []
    tag = f"stoker-{secrets.token_hex(6)}"

    def run() -> None:
        try:
            spark.sparkContext.addJobTag(tag)
            answer.append(work(stop.is_set))
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            failure.append(error)

    thread = InheritableThread(target=run, name="stoker-load", daemon=True)
    thread.start()
    try:
        _wait(thread, None)
    except KeyboardInterrupt as interrupt:
        logger.warning("interrupted: cancelling Spark's jobs")
        stop.set()
        _cancel(spark, tag)
        _wait(thread, _GRACE)
        if answer:
            interrupt.add_note(f"It came too late: {answer[0]}")
        raise
    if failure:
        raise failure[0]
    return answer[0]


def _wait(thread: threading.Thread, seconds: float | None) -> None:
    """Joined in slices, so that a signal is heard."""
    end = None if seconds is None else time.monotonic() + seconds
    while thread.is_alive() and (end is None or time.monotonic() < end):
        thread.join(timeout=0.2)


def _cancel(spark: Any, tag: str) -> None:
    def cancel() -> None:
        with contextlib.suppress(Exception):  # py4j raises many, and the JVM may be gone
            spark.sparkContext.cancelJobsWithTag(tag)

    # The JVM may not answer.
    thread = threading.Thread(target=cancel, name="stoker-cancel", daemon=True)
    thread.start()
    thread.join(timeout=5)
