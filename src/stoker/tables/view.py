"""What a reader of a table sees: the last decided state, also while a publish is cut in the middle."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

from stoker.files.drift import nullable
from stoker.files.filesystem import FileSystem, file_system
from stoker.files.lease import live_holder
from stoker.files.view import PATIENCE, ChangedError, Root, read_roots, schema_of
from stoker.spark.columns import quoted
from stoker.tables.catalogue import NULL
from stoker.tables.commit import TableCommit, read_table_commit
from stoker.tables.home import Home, home_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyspark.sql import Column, DataFrame, SparkSession

    from stoker.tables.catalogue import Catalogue, TableFacts, Values


def placed(commit: TableCommit) -> tuple[Root, ...]:
    """Where the files of a commit are once it is published, or are staged before."""
    goals = {source: goal for source, goal in commit.moves}  # noqa: C416 - pairs that JSON made lists
    bases: dict[str, list[str]] = {}
    for name in commit.files:
        goal = goals.get(f"{commit.folder}/{name}", f"{commit.folder}/{name}")
        bases.setdefault(goal.removesuffix(f"/{name}"), []).append(name)
    return tuple(Root(base, tuple(names)) for base, names in bases.items())


@dataclass(frozen=True)
class TableView:
    """A look at a table."""

    facts: TableFacts | None
    """None if the catalogue does not have it."""
    home: Home
    fs: FileSystem
    latest: TableCommit | None
    """The last commit; None if Stoker never published there."""
    unfinished: TableCommit | None
    """A publish that was decided and was cut."""

    def check_current(self) -> None:
        """Make sure that nothing was decided since the look.

        Raises:
            ChangedError: If something was.
        """
        if not _is_ours(self.fs, self.home, self.facts):
            return
        intent = _decided(self.fs, self.home)
        latest = read_table_commit(self.fs, self.home.target.latest)
        if _nonce(intent) != _nonce(self.unfinished) or _nonce(latest) != _nonce(self.latest):
            raise ChangedError(self.home.folder)


def _nonce(commit: TableCommit | None) -> str | None:
    return None if commit is None else commit.nonce


def _decided(fs: FileSystem, home: Home) -> TableCommit | None:
    intent = read_table_commit(fs, home.target.intent)
    # Where the catalogue decides, all readers see the same, whatever an intent says.
    return None if intent is None or intent.switches else intent


def look(spark: SparkSession, catalogue: Catalogue) -> TableView:
    """The state that a reader should see now; a publish that is going on is waited for."""
    deadline = time.monotonic() + PATIENCE
    facts = catalogue.facts()
    home = home_of(catalogue.name, facts, catalogue.default_location())
    fs = file_system(spark, home.folder)
    if not _is_ours(fs, home, facts):
        return TableView(facts, home, fs, None, None)
    while True:
        intent = _decided(fs, home)
        if intent is None or live_holder(fs, home.target) is None or time.monotonic() > deadline:
            break
        time.sleep(0.05)
    latest = read_table_commit(fs, home.target.latest)
    return TableView(catalogue.facts(), home, fs, latest, intent)


def _is_ours(fs: FileSystem, home: Home, facts: TableFacts | None) -> bool:
    """Whether Stoker has ever loaded the table."""
    from py4j.protocol import Py4JJavaError

    try:
        return fs.exists(home.target.control)
    except Py4JJavaError:  # who may read a table of others need not have rights beside it
        if facts is not None and home.has(facts.location):
            raise
        return False


def unfinished_frame(spark: SparkSession, seen: TableView, table: DataFrame | None) -> DataFrame:
    """The rows of a table as a publish that was cut will leave them. Starts no Spark job.

    Args:
        spark: The session.
        seen: The look at the table.
        table: The rows that the catalogue leads to; None if it does not have the table yet.
    """
    commit = seen.unfinished
    assert commit is not None
    schema = nullable(schema_of(commit.schema))
    known = {values for values, _ in commit.moved}
    if table is not None and commit.mode == "append":
        staged = Root(commit.folder, tuple(_waiting(seen, commit)))
        kept: DataFrame | None = table
        if commit.added:
            kept = _without(table, commit, (values for values, _ in commit.added))
    else:
        staged = Root(commit.folder, tuple(commit.files))
        added = {values for values, _ in commit.added}
        replaces = table is None or commit.mode == "replace"
        kept = None if replaces or table is None else _without(table, commit, known | added)
    rows = read_roots(spark, (staged,), form="parquet", schema=schema, options={})
    return rows if kept is None else kept.to(schema).unionByName(rows)


def _waiting(seen: TableView, commit: TableCommit) -> Iterable[str]:
    """The files that are still where they were staged, and are not found by way of the catalogue."""
    moves = {source for source, _ in commit.moves}
    for name in commit.files:
        path = f"{commit.folder}/{name}"
        if path not in moves or seen.fs.exists(path):
            yield name


def _without(table: DataFrame, commit: TableCommit, partitions: Iterable[Values]) -> DataFrame:
    """The rows of other partitions."""
    from pyspark.sql import functions as F  # noqa: N812 - the name that all of PySpark uses

    def one(values: Values) -> Column:
        columns = zip(commit.partition_by, values, strict=True)
        return reduce(
            lambda left, right: left & right,
            (
                F.col(quoted(name)).isNull()
                if value == NULL
                else F.col(quoted(name)).eqNullSafe(F.lit(value).cast(table.schema[name].dataType))
                for name, value in columns
            ),
        )

    conditions = [one(values) for values in partitions]
    return table.filter(~reduce(lambda left, right: left | right, conditions)) if conditions else table
