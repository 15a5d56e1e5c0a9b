"""The files that hold the rows of a frame, for those who read them without Spark."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql.types import StructType


class UnreadableError(Exception):
    """Such files cannot be read without Spark; the text says why."""


@dataclass(frozen=True)
class DataFiles:
    """Files that were committed together; no others count, whatever else is in their folder."""

    form: str
    """Spark's name of the format."""
    base: str
    """The folder, as a path or URI."""
    files: tuple[str, ...]
    """Paths below it; each folder on the way is a partition, `name=value`."""
    schema: StructType
    """Of the frame, partition columns included."""
