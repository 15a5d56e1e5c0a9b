"""The files that a source names: they exist, and a publish in progress is honoured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stoker.errors import SourceError, suggestion
from stoker.files.control import Target
from stoker.files.filesystem import FileSystem, file_system
from stoker.files.view import View, view

if TYPE_CHECKING:
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
