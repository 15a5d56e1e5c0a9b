"""What killed runs left of a table's loads: looked at, and finished or removed, without a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stoker.files.lease import Lease, held, live_holder
from stoker.files.publish import staged_whole
from stoker.tables.commit import TableCommit, read_table_commit
from stoker.tables.home import Home, home_of
from stoker.tables.publish import is_decided, recover, staged_nonces

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from stoker.files.filesystem import FileSystem
    from stoker.tables.catalogue import Catalogue


@dataclass(frozen=True)
class Leftovers:
    """What is in a control folder and should not stay."""

    decided: TableCommit | None = None
    """A publish that was decided and is not finished."""
    undecided: TableCommit | None = None
    """One that the catalogue had not been told of."""
    staging: Sequence[str] = ()
    """Attempts whose rows nobody decided to publish."""
    temporary: Sequence[str] = ()
    """Files whose writer did not come to rename them."""
    leases: Sequence[str] = ()
    kept: Sequence[str] = ()
    """The runs whose staged rows are not among that, because they still need them."""

    @property
    def is_nothing(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.decided or self.undecided or self.staging or self.temporary or self.leases)


def home_now(catalogue: Catalogue) -> Home:
    """The home of a table as the catalogue has it; without one, where it would be made."""
    return home_of(catalogue.name, catalogue.facts(), catalogue.default_location())


def leftovers(fs: FileSystem, home: Home, catalogue: Catalogue, needed: Callable[[str], bool]) -> Leftovers:
    """Look, and change nothing.

    Args:
        fs: The file system of the table's loads.
        home: The folder of the table's loads.
        catalogue: The table.
        needed: Whether the run of an id still needs what it has staged to the end.

    Raises:
        TerminalError: If the intent cannot be read.
    """
    target = home.target
    names = [entry.path for entry in fs.entries(target.control)]
    commits = [f"commits/{entry.path}" for entry in fs.entries(target.commits)]
    intent = read_table_commit(fs, target.intent)
    decided = intent is not None and (not intent.switches or is_decided(catalogue, intent))
    waits = intent.nonce if intent is not None and decided else None
    needs = {
        each.nonce: each.run_id
        for each in staged_whole(fs, target, read_table_commit)
        if each.nonce != waits and needed(each.run_id)
    }
    return Leftovers(
        intent if decided else None,
        None if decided else intent,
        [nonce for nonce in staged_nonces(fs, home) if nonce not in {waits, *needs}],
        [name for name in (*names, *commits) if name.endswith(".tmp")],
        [name for name in names if name.startswith("lease-") and name.endswith(".json")],
        sorted(set(needs.values())),
    )


def repair(fs: FileSystem, home: Home, catalogue: Catalogue, *, dry: bool, needed: Callable[[str], bool]) -> Leftovers:
    """Finish the publish that was decided, and remove the rest.

    Args:
        fs: The file system of the table's loads.
        home: The folder of the table's loads.
        catalogue: The table.
        dry: Whether only to look.
        needed: As for `leftovers`.

    Returns:
        What there was.

    Raises:
        LeaseHeldError: If a run that lives publishes there; nothing is touched.
        SinkError: If the decided publish cannot be finished.
    """
    found = leftovers(fs, home, catalogue, needed)
    if found.is_nothing:
        return found
    if dry:
        holder = live_holder(fs, home.target, tidy=False)
        if holder is not None:
            raise held(home.target, holder, 0)
        return found
    lease = Lease(fs, home.target, run_id="repair", wait=0)
    try:
        recover(fs, home, catalogue, keep=found.kept)
        for name in found.temporary:
            fs.delete(f"{home.target.control}/{name}")
    finally:
        lease.release()
    return found
