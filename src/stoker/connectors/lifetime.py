"""What sources keep open while their rows are used: a snapshot of a database, say."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

T = TypeVar("T")

logger = logging.getLogger(__name__)


class Lifetime:
    """From the first source of a pipeline that is read until no sink needs the rows any more.

    The run ends it when all rows are staged and checked, before anything is published, and whenever the pipeline fails or
    is interrupted. What a sink publishes was staged before, so nothing is read after that.
    """

    def __init__(self) -> None:
        self._kept: dict[Hashable, Any] = {}
        self._ends = ExitStack()

    def keep(self, key: Hashable, begin: Callable[[], T], end: Callable[[T], object]) -> T:
        """What is kept under a key; begun if it is not there yet.

        Args:
            key: The same for all sources that share it.
            begin: Makes it.
            end: Is called once, when the rows are used no more.
        """
        if key not in self._kept:
            made = self._kept[key] = begin()
            self._ends.callback(end, made)
        found: T = self._kept[key]
        return found

    def find(self, key: Hashable) -> Any:
        """What is kept under a key, or was until the end; None if nothing is."""
        return self._kept.get(key)

    def end(self) -> None:
        """End all that is kept, the last first; what fails is logged, since the rows are staged or the run has failed."""
        try:
            self._ends.close()
        except Exception:  # whatever a source's clean-up raises
            logger.warning("a source could not be closed", exc_info=True)
