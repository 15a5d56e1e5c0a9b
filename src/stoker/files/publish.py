"""Publishing into a folder: what an intent says is done, and done again after a kill, until it is finished.

The intent is the point of decision. Before it is written a kill leaves the old data and a staging folder that the next
publisher removes; after it, whoever comes next finishes the moves. Each step can be repeated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from stoker.errors import SinkError
from stoker.failpoints import failpoint
from stoker.files.control import read_commit

if TYPE_CHECKING:
    from stoker.files.control import Commit, Target
    from stoker.files.filesystem import FileSystem


def publish(fs: FileSystem, target: Target, commit: Commit) -> bool:
    """Decide the publish, then do it. The caller holds the lease.

    Returns:
        Whether folders were replaced by two renames, because the file system has no exchange: then readers other than
        Stoker's may have found nothing for a moment.

    Raises:
        SinkError: If the target's file system refuses; the next publisher goes on where this one stopped.
        TransientError: If the disk is full.
    """
    failpoint("files.publish.begin")
    fs.write_text(target.intent, commit.text())
    failpoint("files.publish.intent_written")
    return finish(fs, target, commit)


def recover(fs: FileSystem, target: Target) -> Commit | None:
    """Finish what a dead publisher decided and remove what it staged. The caller holds the lease.

    Returns:
        The commit that was finished, or None if there was nothing decided.
    """
    commit = read_commit(fs, target.intent)
    if commit is not None:
        finish(fs, target, commit)
    for entry in fs.entries(target.control):
        # All of them are dead: who stages holds the lease.
        if entry.path.startswith("staging-") or entry.path.endswith(".tmp"):
            fs.delete(f"{target.control}/{entry.path}")
    return commit


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
        for move in commit.moves:
            gap = _move(fs, commit, staged, target.path, move) or gap
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


def _move(fs: FileSystem, commit: Commit, staged: str, target: str, move: str) -> bool:
    source, goal = f"{staged}/{move}", f"{target}/{move}"
    if commit.mode == "append":
        if fs.exists(source):
            fs.move(source, goal)
        elif not fs.exists(goal):
            raise _lost(source, target)
        return False
    # A whole partition: its first new file tells whether it is there already.
    first = next(name for name in commit.files if name.startswith(f"{move}/"))
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


def _lost(staged: str, target: str) -> SinkError:
    return SinkError(
        f"{staged} is gone, though its publish into {target} was decided.",
        state=f"{target} may hold a part of that publish.",
        next_step="Restore the staging folder from a backup, or remove the intent file beside it and load the target "
        'again with mode="replace".',
    )
