"""Work on Spark that Ctrl-C ends: a thread that waits inside py4j cannot hear it, and leaves its Spark jobs running."""

from __future__ import annotations

import contextlib
import logging
import secrets
import threading
from concurrent.futures import Future, wait
from typing import TYPE_CHECKING, Any, TypeVar

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
    from pyspark import InheritableThread

    stop = threading.Event()
    # It is waited for, and not the thread: in Python 3.11 a signal during `join` makes a living thread count as ended.
    answer: Future[T] = Future()
    tag = f"stoker-{secrets.token_hex(6)}"

    def run() -> None:
        try:
            spark.sparkContext.addJobTag(tag)
            answer.set_result(work(stop.is_set))
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            answer.set_exception(error)

    thread = InheritableThread(target=run, name="stoker-load", daemon=True)
    inherited = thread.run

    def guarded() -> None:
        # Around our work, PySpark copies and cleans up properties in the JVM, which may be gone.
        try:
            inherited()
        except Exception as error:  # noqa: BLE001 - py4j raises many
            if not answer.done():
                answer.set_exception(error)

    thread.run = guarded  # type: ignore[method-assign]
    thread.start()
    try:
        return answer.result()
    except KeyboardInterrupt as interrupt:
        logger.warning("interrupted: cancelling Spark's jobs")
        stop.set()
        _cancel(spark, tag)
        try:
            wait([answer])
        except KeyboardInterrupt as second:
            second.add_note("Nobody waited for what was going on; it may still be done.")
            raise
        if answer.exception() is None:
            interrupt.add_note(f"It came too late: {answer.result()}")
        raise


def _cancel(spark: Any, tag: str) -> None:
    def cancel() -> None:
        with contextlib.suppress(Exception):  # py4j raises many, and the JVM may be gone
            spark.sparkContext.cancelJobsWithTag(tag)

    # The JVM may not answer.
    thread = threading.Thread(target=cancel, name="stoker-cancel", daemon=True)
    thread.start()
    thread.join(timeout=5)
