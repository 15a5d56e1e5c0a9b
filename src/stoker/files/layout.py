"""How many files a load writes, and which rows go into which."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stoker.errors import SinkError
from stoker.spark.columns import quoted
from stoker.spark.ordering import ordering

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType


@dataclass(frozen=True)
class Layout:
    """What a sink says about its files."""

    partition_by: tuple[str, ...] = ()
    """Columns that become folders."""
    files: int | None = None
    """Files to write, with `partition_by` those of each partition; None for as many as Spark has tasks."""
    max_rows: int | None = None
    """Rows after which a task begins another file."""
    is_file: bool = False
    """Whether the target is one file and no folder."""

    def check(self, schema: StructType, where: str) -> None:
        """Refuse, before any row is computed, columns that cannot be written so.

        Args:
            schema: Those of the frame.
            where: The target, for messages.

        Raises:
            SinkError: If partition columns are missing, no other is left, or two have the same name.
        """
        missing = [name for name in self.partition_by if name not in schema.names]
        if missing:
            raise SinkError(
                f"{where} is partitioned by {missing}, which the frame does not have.",
                next_step=f"Its columns are {schema.names}: correct partition_by= or the transformer.",
            )
        folded = [name.lower() for name in schema.names]
        doubled = sorted({name for name in schema.names if folded.count(name.lower()) > 1})
        if doubled:
            raise SinkError(
                f"The frame for {where} has columns of the same name: {doubled}.",
                next_step="Rename or drop one of each in the transformer (Spark ignores case).",
            )
        if not schema.names or len(schema.names) == len(self.partition_by):
            raise SinkError(
                f"The frame for {where} has no column beside its partition columns.",
                next_step="Add a column or partition by fewer.",
            )

    def arranged(self, frame: DataFrame) -> DataFrame:
        """The frame, dealt out to as many tasks as there are to be files.

        Rows are shuffled (`repartition`), not merged into fewer tasks (`coalesce`): a scan, a join or a Python function
        before the write keeps its parallelism. Without `files` the frame is left alone. A frame that is sorted stays so:
        in its one file, in ranges over several files, within each partition.
        """
        if self.files is None:
            return frame
        order = ordering(frame)
        if self.partition_by:
            columns = [quoted(name) for name in self.partition_by]
            dealt = frame.repartition(*columns)
            return dealt.sortWithinPartitions(*columns, *order) if order else dealt
        if not order:
            return frame.repartition(self.files)
        dealt = frame.repartition(1) if self.files == 1 else frame.repartitionByRange(self.files, *order)
        return dealt.sortWithinPartitions(*order)
