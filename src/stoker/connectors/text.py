"""Text: a row a line, or a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from stoker.connectors.inputs import input_of
from stoker.connectors.paths import Path, as_paths
from stoker.connectors.source import FileSource

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame

    from stoker.connectors.base import Context


@dataclass(frozen=True)
class TextSource(FileSource):
    """Text files with the one column `value`."""

    kind: ClassVar[str] = "text"

    def read(self, context: Context) -> DataFrame:
        """A frame of the files' lines."""
        from pyspark.sql.types import StringType, StructField, StructType

        schema = StructType([StructField("value", StringType())])
        names = self.file_names(schema)
        reader = context.spark.read.format("text").schema(schema).options(**self.options)
        found = input_of(context, self.paths)
        frames = (part.load(reader).select("value", *names) for part in found.parts)
        return self.together(context, found, frames, schema)


def read_text(
    path: str | Path | Sequence[str | Path],
    *,
    wholetext: bool = False,
    file_column: str | None = None,
    **options: Any,
) -> TextSource:
    """Text files, as the column `value` of strings.

    Args:
        path: A file, a folder or a pattern, or a list of these.
        wholetext: Whether a row is a whole file instead of a line.
        file_column: The name of a column to add, with the whole URI of each row's file, not percent-encoded.
        options: Options of Spark's text reader: `lineSep`.

    Raises:
        DefinitionError: If an argument is wrong.
    """
    return TextSource(as_paths(path), {**options, "wholetext": wholetext}, file_column)
