"""What the sources of files have in common: their paths, the column with a file's name, the parts read as one frame."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from stoker.connectors.base import Endpoint, Source
from stoker.connectors.fingerprint import fingerprint
from stoker.errors import DefinitionError, SourceError
from stoker.spark.scans import files_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyspark.sql import Column, DataFrame
    from pyspark.sql.types import StructType

    from stoker.connectors.base import Context, Names
    from stoker.connectors.inputs import Input
    from stoker.connectors.paths import Path
    from stoker.spark.scans import ScannedFiles

logger = logging.getLogger(__name__)

_MANY = 10_000
"""Files of a source from which on their size is looked at."""
_SMALL = 1 << 20
"""Bytes of a mean file that is worth opening."""


@dataclass(frozen=True)
class FileSource(Source):
    """Files at some paths, each a file, a folder or a pattern."""

    paths: tuple[Path, ...]
    options: dict[str, Any] = field(default_factory=dict)
    file_column: str | None = None
    kind: ClassVar[str]
    """Spark's name of the format."""
    own_options: ClassVar[frozenset[str]] = frozenset()
    """Options of Spark's reader that the source decides."""

    def __post_init__(self) -> None:
        """Refuse what can never work, where it is declared."""
        own = {name.lower() for name in self.own_options}
        taken = sorted(name for name in self.options if name.lower() in own)
        if taken:
            raise DefinitionError(
                f"read.{self.kind} of {self.shown()}: the options {taken} are not taken.",
                next_step=f"Use the arguments of read.{self.kind} instead.",
            )
        if self.file_column is not None and (not isinstance(self.file_column, str) or not self.file_column):
            raise DefinitionError(
                f"read.{self.kind} of {self.shown()}: file_column= is a column's name, not {self.file_column!r}."
            )

    def shown(self) -> str:
        """The paths as declared."""
        return ", ".join(str(path) for path in self.paths)

    def describe(self, names: Names) -> Endpoint:
        """The paths in this environment."""
        paths = tuple(names.path(path) for path in self.paths)
        return Endpoint(self.kind, ", ".join(paths), details=self.details(), paths=paths)

    def details(self) -> dict[str, Any]:
        """What `describe` tells beside the paths."""
        return {}

    def fingerprint(self, context: Context) -> dict[str, Any] | None:
        """Number, bytes, times and names of the files."""
        return fingerprint(context, self.paths)

    def file_names(self, schema: StructType | None) -> list[Column]:
        """The column with the file's name, if one is asked for.

        Args:
            schema: The columns beside it, where they are known.

        Raises:
            DefinitionError: If one of these has its name.
        """
        if self.file_column is None:
            return []
        if schema is not None and self.file_column.lower() in {name.lower() for name in schema.names}:
            raise DefinitionError(
                f"read.{self.kind} of {self.shown()}: file_column={self.file_column!r} is a column of the schema too.",
                next_step="Give it another name.",
            )
        return [file_name().alias(self.file_column)]

    def together(
        self, context: Context, found: Input, frames: Iterable[DataFrame], schema: StructType | None
    ) -> DataFrame:
        """The frames of an input's parts as one, by the columns' names.

        Args:
            context: The run.
            found: The input.
            frames: Its frames.
            schema: The columns, where they are known; a folder that was published without a row has no file with them.

        Raises:
            SourceError: If there is none, or their columns differ.
            ChangedError: If a folder was published meanwhile.
        """
        from pyspark.sql import functions as F  # noqa: N812 - the name that all of PySpark uses

        where = found.path
        # Before the frames are made, where that opens files: so who waits knows why.
        size = found.size()
        _warn_of_small_files(size, where)
        frame: DataFrame | None = None
        for part in frames:
            if frame is not None and set(part.columns) != set(frame.columns):
                odd = sorted(set(part.columns) ^ set(frame.columns))
                raise SourceError(
                    f"{where} have different columns: {', '.join(odd)} are not in all of them.",
                    state="Nothing was read.",
                    next_step="Declare the columns to read with schema=; where a file lacks one, its rows have null.",
                )
            frame = part if frame is None else frame.unionByName(part)
        found.check_current()
        if frame is None and found.latest is not None and schema is not None:
            names = [F.lit(None).cast("string").alias(self.file_column)] if self.file_column else []
            return context.spark.createDataFrame([], schema).select("*", *names)
        if frame is None:
            raise SourceError(
                f"{where} holds no {self.kind} file.",
                state="Nothing was read.",
                next_step="Check the path; files whose names begin with _ or . are not read.",
            )
        if size is None:
            _warn_of_small_files(files_of(frame), where)
        return frame


def file_name() -> Column:
    """The whole URI of the file that a row is from, as messages show it: not percent-encoded."""
    from pyspark.sql import functions as F  # noqa: N812 - the name that all of PySpark uses

    # Unlike input_file_name() it hinders no filter; it has one slash where messages have three.
    path = F.regexp_replace(F.col("_metadata.file_path"), "^file:/(?=[^/])", "file:///")
    # url_decode takes a plus for a space, and a path's plus is not encoded.
    return F.url_decode(F.replace(path, F.lit("+"), F.lit("%2B")))


def _warn_of_small_files(found: ScannedFiles | None, where: str) -> None:
    if found is None or found.number <= _MANY or found.bytes >= found.number * _SMALL:
        return
    logger.warning(
        "%s has %s files of %.1f KiB on average: opening them takes longer than reading them. Copy them once into fewer "
        "files (a pipeline without transform= whose sink has files=N), and extract from these",
        where,
        f"{found.number:,}",
        found.bytes / found.number / 1024,
    )
