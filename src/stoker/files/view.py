"""What a reader of a target sees: the last decided state, also while a publish is cut in the middle."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any

from stoker.errors import SourceError
from stoker.files.control import Commit, Target, read_commit
from stoker.files.lease import live_holder
from stoker.files.listing import is_within, sent
from stoker.files.publish import marker
from stoker.spark.columns import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pyspark.sql import DataFrame, DataFrameReader, SparkSession
    from pyspark.sql.types import StructType

    from stoker.files.filesystem import FileSystem

_SIGNS = re.compile(r"[{}\[\]*?\\]")
"""What makes a pattern of a path, for Hadoop."""
PATIENCE = 30.0
"""Seconds that a reader waits for a publish that is going on; it consists of renames."""


@dataclass(frozen=True)
class Root:
    """Files to read together, below one folder that their partition columns count from."""

    base: str | None
    """None for single files."""
    files: tuple[str, ...] | None = None
    """Paths below the base, or None for all that is in it; without a base whole paths."""

    def paths(self) -> tuple[str, ...] | None:
        """The whole paths of the files, or None for all that is in the base."""
        if self.files is None or self.base is None:
            return self.files
        return tuple(f"{self.base}/{name}" for name in self.files)


@dataclass(frozen=True)
class View:
    """The consistent content of a target."""

    roots: tuple[Root, ...]
    latest: Commit | None
    """The last commit, with the schema; None if Stoker never published there."""
    unfinished: bool = False
    """Whether its publish was decided and was cut."""

    def check_current(self, fs: FileSystem, target: Target) -> None:
        """Make sure that nothing was published since the view: then what was listed meanwhile is of one state.

        Raises:
            ChangedError: If something was.
        """
        intent = read_commit(fs, target.intent)
        now = intent if self.unfinished or intent is not None else read_commit(fs, target.latest)
        if (intent is not None) != self.unfinished or _nonce(now) != _nonce(self.latest):
            raise ChangedError(target.path)


class ChangedError(Exception):
    """A folder was published between a look at its state and the listing of its files: the caller looks again."""


def _nonce(commit: Commit | None) -> str | None:
    return None if commit is None else commit.nonce


def view(fs: FileSystem, target: Target) -> View:
    """The state that a reader should see now.

    An intent means that a publish is decided, so the new state is shown: from the staging folder what is not moved
    yet. A publish that is going on is waited for, because files that move would be missed or lost.
    """
    deadline = time.monotonic() + PATIENCE
    while True:
        intent = read_commit(fs, target.intent)
        if intent is None:
            latest = read_commit(fs, target.latest)
            is_file = latest is not None and latest.is_file
            return View((Root(None, (target.path,)) if is_file else Root(target.path),), latest)
        if live_holder(fs, target) is None or time.monotonic() > deadline:
            return View(_decided(fs, target, intent), intent, unfinished=True)
        time.sleep(0.05)


def commit_view(target: Target, commit: Commit) -> View:
    """Only what one commit added."""
    return View((Root(target.path, tuple(commit.files)),), commit)


def _decided(fs: FileSystem, target: Target, intent: Commit) -> tuple[Root, ...]:
    staged = f"{target.staging(intent.nonce)}/data"
    if intent.is_file:
        waits = fs.exists(f"{staged}/{target.name}")
        return (Root(None, (f"{staged}/{target.name}" if waits else target.path,)),)
    if intent.mode == "replace":
        moved = fs.exists(f"{target.path}/{marker(intent)}")
        return (Root(target.path if moved else staged),)
    first = intent.first_files
    waiting = frozenset(move for move in intent.moves if not fs.exists(f"{target.path}/{first[move]}"))
    left = [name for name in intent.files if is_within(name, waiting)]
    there = [
        info.path for info in fs.data_files(target.path) if intent.mode == "append" or not is_within(info.path, waiting)
    ]
    roots = (Root(target.path, tuple(there)), Root(staged, tuple(left)))
    return tuple(root for root in roots if root.files)


def read_view(spark: SparkSession, shown: View, *, form: str, schema: StructType, options: dict[str, Any]) -> DataFrame:
    """A frame of a view's rows, with the schema's columns in their order. Starts no Spark job.

    Args:
        spark: The session.
        shown: What to read.
        form: Spark's name of the format.
        schema: All columns, partition columns included.
        options: The format's options.
    """
    return read_roots(spark, shown.roots, form=form, schema=schema, options=options)


def read_roots(
    spark: SparkSession, roots: Iterable[Root], *, form: str, schema: StructType, options: dict[str, Any]
) -> DataFrame:
    """A frame of the rows below some roots, as `read_view`."""
    roots = [root for root in roots if root.files is None or root.files]
    if not roots:
        return spark.createDataFrame([], schema)
    reader = spark.read.format(form).schema(schema).options(**options)
    frames = (load_by_name(reader, root.base, root.paths()).select(*map(quoted, schema.names)) for root in roots)
    return reduce(lambda one, other: one.unionByName(other), frames)


def load_by_name(reader: DataFrameReader, base: str | None, files: Sequence[str] | None = None) -> DataFrame:
    """Read a folder, or some files, by a reader that has format, schema and options. Starts no Spark job.

    The paths are names, not patterns: a place may hold `[` or `{`.

    Args:
        reader: The reader.
        base: The folder, or the one that partition columns of the files count from; None for files without.
        files: Whole paths, or None for all that is in the folder.

    Raises:
        SourceError: If the folder or a file is gone.
    """
    try:
        if files is None:
            return reader.option("__globPaths__", "false").load(base)
        reader = reader.option("basePath", base) if base else reader
        jvm: Any = reader._spark._jvm  # noqa: SLF001 - PySpark sends a list to the JVM by one call for each of its items
        # With that option Spark would read all of several paths once more for each that looks like a pattern.
        names = sent(jvm, [_SIGNS.sub(r"\\\g<0>", file) for file in files])
        return reader._df(reader._jreader.load(jvm.PythonUtils.toSeq(names)))  # noqa: SLF001 - as above
    except Exception as error:
        if "PATH_NOT_FOUND" not in str(error):
            raise
        gone = str(error).partition("does not exist: ")[2].partition(". SQLSTATE")[0].removesuffix(".")
        gone = gone if files is None else re.sub(r"\\(.)", r"\1", gone)
        raise SourceError(
            f"{gone or base} does not exist, though it was published or listed before.",
            state="Nothing was read.",
            next_step="Bring it back from a backup, or run the pipeline that loads it.",
        ) from error


def written_schema(commit: Commit) -> StructType:
    """The schema of a target's rows after a commit."""
    return schema_of(commit.schema)


def schema_of(document: dict[str, Any]) -> StructType:
    """A schema from Spark's JSON of it."""
    from pyspark.sql.types import StructType

    return StructType.fromJson(json.loads(json.dumps(document)))
