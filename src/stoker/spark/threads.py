"""Threads that work with the JVM, so that the main one does not: inside py4j it cannot hear a signal."""

from __future__ import annotations

import contextlib
import contextvars
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def in_thread(work: Callable[[], T]) -> T:
    """Do it in a thread, so that the main thread hears signals meanwhile.

    Raises:
        BaseException: What the work raised.
    """
    answer, answering = answered(work)
    threading.Thread(target=answering, name="stoker-session", daemon=True).start()
    return answer.result()


def answered(work: Callable[[], T]) -> tuple[Future[T], Callable[[], None]]:
    """What a thread is to do, and what takes its answer, or what it raised.

    The answer is to be waited for, and not the thread: in Python 3.11 a signal during `join` makes a living thread count as ended.
    """
    answer: Future[T] = Future()
    context = contextvars.copy_context()  # what lines of the log say of where they are from

    def answering() -> None:
        try:
            answer.set_result(context.run(work))
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            answer.set_exception(error)

    return answer, answering


def start_inheriting(work: Callable[[], None], *, name: str, lost: Callable[[Exception], None]) -> threading.Thread:
    """Start a thread with Spark's local properties and the context variables of this one.

    Args:
        work: Does not raise.
        name: Of the thread.
        lost: Takes what PySpark raises around the work, where it copies and cleans up properties in the JVM, which may be gone.
    """
    from pyspark import InheritableThread

    context = contextvars.copy_context()
    thread = InheritableThread(target=lambda: context.run(work), name=name, daemon=True)
    inherited = thread.run

    def guarded() -> None:
        try:
            inherited()
        except Exception as error:  # noqa: BLE001 - py4j raises many
            lost(error)

    thread.run = guarded  # type: ignore[method-assign]
    thread.start()
    return thread


def cancel_jobs(spark: Any, tag: str) -> None:
    """Cancel Spark's jobs with a tag, as far as the JVM answers."""

    def cancel() -> None:
        with contextlib.suppress(Exception):  # py4j raises many
            spark.sparkContext.cancelJobsWithTag(tag)

    wait_briefly(cancel, name="stoker-cancel", seconds=5)


def wait_briefly(work: Callable[[], object], *, name: str, seconds: float) -> None:
    """Do it in a thread, and wait no longer than some seconds: the JVM may not answer."""
    thread = threading.Thread(target=work, name=name, daemon=True)
    thread.start()
    thread.join(timeout=seconds)
