"""What Spark has listed for a frame's scans, so that nothing is listed again to learn it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@dataclass(frozen=True)
class ScannedFiles:
    """The files of all scans in a plan."""

    number: int
    bytes: int


def files_of(frame: DataFrame) -> ScannedFiles | None:
    """How many files a frame is read from; None if Spark does not tell."""
    from py4j.protocol import Py4JError

    number = size = 0
    try:
        leaves: Any = frame._jdf.queryExecution().analyzed().collectLeaves()  # noqa: SLF001 - no public way to the listing
        for position in range(leaves.size()):
            location = leaves.apply(position).relation().location()
            number += location.allFiles().size()
            size += location.sizeInBytes()
    except Py4JError:
        return None
    return ScannedFiles(number, size)
