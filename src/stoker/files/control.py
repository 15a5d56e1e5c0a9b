"""The control folder beside a target: lease, intent, commits, staging.

A target `lake/flights` (a folder, or one file) has `lake/.stoker-flights/`, a name that Spark, Hive and most readers skip:

    lease-<holder>.json      who publishes there now
    intent.json              a publish that was decided and is not finished: every move of it
    commits/<run id>.json    what each run added
    latest.json              the last commit, with the schema and the names of all files that are Stoker's
    staging-<nonce>/         rows that are not published yet
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from stoker.errors import TerminalError
from stoker.record.ids import file_stem

if TYPE_CHECKING:
    from stoker.files.filesystem import FileSystem

T = TypeVar("T")

_VERSION = 2
"""Of commit files: 1 had no `content`."""


@dataclass(frozen=True)
class Target:
    """A folder of data files, or one file, that sinks publish, and the paths of its control folder."""

    path: str
    """As given by the place; no trailing slash."""
    called: str = ""
    """How messages name it, if not by its path."""

    @property
    def where(self) -> str:
        """What messages name."""
        return self.called or self.path

    @property
    def name(self) -> str:
        """The last piece of the path."""
        return self.path.rpartition("/")[2]

    @property
    def control(self) -> str:
        """The control folder, on the same file system so that a rename moves no bytes."""
        return f"{self.path.removesuffix(self.name)}.stoker-{self.name}"

    @property
    def intent(self) -> str:
        """The file whose existence decides that a publish will be finished."""
        return f"{self.control}/intent.json"

    @property
    def latest(self) -> str:
        """The last commit."""
        return f"{self.control}/latest.json"

    def staging(self, nonce: str) -> str:
        """Where an attempt stages."""
        return f"{self.control}/staging-{nonce}"

    def staged(self, nonce: str) -> str:
        """The commit that an attempt would make, written when its staging is complete."""
        return f"{self.staging(nonce)}/commit.json"

    @property
    def commits(self) -> str:
        """The folder of the commits of runs."""
        return f"{self.control}/commits"

    def commit(self, run_id: str) -> str:
        """The commit of a run."""
        return f"{self.commits}/{file_stem(run_id)}.json"


@dataclass(frozen=True)
class Commit:
    """What one run adds to a target, and how: the content of an intent and of a commit file."""

    run_id: str
    nonce: str
    """The attempt's own name: two attempts of one run id stage apart."""
    format: str
    mode: str
    schema: dict[str, Any]
    """Spark's JSON of the schema of the target's rows, partition columns included."""
    partition_by: list[str]
    rows: int | None
    files: list[str]
    """Paths below the target, as Spark reported them committed."""
    bytes: int
    moves: list[str] = field(default_factory=list)
    """What is moved from the staging's `data` to the same path below the target; empty for `replace`."""
    content: list[str] | None = None
    """All data files of the target that are Stoker's once this is published. None in `commits/`, where it would grow with
    each run, and where version 1 wrote."""
    is_file: bool = False
    """Whether the target is one file: the staging's `data` then has that one, under the target's name."""
    given: dict[str, Any] | None = None
    """Spark's JSON of the frame's own schema, where the rows were converted to `schema`."""
    left_out: list[str] = field(default_factory=list)
    """The frame's columns that were not written."""

    @property
    def first_files(self) -> dict[str, str]:
        """Of each move the first of its files, whose place tells whether it is done."""
        if self.mode == "append":
            return dict(zip(self.moves, self.moves, strict=True))
        return {name.rpartition("/")[0]: name for name in reversed(self.files)}

    def text(self) -> str:
        """The JSON of it."""
        return json.dumps({"version": _VERSION, **asdict(self)}, indent=1)

    def own_text(self) -> str:
        """The JSON of what this run added, without what was there before."""
        return replace(self, content=None).text()


def read_commit(fs: FileSystem, path: str) -> Commit | None:
    """The intent or commit at a path, or None if there is none.

    Raises:
        TerminalError: If the file is not one that this version wrote.
    """
    return read_document(fs, path, Commit)


def read_document(fs: FileSystem, path: str, kind: type[T]) -> T | None:
    """The dataclass whose fields are in a JSON file, beside a version; None if there is none.

    Raises:
        TerminalError: If the file is not one that this version wrote.
    """
    text = fs.read_text(path)
    if text is None:
        return None
    try:
        document = json.loads(text)
        del document["version"]  # another version has other fields
        return kind(**document)
    except (ValueError, TypeError, KeyError) as error:
        raise TerminalError(
            f"{path} is not a commit that this version of Stoker can read ({error}).",
            state="Nothing was changed.",
            next_step="Use the version that wrote it, or move the file away if it was edited by hand.",
        ) from error
