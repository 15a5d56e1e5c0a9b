"""SIGTERM as an exception of the main thread, as Python has it for SIGINT."""

from __future__ import annotations

import contextlib
import signal
import threading
from typing import TYPE_CHECKING, NoReturn

from stoker.job.runner import TerminatedError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def signals_raise() -> Iterator[None]:
    """While it is open, SIGTERM raises `TerminatedError`. Does nothing outside of the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _terminate(number: int, frame: object) -> NoReturn:
    del frame
    raise TerminatedError(signal.Signals(number).name)
