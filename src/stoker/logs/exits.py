"""What would end a process without a line in the log."""

from __future__ import annotations

import contextlib
import faulthandler
import logging
import signal
import sys
import threading
from typing import TYPE_CHECKING, NoReturn

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
        # Python's own would show it once more, with its secrets.
        if before is not sys.__excepthook__ or not logger.hasHandlers():
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
        if before is not threading.__excepthook__:
            before(found)

    uncaught.stoker_owns = True  # type: ignore[attr-defined]
    return uncaught


def _ending(number: int, frame: object) -> None:
    """Nothing: the process ends already. To ignore the signal would be inherited by programs that it starts."""
