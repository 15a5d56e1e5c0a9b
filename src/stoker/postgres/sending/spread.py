"""How many tasks send at once, each over a connection of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stoker.errors import number_of
from stoker.spark.slots import task_slots

if TYPE_CHECKING:
    from pyspark import SparkContext
    from pyspark.sql import DataFrame

MOST = 8
"""Connections, where the user does not say how many: more bring nothing but to very large servers."""


def most_tasks(context: SparkContext, connections: int | None) -> int | None:
    """How many tasks may send; None if no more than that can run at once anyway.

    Args:
        context: Of the cluster.
        connections: What the user says.
    """
    most, slots = connections or MOST, task_slots(context)
    return None if slots is not None and slots <= most else most


@dataclass(frozen=True)
class Spread:
    """Rows over so many partitions."""

    most: int | None
    """None for those that they have."""
    cheap: bool
    """Whether the rows are read from files: then a task may well read several of their partitions, where else it would
    compute them, and they are shuffled after that."""

    def of(self, frame: DataFrame) -> DataFrame:
        """The frame in so many."""
        if self.most is None:
            return frame
        return frame.coalesce(self.most) if self.cheap else frame.repartition(self.most)

    @property
    def told(self) -> str | None:
        """The same in words."""
        if self.most is None:
            return None
        done = "coalesced" if self.cheap else "repartitioned"
        return f"{done} for at most {number_of(self.most, 'connection')}"
