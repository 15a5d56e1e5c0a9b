"""Threads have the fields of the code that started them.

Python gives a new thread no context (coroutines have it). So that nobody has to think of it, what starts threads hands over the
fields of the log, and nothing else.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import thread as pools
from functools import wraps
from typing import TYPE_CHECKING, Any

from stoker.logs.context import carried

if TYPE_CHECKING:
    from collections.abc import Callable


def install() -> None:
    """From now on; does nothing if it is done."""
    if not hasattr(threading.Thread.start, "stoker_owns"):
        threading.Thread.start = _starting(threading.Thread.start)  # type: ignore[method-assign, assignment]
        ThreadPoolExecutor.submit = _submitting(ThreadPoolExecutor.submit)  # type: ignore[method-assign]


def _starting(start: Callable[[threading.Thread], None]) -> Callable[[threading.Thread], None]:
    @wraps(start)
    def started(thread: threading.Thread) -> None:
        # A pool's thread works for many: each piece of work brings its own.
        if getattr(thread, "_target", None) is not pools._worker:  # noqa: SLF001 - there is no public sign
            thread.run = carried(thread.run)  # type: ignore[method-assign]
        start(thread)

    started.stoker_owns = True  # type: ignore[attr-defined]
    return started


def _submitting(submit: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(submit)
    def submitted(pool: ThreadPoolExecutor, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        return submit(pool, carried(work), *args, **kwargs)

    return submitted
