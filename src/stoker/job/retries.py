"""Trying a pipeline again after an error that may pass."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stoker.errors import InterruptedRunError, TransientError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

LONGEST = 300.0
"""Seconds: no wait is longer."""


@dataclass(frozen=True)
class Retries:
    """How often, and after how long."""

    most: int
    """Tries after the first."""
    base: float
    """Seconds of the first wait, about; each is twice as long as the one before."""

    def wait(self, number: int) -> float:
        """The seconds after the try of that number, from 1. A random part lets those part that failed together."""
        longest = min(LONGEST, self.base * 2.0 ** min(number - 1, 30))
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 - no secret


def with_retries(
    work: Callable[[], None],
    retries: Retries,
    *,
    stopped: threading.Event,
    possible: Callable[[], bool],
    again: Callable[[TransientError, int, float], None],
) -> None:
    """Do the work; after a `TransientError` do it again, and after no other error.

    Args:
        work: One try.
        retries: How often.
        stopped: Set by a signal: a wait ends at once, and nothing is tried again.
        possible: Whether another try can be made at all.
        again: Told of the error, the number of the next try (2 for the first retry) and the seconds until then.

    Raises:
        TransientError: That of the last try.
        InterruptedRunError: If it was stopped while it waited.
    """
    for number in itertools.count(1):
        try:
            work()
        except TransientError as error:
            if number > retries.most or stopped.is_set() or not possible():
                raise
            seconds = retries.wait(number)
            again(error, number + 1, seconds)
            if stopped.wait(seconds):
                raise InterruptedRunError(
                    f"It was interrupted while it waited to try again after: {error.what}", state=error.state
                ) from error
        else:
            return
