"""The files that a source names: they exist, and a publish in progress is honoured."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from stoker.errors import SourceError, suggestion
from stoker.files.control import Target
from stoker.files.filesystem import FileInfo, FileSystem, file_system
from stoker.files.view import View, view

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stoker.connectors.base import Context
    from stoker.connectors.paths import Path

_WILDCARDS = frozenset("*?[{")


@dataclass(frozen=True)
class Input:
    """What a source's path stands for now."""

    path: str
    fs: FileSystem
    view: View | None
    """How to read a folder that Stoker publishes; None for other folders, files and patterns."""


def input_view(context: Context, path: Path) -> Input:
    """Look a source's path up.

    Raises:
        SourceError: If nothing is there, with the names that are close.
    """
    text = context.path(path)
    fs = file_system(context.spark, text)
    target = Target(text.rstrip("/"))
    if fs.exists(target.control):
        shown = view(fs, target)
        if shown.latest is not None:
            return Input(text, fs, shown)
    if not fs.glob(text) and not fs.exists(text):
        parent, _, name = text.rstrip("/").rpartition("/")
        there = [entry.path for entry in fs.entries(parent)] if not _WILDCARDS & set(parent) else []
        beside = suggestion(name, [other for other in there if not other.startswith(".")]) if there else ""
        raise SourceError(
            f"{text} does not exist.{beside}",
            state="Nothing was read.",
            next_step=f"Check the path {path} and the places of the environment.",
        )
    return Input(text, fs, None)


def fingerprint(context: Context, path: Path) -> dict[str, Any]:
    """What tells the files of a path from others, by one listing: no file is opened.

    Returns:
        `where`, `files`, `bytes`, `modified` (the newest), `digest` (of names, sizes and times), and `run`, the run that
        published last, if Stoker did.

    Raises:
        SourceError: If nothing is there.
    """
    found = input_view(context, path)
    files = sorted(_files(found), key=lambda info: info.path)
    lines = [f"{info.path}\t{info.bytes}\t{info.modified:.3f}" for info in files]
    told: dict[str, Any] = {
        "where": found.path,
        "files": len(files),
        "bytes": sum(info.bytes for info in files),
        "modified": None,
        "digest": hashlib.sha256("\n".join(lines).encode()).hexdigest(),
    }
    if files:
        newest = datetime.fromtimestamp(max(info.modified for info in files), UTC)
        told["modified"] = newest.isoformat(timespec="milliseconds")
    if found.view is not None and found.view.latest is not None:
        told["run"] = found.view.latest.run_id
    return told


def _files(found: Input) -> Iterator[FileInfo]:
    if found.view is not None:
        for root in found.view.roots:
            wanted = None if root.files is None else set(root.files)
            yield from (info for info in found.fs.data_files(root.base) if wanted is None or info.path in wanted)
        return
    for place in found.fs.glob(found.path) or [found.path]:
        info = found.fs.info(place)
        if not info.is_folder:
            yield info
            continue
        for below in found.fs.data_files(place):
            yield FileInfo(f"{place}/{below.path}", below.bytes, is_folder=False, modified=below.modified)
