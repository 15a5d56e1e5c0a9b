"""What `stoker repair` says of what it did at a sink of files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from stoker.errors import number_of

if TYPE_CHECKING:
    from collections.abc import Sequence


class _Decided(Protocol):
    """A publish, of a folder or a table."""

    @property
    def run_id(self) -> str:
        """Whose it is."""

    @property
    def mode(self) -> str:
        """How it publishes."""

    @property
    def files(self) -> Sequence[str]:
        """Its files."""


class _Leftovers(Protocol):
    """What was found."""

    @property
    def decided(self) -> _Decided | None:
        """A publish that is finished now."""

    @property
    def staging(self) -> Sequence[str]:
        """What was staged and is removed."""

    @property
    def temporary(self) -> Sequence[str]:
        """Temporary files."""

    @property
    def leases(self) -> Sequence[str]:
        """Leases."""

    @property
    def kept(self) -> Sequence[str]:
        """The runs that still need what they have staged."""


def told(found: _Leftovers) -> list[str]:
    """Each thing that was done, as a sentence without an end.

    Args:
        found: What there was.
    """
    done = []
    decided = found.decided
    if decided is not None:
        files = number_of(len(decided.files), "file")
        done.append(f"finished the publish of run {decided.run_id} ({decided.mode}, {files})")
    for names, thing in (
        (found.staging, "staging folder"),
        (found.temporary, "temporary file"),
        (found.leases, "lease"),
    ):
        if names:
            done.append(f"removed {number_of(len(names), thing)} of dead processes")
    done += [
        f"kept what run {run_id} has staged, whose rows another sink has; go on with it: stoker resume {run_id}"
        for run_id in found.kept
    ]
    return done
