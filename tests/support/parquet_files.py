"""Frames as Parquet files, with an account of them as a sink gives it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stoker.spark.data_files import DataFiles

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import DataFrame


def written(frame: DataFrame, folder: Path, **options: Any) -> DataFiles:
    """The frame as files."""
    frame.write.parquet(str(folder), **options)
    files = sorted(str(path.relative_to(folder)) for path in folder.rglob("*.parquet"))
    return DataFiles("parquet", folder.as_uri(), tuple(files), frame.schema)
