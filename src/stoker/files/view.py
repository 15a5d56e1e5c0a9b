"""What a reader of a target sees: the last decided state, also while a publish is cut in the middle."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stoker.files.control import Commit, Target, read_commit
from stoker.files.lease import live_holder
from stoker.files.publish import marker
from stoker.spark.columns import quoted

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

    from stoker.files.filesystem import FileSystem

_PATIENCE = 30.0
"""Seconds that a reader waits for a publish that is going on; it consists of renames."""


@dataclass(frozen=True)
class Root:
    """Files to read together, below one folder that their partition columns count from."""

    base: str
    files: tuple[str, ...] | None = None
    """Paths below the base, or None for all that is in it."""


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
    deadline = time.monotonic() + _PATIENCE
    while True:
        intent = read_commit(fs, target.intent)
        if intent is None:
            return View((Root(target.path),), read_commit(fs, target.latest))
        if live_holder(fs, target) is None or time.monotonic() > deadline:
            return View(_decided(fs, target, intent), intent, unfinished=True)
        time.sleep(0.05)


def commit_view(target: Target, commit: Commit) -> View:
    """Only what one commit added."""
    return View((Root(target.path, tuple(commit.files)),), commit)


def _decided(fs: FileSystem, target: Target, intent: Commit) -> tuple[Root, ...]:
    staged = f"{target.staging(intent.nonce)}/data"
    if intent.mode == "replace":
        moved = fs.exists(f"{target.path}/{marker(intent)}")
        return (Root(target.path if moved else staged),)
    waiting = [move for move in intent.moves if not _moved(fs, target, intent, move)]
    left = [name for name in intent.files if any(name == move or name.startswith(f"{move}/") for move in waiting)]
    there = [
        info.path
        for info in fs.data_files(target.path)
        if intent.mode == "append" or not any(info.path.startswith(f"{move}/") for move in waiting)
    ]
    roots = (Root(target.path, tuple(there)), Root(staged, tuple(left)))
    return tuple(root for root in roots if root.files)


def _moved(fs: FileSystem, target: Target, intent: Commit, move: str) -> bool:
    first = move if intent.mode == "append" else next(name for name in intent.files if name.startswith(f"{move}/"))
    return fs.exists(f"{target.path}/{first}")


def read_view(spark: SparkSession, shown: View, *, form: str, schema: StructType, options: dict[str, Any]) -> DataFrame:
    """A frame of a view's rows, with the schema's columns in their order. Starts no Spark job.

    Args:
        spark: The session.
        shown: What to read.
        form: Spark's name of the format.
        schema: All columns, partition columns included.
        options: The format's options.
    """
    frames = [_read_root(spark, root, form, schema, options) for root in shown.roots]
    if not frames:
        return spark.createDataFrame([], schema)
    frame = frames[0]
    for other in frames[1:]:
        frame = frame.unionByName(other)
    return frame


def _read_root(spark: SparkSession, root: Root, form: str, schema: StructType, options: dict[str, Any]) -> DataFrame:
    # The paths are names, not patterns: a place may hold `[` or `{`.
    reader = spark.read.format(form).schema(schema).options(**options).option("__globPaths__", "false")
    if root.files is None:
        return reader.load(root.base).select(*map(quoted, schema.names))
    paths = [f"{root.base}/{name}" for name in root.files]
    if not paths:
        return spark.createDataFrame([], schema)
    return reader.option("basePath", root.base).load(paths).select(*map(quoted, schema.names))


def written_schema(commit: Commit) -> StructType:
    """The schema that a commit's rows were written with."""
    from pyspark.sql.types import StructType

    return StructType.fromJson(json.loads(json.dumps(commit.schema)))
