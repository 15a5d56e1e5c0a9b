"""Rows written where no reader looks, and counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stoker.errors import SinkError
from stoker.failpoints import failpoint
from stoker.spark.metrics import last_write

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from stoker.files.filesystem import FileSystem
    from stoker.files.form import FileFormat
    from stoker.files.layout import Layout
    from stoker.files.listing import FileInfo


@dataclass(frozen=True)
class Staged:
    """What one write left."""

    files: list[FileInfo]
    """By their paths below the folder."""
    rows: int | None
    """As Spark counted them; None if it does not tell."""

    @property
    def bytes(self) -> int:
        """Of all files."""
        return sum(info.bytes for info in self.files)


def write_staged(
    frame: DataFrame, fs: FileSystem, folder: str, form: FileFormat, layout: Layout, *, label: str, where: str
) -> Staged:
    """Write a frame into a new folder. One Spark job, beside those of the frame.

    Args:
        frame: The rows, arranged.
        fs: The folder's file system.
        folder: The folder; it must not exist.
        form: The format.
        layout: The partition columns, and the length of files.
        label: A unique description for Spark's jobs, by which the metrics of the write are found.
        where: The target, for messages.

    Raises:
        SinkError: If Spark's account of the files differs from what is on the disk.
    """
    failpoint("files.stage.begin")
    writer = frame.write.format(form.name).mode("error").options(**form.write_options)
    # Version 1 moves the files of committed tasks at the job's commit; a late attempt cannot add to them.
    writer = writer.option("mapreduce.fileoutputcommitter.algorithm.version", "1")
    if layout.max_rows is not None:
        writer = writer.option("maxRecordsPerFile", layout.max_rows)
    if layout.partition_by:
        writer = writer.partitionBy(*layout.partition_by)
    writer.save(folder)
    failpoint("files.stage.written")
    files = list(fs.data_files(folder))
    metrics = last_write(frame.sparkSession, label)
    if metrics is not None and metrics.files != len(files):
        raise SinkError(
            f"Spark reports {metrics.files} files for {where}, and {len(files)} are staged.",
            state="Nothing was published.",
            next_step="Run again; if it stays, another program writes into the staging folder.",
        )
    return Staged(files, None if metrics is None else metrics.rows)
