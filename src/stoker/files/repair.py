"""What killed runs left beside a target: looked at, and finished or removed, without a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stoker.files.control import read_commit
from stoker.files.lease import Lease, held, live_holder
from stoker.files.publish import recover, staged_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from stoker.files.control import Commit, Target
    from stoker.files.filesystem import FileSystem


@dataclass(frozen=True)
class Leftovers:
    """What is in a control folder and should not stay."""

    decided: Commit | None = None
    """A publish that was decided and is not finished."""
    staging: Sequence[str] = ()
    """Folders of rows that nobody decided to publish."""
    temporary: Sequence[str] = ()
    """Files whose writer did not come to rename them."""
    leases: Sequence[str] = ()
    kept: Sequence[str] = ()
    """The runs whose staging is not among that, because they still need it."""


def leftovers(fs: FileSystem, target: Target, needed: Callable[[str], bool]) -> Leftovers:
    """Look, and change nothing.

    Args:
        fs: The target's file system.
        target: The target.
        needed: Whether the run of an id still needs what it has staged to the end.

    Raises:
        TerminalError: If the intent cannot be read.
    """
    names = [entry.path for entry in fs.entries(target.control)]
    commits = [f"commits/{entry.path}" for entry in fs.entries(f"{target.control}/commits")]
    decided = read_commit(fs, target.intent) if target.intent.rpartition("/")[2] in names else None
    decided_staging = None if decided is None else target.staging(decided.nonce).rpartition("/")[2]
    needs = {
        f"staging-{each.nonce}": each.run_id
        for each in staged_whole(fs, target)
        if not (decided and each.nonce == decided.nonce) and needed(each.run_id)
    }
    return Leftovers(
        decided,
        [name for name in names if name.startswith("staging-") and name not in {decided_staging, *needs}],
        [name for name in (*names, *commits) if name.endswith(".tmp")],
        [name for name in names if name.startswith("lease-") and name.endswith(".json")],
        sorted(set(needs.values())),
    )


def repair(fs: FileSystem, target: Target, *, dry: bool, needed: Callable[[str], bool]) -> Leftovers:
    """Finish the publish that was decided, and remove the rest.

    Args:
        fs: The target's file system.
        target: The target.
        needed: As for `leftovers`.
        dry: Whether only to look.

    Returns:
        What there was.

    Raises:
        LeaseHeldError: If a run that lives publishes there; nothing is touched.
        SinkError: If the decided publish cannot be finished.
    """
    found = leftovers(fs, target, needed)
    if not (found.decided or found.staging or found.temporary or found.leases):
        return found
    if dry:
        holder = live_holder(fs, target, tidy=False)
        if holder is not None:
            raise held(target, holder, 0)
        return found
    lease = Lease(fs, target, run_id="repair", wait=0)
    try:
        recover(fs, target, keep=found.kept)
        for name in found.temporary:
            fs.delete(f"{target.control}/{name}")
    finally:
        lease.release()
    return found
