"""A connector of your own: JSON lines, one object a line, in a local file (or, for reading, a folder of files).

It shows what `stoker.Source` and `stoker.Sink` ask for. `describe` touches no data, so that `stoker plan` can show it.
A run takes the sink's load through `prepare`, `stage`, `publish` and `close`; only `publish` may show rows to readers, in
one step, which here is one `os.replace`.

What it leaves out, to stay short: it works where driver and tasks share a disk (local mode); it has `replace` only; two
runs at the same time do not wait for each other, and the last one wins; what a killed run has staged stays until the same
run id runs again.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path as LocalPath
from typing import TYPE_CHECKING

from stoker import ConfigurationError, Endpoint, Load, Loaded, Sink, Source, SourceError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from stoker import Context, Names, Path


@dataclass(frozen=True)
class JsonLinesSource(Source):
    """A file, or a folder of files.

    Args:
        path: `place(...) / ...`.
        schema: The columns to read, as DDL text.
    """

    path: Path
    schema: str

    def describe(self, names: Names) -> Endpoint:
        """The path in this environment."""
        return Endpoint("jsonl", names.path(self.path))

    def read(self, context: Context) -> DataFrame:
        """A frame of the lines; Spark reads nothing yet, because the schema is given."""
        where = context.path(self.path)
        if not os.path.exists(where):  # noqa: PTH110 - a plain question about a plain string
            raise SourceError(f"{where} does not exist.", state="Nothing was read.", next_step="Check the path.")
        return context.spark.read.schema(self.schema).option("mode", "FAILFAST").json(where)

    def explain(self, error: Exception, context: Context) -> Exception | None:
        """Say of Spark's long error that a line is no JSON, or does not fit the schema."""
        if "MALFORMED_RECORD_IN_PARSING" not in str(error):
            return None
        return SourceError(f"{context.path(self.path)} has a line that is not {self.schema}.", next_step="Correct it.")


@dataclass(frozen=True)
class JsonLinesSink(Sink):
    """One file, replaced as a whole. The rows go through one task.

    Args:
        path: `place(...) / ...`.
    """

    path: Path
    mode: str = "replace"

    def describe(self, names: Names) -> Endpoint:
        """The path in this environment."""
        where = names.path(self.path)
        if "://" in where:
            raise ConfigurationError(f"{where} is not on a local disk.", next_step="Give the place a local path.")
        return Endpoint("jsonl", where, self.mode)

    def open(self, context: Context) -> Load:
        """Begin a load; touches no data yet."""
        target = LocalPath(context.path(self.path))
        return _JsonLinesLoad(target, target.with_name(f".{target.name}-{context.run_id}"))


@dataclass
class _JsonLinesLoad(Load):
    target: LocalPath
    staging: LocalPath

    def stage(self, frame: DataFrame, label: str) -> Loaded:
        """Spark's own writer keeps only the files of tasks that succeeded."""
        del label
        frame.coalesce(1).write.mode("overwrite").option("ignoreNullFields", "false").json(str(self.staging))
        return self._loaded(self._staged())

    def publish(self) -> Loaded:
        os.replace(self._staged(), self.target)  # noqa: PTH105 - the one step, named as the system names it
        return self._loaded(self.target)

    def close(self) -> None:
        shutil.rmtree(self.staging, ignore_errors=True)

    def _staged(self) -> LocalPath:
        (part,) = self.staging.glob("part-*.json")
        return part

    @staticmethod
    def _loaded(file: LocalPath) -> Loaded:
        with file.open("rb") as lines:
            return Loaded(rows=sum(1 for _ in lines), files=1, bytes=file.stat().st_size)
