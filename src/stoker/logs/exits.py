"""What would end a process without a line in the log."""

from __future__ import annotations

import contextlib
import faulthandler
import logging
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, NoReturn

from stoker.logs.failures import trace_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import TypeAlias

    _ExceptHook: TypeAlias = Callable[[type[BaseException], BaseException, TracebackType | None], object]
    _ThreadHook: TypeAlias = Callable[[threading.ExceptHookArgs], object]

logger = logging.getLogger("stoker.uncaught")


def install() -> None:
    """Log exceptions that nobody catches, have a crash of the interpreter leave a trace, and SIGTERM raise.

    Does nothing for what is done. Hooks of others are called after ours.
    """
    if not hasattr(sys.excepthook, "stoker_owns"):
        sys.excepthook = _hook(sys.excepthook)
    if not hasattr(threading.excepthook, "stoker_owns"):
        threading.excepthook = _thread_hook(threading.excepthook)
    if not faulthandler.is_enabled():
        with contextlib.suppress(Exception):  # standard error may be closed, or no file
            faulthandler.enable()
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _terminate)


def _terminate(number: int, frame: object) -> NoReturn:
    """Raises and does nothing else: it may come in the middle of a line. The exit that follows is not disturbed by another one."""
    del frame
    signal.signal(number, _ending)
    raise SystemExit(128 + number)


def _hook(before: _ExceptHook) -> _ExceptHook:
    def uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            before(kind, error, trace)
            return
        logger.critical("the process ends by an exception", exc_info=(kind, error, trace))
        if before is sys.__excepthook__:
            _show(error)
        else:
            before(kind, error, trace)

    uncaught.stoker_owns = True  # type: ignore[attr-defined]
    return uncaught


def _thread_hook(before: _ThreadHook) -> _ThreadHook:
    def uncaught(found: threading.ExceptHookArgs) -> None:
        if issubclass(found.exc_type, SystemExit):
            return
        name = found.thread.name if found.thread else "unknown"
        error = found.exc_value or found.exc_type()
        logger.error("the thread %s ends by an exception", name, exc_info=(found.exc_type, error, found.exc_traceback))
        if before is threading.__excepthook__:
            _show(error)
        else:
            before(found)

    uncaught.stoker_owns = True  # type: ignore[attr-defined]
    return uncaught


def _show(error: BaseException) -> None:
    """In the place of Python's own trace, which would have secrets: nothing, if the line is on the console."""
    if not any(getattr(handler, "has_console", False) for handler in logging.getLogger().handlers):
        with contextlib.suppress(Exception):  # there may be no standard error
            print(trace_text(error), file=sys.stderr)  # noqa: T201 - as Python does


def _after_fork() -> None:
    """A child is ended by whoever started it, who may wait for that: by the signal, as if nobody had configured anything."""
    with contextlib.suppress(ValueError):  # not the main thread
        if signal.getsignal(signal.SIGTERM) in {_terminate, _ending}:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


os.register_at_fork(after_in_child=_after_fork)


def _ending(number: int, frame: object) -> None:
    """Nothing: the process ends already. To ignore the signal would be inherited by programs that it starts."""
