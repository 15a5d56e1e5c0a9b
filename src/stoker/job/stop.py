"""How runs in other threads are asked to end, as a signal asks the one of the main thread."""

from __future__ import annotations


class Stop:
    """Asked once, seen by every run that was given it."""

    def __init__(self) -> None:
        self.signal: str | None = None
        """`SIGINT` or `SIGTERM` once it is asked."""

    def ask(self, signal: str) -> None:
        """Ask them to end: Spark's jobs are cancelled, a publish that is decided is finished."""
        self.signal = signal
