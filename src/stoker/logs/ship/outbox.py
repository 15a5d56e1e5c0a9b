"""A spool as the shipper sees it: what may be sent, in order, and what is done with it afterwards."""

from __future__ import annotations

import contextlib
import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from stoker.failpoints import failpoint
from stoker.logs.ship.claim import Claim, unlocked
from stoker.logs.ship.compress import SUFFIX
from stoker.logs.ship.names import Package, Segment, Written, scan, segment_path
from stoker.logs.ship.pack import pack, packed_in_memory

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

PACKAGE_BYTES = 64 * 1024 * 1024
"""Of lines, about, in one package, before they are compressed."""


@dataclass(frozen=True)
class Parcel:
    """One object to be put, and the file that goes when it is there."""

    key: str
    path: Path
    content: BinaryIO | None = None
    """In memory, if there is no room on the disk."""
    is_last: bool = True
    """Whether nothing else is made of the file."""

    def open(self) -> BinaryIO:
        """What is put, at its beginning."""
        return self.path.open("rb") if self.content is None else self.content


class Outbox:
    """What this process may ship: its own lines, and those of processes that nobody else ships for.

    Args:
        folder: The spool; need not be there yet.
        own: This process's writer, which is claimed for good; None to ship only what others have left.
    """

    def __init__(self, folder: Path, own: str | None = None) -> None:
        self.folder = folder
        self._own = own
        self._claims: dict[str, Claim] = {}
        self._unpacked: set[str] = set()
        self.problems: dict[str, str] = {}
        """Writers whose lines cannot be read, as those of another user; they do not hold up others."""
        if own is not None:
            with contextlib.suppress(OSError):  # the spool tells of it
                folder.mkdir(parents=True, exist_ok=True)
                self._claim(own)

    def collect(self, *, force: bool = False) -> None:
        """Claim writers, adopt what the dead ones left open, and pack what is complete.

        Args:
            force: Whether it is time to send whatever there is; else only full packages are made.

        Raises:
            OSError: If the disk refuses this process's own lines, otherwise than by being full.
        """
        self._unpacked.clear()
        self.problems.clear()
        for writer, written in scan(self.folder).items():
            with self._aside(writer):
                self._claim(writer)
                if writer in self._claims and writer != self._own:
                    self._adopt(writer, written)
        # As it is now: a shipper that had a claim before has removed what it sent.
        for writer, written in self.written().items():
            with self._aside(writer):
                self._pack(writer, written, force=force)

    @property
    def has_own(self) -> bool:
        """Whether this process's own lines are not being sent by another one."""
        return self._own is None or self._own in self._claims

    @contextlib.contextmanager
    def _aside(self, writer: str) -> Iterator[None]:
        """What the disk says of another process's lines is kept, and does not hold up these."""
        try:
            yield
        except OSError as error:
            if writer == self._own:
                raise
            self.problems[writer] = error.strerror or str(error)

    def written(self) -> dict[str, Written]:
        """What there is of each writer that is claimed."""
        return {writer: written for writer, written in scan(self.folder).items() if writer in self._claims}

    def parcels(self) -> Iterator[Parcel]:
        """The objects of all packages, oldest first for each writer; of segments too, if they could not be packed."""
        for writer, written in self.written().items():
            left: list[Segment] = []
            with self._aside(writer):
                left = _settled(written)
            if writer in self.problems:
                continue
            for package in written.packages:
                for path in members(package):
                    yield Parcel(path.relative_to(package.path).as_posix(), path)
            for segment in left if writer in self._unpacked else ():
                objects: dict[str, BinaryIO] = {}
                with self._aside(writer):
                    objects = packed_in_memory(writer, segment)
                if writer in self.problems:
                    break
                for number, (key, content) in enumerate(objects.items(), 1):
                    yield Parcel(key, segment.path, content, is_last=number == len(objects))

    def sent(self, parcel: Parcel) -> None:
        """Remove what the store has confirmed."""
        failpoint("logs.ship.confirmed")
        if parcel.is_last:
            parcel.path.unlink(missing_ok=True)

    def bytes_left(self, writer: str) -> int:
        """What there is of one writer, compressed or not."""
        with contextlib.suppress(OSError):
            for _ in range(2):  # between the list and the look at a file it may have been packed
                left = sum(sizes_of(files_of(scan(self.folder).get(writer, Written()))))
                if left:
                    return left
        return 0

    def release(self, *, own: bool = False) -> None:
        """Give back the claims on other writers: one that lives may begin to ship for itself.

        Args:
            own: Whether this process's own lines are left to others too.
        """
        with contextlib.suppress(OSError):
            for written in self.written().values():
                for package in written.packages:
                    _remove_if_sent(package)
        for writer in [each for each in self._claims if own or each != self._own]:
            self._claims.pop(writer).release()

    def _claim(self, writer: str) -> None:
        if writer not in self._claims:
            claim = Claim.take(self.folder, writer)
            if claim is not None:
                self._claims[writer] = claim

    def _adopt(self, writer: str, written: Written) -> None:
        """Complete what a dead process has left open."""
        for segment in written.open:
            with unlocked(segment.path) as is_dead:
                if is_dead:
                    segment.path.rename(segment_path(self.folder, writer, segment.number, complete=True))

    def _pack(self, writer: str, written: Written, *, force: bool) -> None:
        for path in written.torn:
            shutil.rmtree(path, ignore_errors=True)
        for package in written.packages:
            _remove_if_sent(package)
        for batch, is_full in _batches(_settled(written)):
            if is_full or force:
                try:
                    pack(self.folder, writer, batch)
                except OSError:
                    # They are sent from memory, one by one; if they cannot be read, that is found there.
                    self._unpacked.add(writer)
                    return


def files_of(written: Written) -> Iterator[Path]:
    """All files of a writer, oldest first."""
    for package in written.packages:
        yield from members(package)
    yield from (segment.path for segment in (*written.complete, *written.open))


def _settled(written: Written) -> list[Segment]:
    """The segments that are to be packed; those that are packed are removed before anything of their package is sent.

    Whoever packed them may have died before it came to this. When the package is gone, nothing tells that they were in it.
    """
    left = unpacked(written)
    for segment in written.complete:
        if segment not in left:
            segment.path.unlink(missing_ok=True)
    return left


def sizes_of(files: Iterable[Path]) -> Iterator[int]:
    """The bytes of those files that are still there."""
    for path in files:
        with contextlib.suppress(FileNotFoundError):
            yield path.stat().st_size


def unpacked(written: Written) -> list[Segment]:
    """The complete segments that are not in a package: those that are may still be there."""
    packed = [range(package.first, package.last + 1) for package in written.packages]
    return [segment for segment in written.complete if not any(segment.number in numbers for numbers in packed)]


def members(package: Package) -> list[Path]:
    """The objects of a package that are not sent yet."""
    return sorted(package.path.rglob(f"*{SUFFIX}"))


def _remove_if_sent(package: Package) -> None:
    if not members(package):
        shutil.rmtree(package.path, ignore_errors=True)


def _batches(segments: list[Segment]) -> Iterator[tuple[list[Segment], bool]]:
    """Segments in the sizes of packages, with whether it is full; no package has a gap, where one may still come."""
    batch: list[Segment] = []
    size = 0
    for segment in segments:
        if batch and segment.number != batch[-1].number + 1:
            yield batch, False
            batch, size = [], 0
        batch.append(segment)
        size += os.stat(segment.path).st_size  # noqa: PTH116 - called for each file, each second
        if size >= PACKAGE_BYTES:
            yield batch, True
            batch, size = [], 0
    if batch:
        yield batch, False
