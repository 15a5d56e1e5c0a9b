"""The changes of a table that readers see, in their order; each can be made again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stoker.errors import SinkError
from stoker.failpoints import failpoint
from stoker.files.view import schema_of
from stoker.tables.answers import RefusedError

if TYPE_CHECKING:
    from stoker.files.filesystem import FileSystem
    from stoker.tables.catalogue import Catalogue
    from stoker.tables.commit import TableCommit


def change(fs: FileSystem, catalogue: Catalogue, commit: TableCommit) -> None:
    """Make those that are not made yet.

    Raises:
        RefusedError: If the catalogue refuses one.
        SinkError: If a staged file is gone.
    """
    _define(catalogue, commit)
    _move_files(fs, catalogue, commit)
    if commit.added:
        catalogue.add_partitions(dict(commit.added))
        failpoint("tables.publish.partitions_added")
    if commit.moved:
        catalogue.move_partitions(dict(commit.moved))
        failpoint("tables.publish.partitions_moved")
    if commit.dropped:
        catalogue.drop_partitions(commit.dropped)
        failpoint("tables.publish.partitions_dropped")
    facts = catalogue.facts()
    if commit.switches and facts is not None and facts.location != commit.location:
        catalogue.set_location(commit.location)


def _define(catalogue: Catalogue, commit: TableCommit) -> None:
    """The table itself and its columns."""
    facts = catalogue.facts()
    if commit.creates:
        if facts is None:
            catalogue.create(schema_of(commit.schema), commit.partition_by, commit.location)
            failpoint("tables.publish.created")
        elif facts.location != commit.location:
            raise RefusedError(f"somebody else has made it meanwhile, at {facts.location}")
    elif facts is None:
        raise RefusedError("it was dropped meanwhile")
    elif commit.former is not None and facts.schema.jsonValue() != commit.schema:
        catalogue.set_columns(schema_of(commit.schema), commit.partition_by)
        failpoint("tables.publish.columns_set")


def _move_files(fs: FileSystem, catalogue: Catalogue, commit: TableCommit) -> None:
    for source, goal in commit.moves:
        if fs.exists(source):
            fs.move(source, goal)
        elif not fs.exists(goal):
            raise SinkError(
                f"{source} is gone, though its publish into {catalogue.name} was decided.",
                state=f"{catalogue.name} may hold a part of that publish.",
                next_step='Remove the intent file beside the table, then load it again with mode="replace".',
            )
        failpoint("tables.publish.one_moved")
