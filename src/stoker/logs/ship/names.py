"""The names in a spool's folder.

    <host>-<pid>-<start>-<number>.open.jsonl        a segment that its process writes, locked while that process lives
    <host>-<pid>-<start>-<number>.jsonl             a complete segment
    <host>-<pid>-<start>-<first>+<last>.packed/     a package: these segments, as the objects that they become
    <host>-<pid>-<start>.lock                       locked by who ships that process's lines

What stands before the number is the writer: one process, told from a later one with the same pid by its start.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

OPEN, COMPLETE, PACKED, LOCK, TEMPORARY = ".open.jsonl", ".jsonl", ".packed", ".lock", ".tmp"
_NAME = re.compile(
    r"(?P<writer>.+-\d+-[^-]+)-(?P<first>\d{6,})(?:(?P<segment>\.open\.jsonl|\.jsonl)|\+(?P<last>\d{6,})\.packed(?P<torn>\.tmp)?)"
)


@dataclass(frozen=True, order=True)
class Segment:
    """A file of lines, the next of its writer has the next number."""

    number: int
    path: Path


@dataclass(frozen=True, order=True)
class Package:
    """A folder of compressed lines that came from the segments of these numbers."""

    first: int
    last: int
    path: Path


@dataclass
class Written:
    """What one process has left in a spool, each list oldest first."""

    open: list[Segment] = field(default_factory=list)
    complete: list[Segment] = field(default_factory=list)
    packages: list[Package] = field(default_factory=list)
    torn: list[Path] = field(default_factory=list)
    """Packages that were not finished: their segments are still there."""


def scan(folder: Path) -> dict[str, Written]:
    """What is in a spool, by writer; other files are left alone.

    Raises:
        OSError: If the folder cannot be read; that it is not there is no error.
    """
    found: dict[str, Written] = {}
    try:
        paths = sorted(folder.iterdir())
    except FileNotFoundError:
        return {}
    for path in paths:
        match = _NAME.fullmatch(path.name)
        if match is None:
            continue
        written = found.setdefault(match["writer"], Written())
        first = int(match["first"])
        if match["torn"]:
            written.torn.append(path)
        elif match["last"]:
            written.packages.append(Package(first, int(match["last"]), path))
        else:
            (written.open if match["segment"] == OPEN else written.complete).append(Segment(first, path))
    for written in found.values():
        for entries in (written.open, written.complete, written.packages):
            entries.sort()
    return found


def segment_path(folder: Path, writer: str, number: int, *, complete: bool) -> Path:
    """Where the segment of that number is."""
    return folder / f"{writer}-{number:06d}{COMPLETE if complete else OPEN}"


def package_path(folder: Path, writer: str, first: int, last: int) -> Path:
    """Where the package of these segments is."""
    return folder / f"{writer}-{first:06d}+{last:06d}{PACKED}"
