"""Publishing into a table: what an intent says is done, and done again after a kill, until it is finished.

Where one call to the metastore shows the rows (`TableCommit.switches`), that call decides: before it the old rows stand for
every reader, after it the new ones, and whoever comes next sees by the table's location which it is. Else the intent decides,
as for folders: from then on Stoker's sources show the new rows, and whoever comes next goes on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from stoker.errors import SinkError, StokerError, TransientError, UnknownCommitError
from stoker.failpoints import failpoint
from stoker.files.publish import staged_whole
from stoker.files.view import schema_of
from stoker.tables.answers import RefusedError
from stoker.tables.change import change
from stoker.tables.commit import TableCommit, read_table_commit
from stoker.tables.plan import values_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from stoker.files.filesystem import FileSystem
    from stoker.tables.catalogue import Catalogue
    from stoker.tables.home import Home


def publish(fs: FileSystem, home: Home, catalogue: Catalogue, commit: TableCommit) -> None:
    """Decide the publish and do it. The caller holds the lease.

    Raises:
        SinkError: If the catalogue refuses: nothing is published.
        TransientError: If it is cut after the decision: the next publisher, of this run or another, goes on.
        UnknownCommitError: If the catalogue cannot even be asked what it did.
    """
    failpoint("tables.publish.begin")
    fs.write_text(home.target.intent, commit.text())
    try:
        failpoint("tables.publish.intent_written")
        finish(fs, home, catalogue, commit)
    except Exception as error:
        if _undone(fs, home, catalogue, commit, error):
            raise _refused(catalogue, error) from error
        raise _cut(catalogue, commit, error) from error


def _undone(fs: FileSystem, home: Home, catalogue: Catalogue, commit: TableCommit, error: Exception) -> bool:
    """Take back what was not decided; whether it is.

    Raises:
        UnknownCommitError: If the catalogue cannot be asked.
    """
    try:
        if commit.switches and not is_decided(catalogue, commit):
            undo(fs, home, catalogue, commit)
            return True
        if not commit.switches and isinstance(error, RefusedError) and _is_untouched(fs, catalogue, commit):
            undo(fs, home, catalogue, commit)
            return True
    except Exception as second:  # noqa: BLE001 - metastores raise many
        raise UnknownCommitError(
            f"Whether {catalogue.name} was published is not known: {_cause(error)}; and then: {_cause(second)}",
            state="Its readers find the old rows or the new ones, nothing in between.",
            next_step="See that the catalogue answers, then run again with the same run id: it looks what was done.",
        ) from error
    return False


def is_decided(catalogue: Catalogue, commit: TableCommit) -> bool:
    """Whether the catalogue leads to the rows of a commit that switches."""
    facts = catalogue.facts()
    return facts is not None and facts.location == commit.folder


def _is_untouched(fs: FileSystem, catalogue: Catalogue, commit: TableCommit) -> bool:
    """Whether the first change of a commit was refused."""
    facts = catalogue.facts()
    if facts is None or commit.creates:
        return facts is None
    changed = [values for values, _ in (*commit.added, *commit.moved)]
    known = catalogue.partitions([*changed, *commit.dropped]) if facts.partition_by else {}
    return (
        not any(known.get(values) == place for values, place in (*commit.added, *commit.moved))
        and all(values in known for values in commit.dropped)
        and all(fs.exists(source) for source, _ in commit.moves)
    )


def undo(fs: FileSystem, home: Home, catalogue: Catalogue, commit: TableCommit) -> None:
    """Give up a publish that was not decided; the table's columns are again what they were."""
    facts = catalogue.facts()
    if commit.former is not None and facts is not None and facts.schema.jsonValue() != commit.former:
        catalogue.set_columns(schema_of(commit.former), commit.partition_by)
    fs.delete(home.target.intent)


def recover(fs: FileSystem, home: Home, catalogue: Catalogue, *, keep: Collection[str] = ()) -> TableCommit | None:
    """Finish what a dead publisher decided and remove what was staged. The caller holds the lease.

    Args:
        fs: The file system of the table's loads.
        home: The folder of the table's loads.
        catalogue: The table.
        keep: The runs that may still need what they staged here in an earlier attempt, if it is whole.

    Returns:
        The commit that was finished, or None if there was nothing decided.

    Raises:
        SinkError: If the catalogue refuses what was decided.
    """
    target = home.target
    commit = read_table_commit(fs, target.intent)
    try:
        if commit is not None and commit.switches and not is_decided(catalogue, commit):
            undo(fs, home, catalogue, commit)
            commit = None
        if commit is not None:
            finish(fs, home, catalogue, commit)
    except RefusedError as error:
        raise _cut(catalogue, commit, error) from error
    kept = {each.nonce for each in staged_whole(fs, target, read_table_commit) if each.run_id in keep}
    for folder in (target.control, *([target.commits] if commit is not None else [])):
        for entry in fs.entries(folder):
            if entry.path.endswith(".tmp"):
                fs.delete(f"{folder}/{entry.path}")
    for nonce in staged_nonces(fs, home):
        if nonce not in kept:
            discard(fs, home, nonce)
    return commit


def staged_nonces(fs: FileSystem, home: Home) -> list[str]:
    """The attempts that have staged, or begun to, and are not published."""
    found = (entry.path for entry in fs.entries(home.target.control))
    return [name.removeprefix("staging-") for name in found if name.startswith("staging-")]


def discard(fs: FileSystem, home: Home, nonce: str) -> None:
    """Remove what an attempt has staged; nothing happens once it is published, for then it has no mark any more."""
    if fs.exists(home.target.staging(nonce)):
        fs.delete(home.load(nonce))
        fs.delete(home.target.staging(nonce))


def finish(fs: FileSystem, home: Home, catalogue: Catalogue, commit: TableCommit) -> None:
    """Do, or go on with, all that an intent says, and remove it.

    Raises:
        RefusedError: If the catalogue refuses.
        SinkError: If the staged rows, or the table, are gone.
    """
    change(fs, catalogue, commit)
    failpoint("tables.publish.switched")
    facts = catalogue.facts()
    if facts is not None and facts.has_statistics:
        catalogue.forget_statistics()
    catalogue.refresh()
    target = home.target
    fs.write_text(target.commit(commit.run_id), commit.text())
    failpoint("tables.publish.committed")
    former = read_table_commit(fs, target.latest)
    if former is not None and former.nonce != commit.nonce:
        _remove(fs, home, catalogue, former.replaced, kept=[commit.location, *commit.replaced])
    _remove_emptied(fs, commit)
    fs.write_text(target.latest, commit.text())
    failpoint("tables.publish.latest_written")
    # The mark first: without it nobody takes the published rows for staged ones.
    fs.delete(target.staging(commit.nonce))
    failpoint("tables.publish.mark_removed")
    fs.delete(target.intent)
    failpoint("tables.publish.intent_removed")


def _remove_emptied(fs: FileSystem, commit: TableCommit) -> None:
    """Remove the folders of which all files were moved among those that were there."""
    for folder in {source.rpartition("/")[0] for source, _ in commit.moves} - {commit.folder}:
        fs.delete(folder)
    if commit.location != commit.folder and not commit.added and not commit.moved:
        fs.delete(commit.folder)


def _remove(fs: FileSystem, home: Home, catalogue: Catalogue, folders: list[str], *, kept: list[str]) -> None:
    """Remove folders of former loads, but for those that somebody has made the catalogue lead to again."""
    below = {folder: folder.removeprefix(home.load("")).partition("/") for folder in folders if home.has(folder)}
    facts = catalogue.facts()
    used = set(kept)
    if facts is not None and below:
        partitions = [values_of(path) for _, _, path in below.values() if path]
        used |= {facts.location, *(catalogue.partitions(partitions).values() if partitions else ())}
    for folder, (nonce, _, _) in below.items():
        if folder not in used:
            fs.delete(folder)
            top = home.load(nonce)
            if top not in used and not any(fs.data_files(top)):
                fs.delete(top)


def _cause(error: Exception) -> str:
    return error.what if isinstance(error, StokerError) else str(error).strip().partition("\n")[0] or repr(error)


def _refused(catalogue: Catalogue, error: Exception) -> StokerError:
    state = "Nothing was published: the table is as it was."
    if isinstance(error, RefusedError):
        return SinkError(
            f"The catalogue does not take the new rows of {catalogue.name}: {error}",
            state=state,
            next_step="Check the rights on the table and its place, then run again.",
        )
    kind = type(error) if isinstance(error, StokerError) else TransientError
    return kind(f"{catalogue.name} was not published: {_cause(error)}", state=state, next_step="Run again.")


def _cut(catalogue: Catalogue, commit: TableCommit | None, error: Exception) -> StokerError:
    all_see = commit is not None and commit.switches
    return TransientError(
        f"Publishing into {catalogue.name} was cut in the middle: {_cause(error)}",
        state="The publish is decided: "
        + (
            "all readers find the new rows already; what is left is to note that."
            if all_see
            else "Stoker's sources show the new rows already, and other readers may see a part of them until it is finished."
        ),
        next_step="Remove the cause, then run again with the same run id: it finishes what is left. So does any other run into "
        "that table, before it does anything else.",
    )
