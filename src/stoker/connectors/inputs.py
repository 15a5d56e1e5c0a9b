"""The files that a source names: they exist, and a publish in progress is honoured."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from stoker.connectors.room import refuse_without_room
from stoker.errors import SourceError, suggestion
from stoker.files.control import Target
from stoker.files.filesystem import FileSystem, file_system
from stoker.files.listing import FileInfo, is_hidden
from stoker.files.view import load_by_name, view
from stoker.spark.scans import ScannedFiles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame, DataFrameReader

    from stoker.connectors.base import Context
    from stoker.connectors.paths import Path
    from stoker.files.control import Commit
    from stoker.files.view import View

_WILDCARDS = frozenset("*?[{")


@dataclass(frozen=True)
class Part:
    """Files that one reader takes together."""

    fs: FileSystem
    base: str | None
    """The folder that partition columns count from; None for single files."""
    files: tuple[str, ...] | None = None
    """Whole paths, or None for all that is in the base."""
    pattern: str | None = None
    """A pattern that stands for just these files."""
    matches: tuple[FileInfo, ...] | None = None
    """What the listing by a pattern has told of the files."""

    def paths(self) -> tuple[str, ...]:
        """The whole paths of all its data files."""
        return tuple(info.path for info in self.infos) if self.files is None else self.files

    @cached_property
    def infos(self) -> tuple[FileInfo, ...]:
        """All its data files, by their whole paths; listed once."""
        if self.matches is not None:
            return self.matches
        if self.base is None:
            return tuple(self.fs.info(path) for path in self.files or ())
        wanted = None if self.files is None else frozenset(self.files)
        there = (
            FileInfo(f"{self.base}/{info.path}", info.bytes, is_folder=False, modified=info.modified)
            for info in self.fs.data_files(self.base)
        )
        return tuple(info for info in there if wanted is None or info.path in wanted)

    @property
    def is_listed(self) -> bool:
        """Whether `infos` costs nothing any more."""
        return "infos" in self.__dict__ or self.matches is not None

    def load(self, reader: DataFrameReader, files: Sequence[str] | None = None) -> DataFrame:
        """Read it, or only some of its files, by a reader that has format, schema and options. Starts no Spark job.

        Raises:
            SourceError: If they are gone, or more than the driver has room for.
        """
        named = self.files is not None or files is not None
        if self.is_listed:
            spark = reader._spark  # noqa: SLF001 - the reader's session
            refuse_without_room(spark, self.pattern or str(self.base), len(self.infos), named=named)
        if files is None and self.pattern is not None:
            return reader.load(self.pattern)
        return load_by_name(reader, self.base, self.files if files is None else files)


@dataclass(frozen=True)
class Input:
    """What a source's paths stand for now."""

    path: str
    """For messages: all of them."""
    parts: tuple[Part, ...]
    latest: Commit | None
    """The last commit, if it is one folder that Stoker publishes."""
    views: tuple[tuple[FileSystem, Target, View], ...] = ()
    """The states of the folders that Stoker publishes, as they were seen."""

    def look_up(self) -> None:
        """List what is not listed yet: its files will be opened one by one."""
        for part in self.parts:
            _ = part.infos

    def size(self) -> ScannedFiles | None:
        """The number and bytes of all files, if they have been listed."""
        if not all(part.is_listed for part in self.parts):
            return None
        sizes = [info.bytes for part in self.parts for info in part.infos]
        return ScannedFiles(len(sizes), sum(sizes))

    def check_current(self) -> None:
        """Make sure that all files, once they are listed, are of the states that were seen.

        Raises:
            ChangedError: If something was published meanwhile.
        """
        for fs, target, shown in self.views:
            shown.check_current(fs, target)


def input_of(context: Context, paths: Sequence[Path]) -> Input:
    """Look a source's paths up, once for a context.

    Raises:
        SourceError: If nothing is at one of them, with the names that are close.
    """
    key = tuple(paths)
    if key not in context.found:
        found = [_found(context, path) for path in paths]
        parts = tuple(part for each in found for part in each.parts)
        views = tuple(seen for each in found for seen in each.views)
        latest = found[0].latest if len(found) == 1 else None
        context.found[key] = Input(", ".join(each.path for each in found), parts, latest, views)
    known: Input = context.found[key]
    return known


def _found(context: Context, path: Path) -> Input:
    text = context.path(path)
    fs = file_system(context.spark, text)
    published = _published(fs, text)
    if published is not None:
        return published
    if fs.exists(text):
        return Input(text, (_literal(fs, text),), None)
    matches = [match for match in fs.glob(text) if not is_hidden(match.path.rpartition("/")[2])]
    if not matches:
        raise _missing(fs, text, path)
    parts: list[Part] = []
    views: list[tuple[FileSystem, Target, View]] = []
    for folder in [match.path for match in matches if match.is_folder]:
        known = _published(fs, folder)
        parts += known.parts if known is not None else (Part(fs, folder),)
        views += known.views if known is not None else ()
    files = tuple(match for match in matches if not match.is_folder)
    if files:
        parts.append(Part(fs, None, tuple(file.path for file in files), text if not parts else None, files))
    return Input(text, tuple(parts), None, tuple(views))


def _published(fs: FileSystem, folder: str) -> Input | None:
    """The consistent content of a folder that Stoker publishes; None for another one."""
    target = Target(folder.rstrip("/"))
    if not fs.exists(target.control):
        return None
    shown = view(fs, target)
    if shown.latest is None:
        return None
    parts = tuple(Part(fs, root.base, root.paths()) for root in shown.roots)
    return Input(folder, parts, shown.latest, ((fs, target, shown),))


def _literal(fs: FileSystem, text: str) -> Part:
    if not fs.is_file(text):
        return Part(fs, text.rstrip("/") or text)
    name = text.rpartition("/")[2]
    if is_hidden(name):
        raise SourceError(
            f"{text} cannot be read: Spark passes over files whose names begin with _ or a dot.",
            state="Nothing was read.",
            next_step="Rename the file.",
        )
    return Part(fs, None, (text,))


def _missing(fs: FileSystem, text: str, path: Path) -> SourceError:
    parent, _, name = text.rstrip("/").rpartition("/")
    there = [entry.path for entry in fs.entries(parent)] if not _WILDCARDS & set(parent) else []
    beside = suggestion(name, [other for other in there if not other.startswith(".")]) if there else ""
    return SourceError(
        f"{text} does not exist.{beside}",
        state="Nothing was read.",
        next_step=f"Check the path {path} and the places of the environment.",
    )
