"""What one run changes of a table: the content of an intent and of a commit file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from stoker.files.control import read_document

if TYPE_CHECKING:
    from stoker.files.filesystem import FileSystem
    from stoker.tables.catalogue import Values

_VERSION = 1


@dataclass(frozen=True)
class TableCommit:
    """Rows in a folder of their own, and every change that shows them to readers.

    Partitions are told by the values of their columns, in their order.
    """

    run_id: str
    nonce: str
    """The attempt's own name: two attempts of one run id stage apart."""
    mode: str
    schema: dict[str, Any]
    """Spark's JSON of the schema of the table's rows, partition columns included."""
    partition_by: list[str]
    rows: int | None
    files: list[str]
    """Paths below the folder, as Spark reported them committed."""
    bytes: int
    folder: str
    """Where the rows were staged."""
    given: dict[str, Any] | None = None
    """Spark's JSON of the frame's own schema, where the rows were converted to `schema`."""
    left_out: list[str] = field(default_factory=list)
    """The frame's columns that were not written."""

    # What is known when it is published.
    creates: bool = False
    """Whether the table is made."""
    former: dict[str, Any] | None = None
    """Spark's JSON of the table's columns before, where they change."""
    location: str = ""
    """Of the table, afterwards."""
    moves: list[list[str]] = field(default_factory=list)
    """Files that are moved among those that are there: from where, to where."""
    added: list[tuple[Values, str]] = field(default_factory=list)
    """New partitions, and where they are."""
    moved: list[tuple[Values, str]] = field(default_factory=list)
    """Partitions whose rows are elsewhere afterwards."""
    dropped: list[Values] = field(default_factory=list)
    """Partitions that are no more."""
    replaced: list[str] = field(default_factory=list)
    """Folders of former loads that no reader finds any more; the next publish removes them."""

    @property
    def switches(self) -> bool:
        """Whether one call to the metastore shows the rows; then that call decides, and else the intent."""
        return not self.partition_by and self.location == self.folder

    def text(self) -> str:
        """The JSON of it."""
        return json.dumps({"version": _VERSION, **asdict(self)}, indent=1)

    def published(self, **changes: Any) -> TableCommit:
        """The same with what is known when it is published."""
        return replace(self, **changes)


def read_table_commit(fs: FileSystem, path: str) -> TableCommit | None:
    """The intent or commit at a path, or None if there is none.

    Raises:
        TerminalError: If the file is not one that this version wrote.
    """
    found = read_document(fs, path, TableCommit)
    if found is None:
        return None
    return replace(
        found,
        added=[(tuple(values), place) for values, place in found.added],
        moved=[(tuple(values), place) for values, place in found.moved],
        dropped=[tuple(values) for values in found.dropped],
    )
