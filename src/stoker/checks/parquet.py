"""Checks of rows that are staged as Parquet files which the driver can read: what the files prove is not computed again."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from stoker.checks.checker import Checker, Measured
from stoker.spark.data_files import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stoker.checks.definitions import Check
    from stoker.spark.data_files import DataFiles

logger = logging.getLogger(__name__)


class ParquetChecker(Checker):
    """Checks on Parquet files that are on this machine.

    Args:
        files: What is staged.
        slots: Threads that read.
        spark: Computes what the files do not prove.
    """

    def __init__(self, files: DataFiles, slots: int, spark: Checker) -> None:
        self._files = files
        self._slots = slots
        self._spark = spark

    def mistakes(self, checks: Sequence[Check]) -> list[str]:
        """What Spark says."""
        return self._spark.mistakes(checks)

    def count(self) -> int:
        """What Spark says."""
        return self._spark.count()

    def measure(self, checks: Sequence[Check]) -> list[Measured]:
        """One look at the columns, and Spark's for what it leaves open."""
        from stoker.checks.proof import proven

        try:
            rows, holding = proven(self._files, dict(enumerate(checks)), self._slots)
        except UnreadableError as reason:
            logger.debug("Spark computes all checks on %s: %s", self._files.base, reason)
            return self._spark.measure(checks)
        rest = [each for at, each in enumerate(checks) if at not in holding]
        measured = iter(self._spark.measure(rest) if rest else [])
        return [Measured(0, rows) if at in holding else next(measured) for at in range(len(checks))]
