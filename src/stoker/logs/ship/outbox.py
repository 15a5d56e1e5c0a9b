"""A spool as the shipper sees it: what may be sent, in order, and what is done with it afterwards."""

from __future__ import annotations

import contextlib
import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stoker.failpoints import failpoint
from stoker.logs.ship.claim import Claim, unlocked
from stoker.logs.ship.names import Segment, Written, scan, segment_path
from stoker.logs.ship.pack import SUFFIX, pack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PACKAGE_BYTES = 64 * 1024 * 1024
"""Of lines, at most, in one package: about a twelfth of it compressed."""


@dataclass(frozen=True)
class Parcel:
    """One object to be put."""

    path: Path
    key: str
    package: Path


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
        if own is not None:
            with contextlib.suppress(OSError):
                self._claimed(own)

    def collect(self, *, force: bool = False) -> None:
        """Claim writers, adopt what the dead ones left open, and pack what is complete.

        Args:
            force: Whether it is time to send whatever there is; else only full packages are made.

        Raises:
            OSError: If the disk refuses.
        """
        for writer, written in scan(self.folder).items():
            if not self._claimed(writer):
                continue
            if written.open and writer != self._own and self._adopt(writer, written):
                written = scan(self.folder).get(writer, Written())  # noqa: PLW2901 - as it is now
            self._pack(writer, written, force=force)

    def parcels(self) -> Iterator[Parcel]:
        """The objects of all packages, oldest first for each writer."""
        for writer, written in scan(self.folder).items():
            if writer not in self._claims:
                continue
            for package in written.packages:
                for path in sorted(package.path.rglob(f"*{SUFFIX}")):
                    yield Parcel(path, path.relative_to(package.path).as_posix(), package.path)

    def sent(self, parcel: Parcel) -> None:
        """Remove what the store has confirmed."""
        failpoint("logs.ship.confirmed")
        parcel.path.unlink(missing_ok=True)
        if not any(parcel.package.rglob(f"*{SUFFIX}")):
            shutil.rmtree(parcel.package, ignore_errors=True)

    def bytes_left(self, writer: str) -> int:
        """What is there of one writer."""
        with contextlib.suppress(OSError):
            written = scan(self.folder).get(writer, Written())
            packed = (path for package in written.packages for path in package.path.rglob(f"*{SUFFIX}"))
            plain = (segment.path for segment in (*written.open, *written.complete))
            return sum(path.stat().st_size for path in (*packed, *plain))
        return 0

    def release(self, *, own: bool = False) -> None:
        """Give back the claims on other writers: one that lives may begin to ship for itself.

        Args:
            own: Whether this process's own lines are left to others too.
        """
        written: dict[str, Written] = {}
        with contextlib.suppress(OSError):
            written = scan(self.folder)
        for writer in [each for each in self._claims if own or each != self._own]:
            self._claims.pop(writer).release(remove=writer not in written)

    def _claimed(self, writer: str) -> bool:
        if writer not in self._claims:
            claim = Claim.take(self.folder, writer)
            if claim is None:
                return False
            self._claims[writer] = claim
        return True

    def _adopt(self, writer: str, written: Written) -> bool:
        """Complete what a dead process has left open; whether there was any."""
        adopted = False
        for segment in written.open:
            with unlocked(segment.path) as is_dead:
                if is_dead:
                    segment.path.rename(segment_path(self.folder, writer, segment.number, complete=True))
                    adopted = True
        return adopted

    def _pack(self, writer: str, written: Written, *, force: bool) -> None:
        for path in written.torn:
            shutil.rmtree(path, ignore_errors=True)
        for package in written.packages:
            if not any(package.path.rglob(f"*{SUFFIX}")):
                shutil.rmtree(package.path, ignore_errors=True)  # all of it was sent
        left = []
        for segment in written.complete:
            if any(package.first <= segment.number <= package.last for package in written.packages):
                segment.path.unlink(missing_ok=True)  # it is packed: the process died before it came to this
            else:
                left.append(segment)
        for batch, is_full in _batches(left):
            if is_full or force:
                pack(self.folder, writer, batch)


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
