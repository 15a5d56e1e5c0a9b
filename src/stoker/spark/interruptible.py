"""Work on Spark that Ctrl-C ends: a thread that waits inside py4j cannot hear it, and leaves its Spark jobs running."""

from __future__ import annotations

import logging
import secrets
import threading
from concurrent.futures import wait
from typing import TYPE_CHECKING, TypeVar

from stoker.spark.threads import answered, cancel_jobs, start_inheriting

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import SparkSession

logger = logging.getLogger(__name__)

T = TypeVar("T")


def interruptible(spark: SparkSession, work: Callable[[Callable[[], bool]], T]) -> T:
    """Do the work in a thread of its own, with the local properties of this one, while this one listens.

    Args:
        spark: Whose jobs the work starts.
        work: Is given a function that says whether it should end.

    Raises:
        KeyboardInterrupt: After the work's Spark jobs were cancelled and it has ended; a second Ctrl-C does not wait for it. A
            note says if the work was done all the same.
        BaseException: What the work raised.
    """
    stop = threading.Event()
    tag = f"stoker-{secrets.token_hex(6)}"

    def tagged() -> T:
        spark.sparkContext.addJobTag(tag)
        return work(stop.is_set)

    answer, answering = answered(tagged)

    def lost(error: Exception) -> None:
        if not answer.done():
            answer.set_exception(error)

    start_inheriting(answering, name="stoker-load", lost=lost)
    try:
        return answer.result()
    except KeyboardInterrupt as interrupt:
        logger.warning("interrupted: cancelling Spark's jobs")
        stop.set()
        cancel_jobs(spark, tag)
        try:
            wait([answer])
        except KeyboardInterrupt as second:
            second.add_note("Nobody waited for what was going on; it may still be done.")
            raise
        if answer.exception() is None:
            interrupt.add_note(f"It came too late: {answer.result()}")
        raise
