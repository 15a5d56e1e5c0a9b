"""Whose files a folder holds: those of Stoker's commits, or some that nobody here wrote and that are never touched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stoker.errors import SinkError
from stoker.files.listing import is_within

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from stoker.files.control import Commit, Target

_SHOWN = 3
"""Files that a message names."""


def foreign(there: Sequence[str], latest: Commit | None) -> list[str]:
    """The data files that no commit accounts for, in their order.

    Args:
        there: All data files of the folder, below it.
        latest: The folder's last commit. One of an older version does not say what the folder held: then all is ours.
    """
    if latest is None:
        return list(there)
    if latest.content is None:
        return []
    ours = frozenset(latest.content)
    return [name for name in there if name not in ours]


def content_after(there: Sequence[str], not_ours: Collection[str], commit: Commit) -> list[str]:
    """The data files that are Stoker's once a commit is published, sorted.

    Args:
        there: All data files before it.
        not_ours: Those of them that stay somebody else's.
        commit: What is published.
    """
    if commit.mode == "replace":
        return sorted(commit.files)
    replaced = frozenset(commit.moves if commit.mode == "replace_partitions" else ())
    excluded = frozenset(not_ours)
    kept = (name for name in there if name not in excluded and not is_within(name, replaced))
    return sorted({*kept, *commit.files})


def touched(names: Sequence[str], commit: Commit) -> list[str]:
    """Those of the files that a commit's publish would remove or be mixed with."""
    if commit.mode != "replace_partitions":
        return list(names)
    replaced = frozenset(commit.moves)
    return [name for name in names if is_within(name, replaced)]


def not_ours(target: Target, names: Sequence[str], mode: str) -> SinkError:
    """The refusal of a folder that holds somebody else's files."""
    shown = ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
    number = "a data file" if len(names) == 1 else f"{len(names)} data files"
    then = "adds to them" if mode == "append" else "replaces them"
    return SinkError(
        f"{target.path} holds {number} that Stoker did not write: {shown}.",
        state="They are untouched, and nothing was published there.",
        next_step=f'Give another folder, move them away, or take the folder over with adopt=True: mode="{mode}" then {then}.',
    )


def not_our_file(target: Target) -> SinkError:
    """The refusal of a target that is somebody else's file."""
    return SinkError(
        f"{target.path} is a file that Stoker did not write.",
        state="It is untouched, and nothing was published there.",
        next_step="Give another name=, move it away, or let it be replaced with adopt=True.",
    )
