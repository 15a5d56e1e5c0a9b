"""Publishing into a folder: what an intent says is done, and done again after a kill, until it is finished.

The intent is the point of decision. Before it is written a kill leaves the old data and a staging folder that the next
publisher removes; after it, whoever comes next finishes the moves. Each step can be repeated.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from stoker.errors import SinkError, StokerError, TerminalError, TransientError
from stoker.failpoints import failpoint
from stoker.files.control import read_commit

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from stoker.files.control import Commit, Target
    from stoker.files.filesystem import FileSystem


def publish(fs: FileSystem, target: Target, commit: Commit) -> bool:
    """Decide the publish, then do it. The caller holds the lease.

    Returns:
        Whether folders were replaced by two renames, because the file system has no exchange: then readers other than
        Stoker's may have found nothing for a moment.

    Raises:
        SinkError: If the intent cannot be written: nothing is published.
        TransientError: If the disk is full, with the same state; or if the file system refuses a step after the decision: the
            next publisher, of this run or another, goes on where this one stopped.
    """
    failpoint("files.publish.begin")
    fs.write_text(target.intent, commit.text())
    try:
        failpoint("files.publish.intent_written")
        return finish(fs, target, commit)
    except Exception as error:
        raise _cut(target, error) from error


def recover(fs: FileSystem, target: Target, *, keep: Collection[str] = ()) -> Commit | None:
    """Finish what a dead publisher decided and remove what was staged there. The caller holds the lease.

    Args:
        fs: The target's file system.
        target: The target.
        keep: The runs that may still need what they staged here in an earlier attempt, if it is whole.

    Returns:
        The commit that was finished, or None if there was nothing decided.
    """
    commit = read_commit(fs, target.intent)
    if commit is not None:
        finish(fs, target, commit)
    kept = {f"staging-{left.nonce}" for run_id in keep if (left := left_by(fs, target, run_id)) is not None}
    # All of them are dead: who stages holds the lease. Commits are written while there is an intent, and are many.
    for folder in (target.control, *([target.commits] if commit is not None else [])):
        for entry in fs.entries(folder):
            if entry.path not in kept and (entry.path.startswith("staging-") or entry.path.endswith(".tmp")):
                fs.delete(f"{folder}/{entry.path}")
    return commit


def left_by(fs: FileSystem, target: Target, run_id: str) -> Commit | None:
    """What an earlier attempt of a run has staged to the end and not published; None if there is nothing."""
    return next((each for each in staged_whole(fs, target) if each.run_id == run_id), None)


def staged_whole(fs: FileSystem, target: Target) -> Iterator[Commit]:
    """What runs have staged to the end, published or not."""
    for entry in fs.entries(target.control):
        nonce = entry.path.removeprefix("staging-")
        if nonce == entry.path:
            continue
        with suppress(TerminalError):  # of another version: of no use
            found = read_commit(fs, target.staged(nonce))
            if found is not None:
                yield found


def marker(commit: Commit) -> str:
    """A file in a folder that is moved as a whole: it tells on which side of the move the folder is."""
    return f"_stoker-{commit.nonce}"


def finish(fs: FileSystem, target: Target, commit: Commit) -> bool:
    """Do, or go on with, all that an intent says, and remove it; the answer is that of `publish`."""
    staged = f"{target.staging(commit.nonce)}/data"
    gap = False
    if commit.is_file:
        _replace_file(fs, f"{staged}/{target.name}", target.path, size=commit.bytes)
    elif commit.mode == "replace":
        if not fs.exists(f"{target.path}/{marker(commit)}"):
            gap = _replace_folder(fs, staged, target.path, old=f"{target.staging(commit.nonce)}/old")
    else:
        # Where nothing is moved, because there were no rows, the folder must be there all the same to be read.
        fs.make_folder(target.path)
        first = commit.first_files
        for move in commit.moves:
            gap = _move(fs, commit, staged, target.path, move, first[move]) or gap
            failpoint("files.publish.one_moved")
    failpoint("files.publish.moved")
    fs.write_text(target.commit(commit.run_id), commit.own_text())
    failpoint("files.publish.committed")
    fs.write_text(target.latest, commit.text())
    failpoint("files.publish.latest_written")
    fs.delete(target.intent)
    failpoint("files.publish.intent_removed")
    fs.delete(target.staging(commit.nonce))
    failpoint("files.publish.staging_removed")
    return gap


def _move(fs: FileSystem, commit: Commit, staged: str, target: str, move: str, first: str) -> bool:
    source, goal = f"{staged}/{move}", f"{target}/{move}"
    if commit.mode == "append":
        if fs.exists(source):
            fs.move(source, goal)
        elif not fs.exists(goal):
            raise _lost(source, target)
        return False
    # A whole partition: its first new file tells whether it is there already.
    if fs.exists(f"{target}/{first}"):
        return False
    return _replace_folder(fs, source, goal, old=f"{staged.removesuffix('/data')}/old/{move}")


def _replace_folder(fs: FileSystem, staged: str, target: str, *, old: str) -> bool:
    """Put the staged folder in the target's place; whether there was a moment without one."""
    if not fs.exists(staged):
        raise _lost(staged, target)
    if fs.exists(target):
        if fs.exchange(staged, target):
            failpoint("files.publish.exchanged")
            return False
        # No exchange here: readers that look between the two renames find nothing.
        fs.move(target, old)
        failpoint("files.publish.old_moved")
        fs.move(staged, target)
        return True
    fs.move(staged, target)
    return False


def _replace_file(fs: FileSystem, staged: str, target: str, *, size: int) -> None:
    """Put the staged file in the target's place; done before if the target has its size and it is gone."""
    if fs.exists(staged):
        fs.replace_file(staged, target)
    elif not fs.is_file(target) or fs.info(target).bytes != size:
        raise _lost(staged, target)


def _cut(target: Target, error: Exception) -> TransientError:
    """The error for a publish that was decided and is not finished."""
    cause = error.what if isinstance(error, StokerError) else f"{type(error).__name__}: {error}"
    return TransientError(
        f"Publishing into {target.path} was cut in the middle: {cause}",
        state="The publish is decided: Stoker's sources show the new rows already, and other readers may see a part of them "
        "until it is finished.",
        next_step="Remove the cause, then run again with the same run id: it finishes what is left. So does any other run into "
        "that folder, before it does anything else.",
    )


def _lost(staged: str, target: str) -> SinkError:
    return SinkError(
        f"{staged} is gone, though its publish into {target} was decided.",
        state=f"{target} may hold a part of that publish.",
        next_step="Restore the staging folder from a backup, or remove the intent file beside it and load the target "
        'again with mode="replace".',
    )
