"""Where the server's data are, and who may work on them.

FOLDER/data            PostgreSQL's data, made whole or not at all
FOLDER/password        of the user `stoker`, 0600
FOLDER/server.log      what the server says
FOLDER/port            the port that it had last
FOLDER/lock            held while one process starts or stops the server
FOLDER/elsewhere.json  instead of all these, if PostgreSQL cannot keep its data there: where they are, and why
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import logging
import os
import pwd
import stat
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from stoker.errors import ConfigurationError, TransientError
from stoker.postgres.embedded.programs import ROOTS, USER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stoker.postgres.embedded.programs import Programs

logger = logging.getLogger(__name__)

_LONGEST = 900
"""Bytes of a data folder's path. PostgreSQL has room for 1,024 with names below it; with more, initdb works on a path cut short."""
_PATIENCE = 120.0
"""Seconds to wait for another process that starts or stops the server: its own patience is 60."""


def located(folder: Path) -> Path:
    """The folder, absolute and without symbolic links, so that it has one name only.

    Raises:
        ConfigurationError: If PostgreSQL cannot have such a name.
    """
    with contextlib.suppress(OSError, RuntimeError, UnicodeError):
        path = folder.resolve()
        # PostgreSQL keeps it on one line of a file, and says it as UTF-8.
        if min(str(path).encode()) >= ord(" "):
            return path
    raise ConfigurationError(
        f"The embedded PostgreSQL cannot have the folder {str(folder)!r}: it has line breaks, control characters, or bytes that "
        "are not UTF-8, or links that lead in a circle.",
        state="Nothing was written.",
        next_step="Name another one as folder= of the connection.",
    )


@contextlib.contextmanager
def usable(folder: Path) -> Iterator[None]:
    """Say what the machine refuses, in the words of the folder.

    Raises:
        ConfigurationError: Instead of an OSError.
    """
    try:
        yield
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        access = f"Grant access to it{_owned(folder)}, or name another one as folder= of the connection."
        at = f" ({error.filename})" if error.filename and Path(str(error.filename)) != folder else ""
        raise ConfigurationError(
            f"The folder {folder} of the embedded PostgreSQL cannot be used: {error.strerror or error}{at}.",
            state="Its data, if there are any, are as they were.",
            next_step="Free some space." if full else access,
        ) from error


def _owned(folder: Path) -> str:
    with contextlib.suppress(OSError):
        owner = next(each for each in (folder, *folder.parents) if each.exists()).stat().st_uid
        return "" if owner == os.geteuid() else f" (it belongs to the user {account(owner)})"
    return ""


def account(uid: int) -> str:
    """The name of a user, or the number if there is none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def existing(folder: Path) -> Path | None:
    """Where the folder's data are, or None if there are none yet."""
    for home in (folder, _elsewhere(folder)):
        if (home / "data" / "PG_VERSION").exists():
            return home
    return None


def choose(folder: Path, programs: Programs) -> Path:
    """Where new data are to be: in the folder, or elsewhere if PostgreSQL cannot have them there. Makes that folder."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(exist_ok=True)
        if programs.uid is not None:
            each.chmod(0o711)  # ours, so that the server's user may pass, whatever the umask says
    reason = _unfit(folder, programs)
    if reason is None:
        return folder
    home = _elsewhere(folder)
    home.mkdir(parents=True, exist_ok=True)
    if programs.uid is not None:
        for each in (home, home.parent):
            each.chmod(0o755)
    logger.warning("the data of the embedded PostgreSQL of %s are in %s, because %s", folder, home, reason)
    note = {"folder": str(home), "reason": reason}
    with contextlib.suppress(OSError):  # for people only; the way there is known without it
        (folder / "elsewhere.json").write_text(json.dumps(note, ensure_ascii=False, indent=2) + "\n", "utf-8")
    return home


def _unfit(folder: Path, programs: Programs) -> str | None:
    if len(os.fsencode(folder)) > _LONGEST:
        return "that path is too long for PostgreSQL"
    with tempfile.TemporaryDirectory(prefix="probe-", dir=folder) as name:
        probe = Path(name)
        try:
            programs.own(probe)
            probe.chmod(0o700)
        except PermissionError:
            return "the file system there does not keep owners and permissions"
        shown = probe.stat()
        if stat.S_IMODE(shown.st_mode) != 0o700 or shown.st_uid != (programs.uid or os.geteuid()):  # noqa: PLR2004 - a mode
            return "the file system there does not keep owners and permissions"
        if programs.uid is not None and not programs.reach(probe, write=True):
            return f"the user {USER}, who runs the server for root, cannot reach that folder"
    return None


def _elsewhere(folder: Path) -> Path:
    """Below /var/lib/stoker or ~/.local/state/stoker. Told by the folder's path alone: a note in the folder, which may come from anywhere, is not trusted to lead root."""
    if os.geteuid() == 0:
        base = ROOTS
    else:
        state = os.environ.get("XDG_STATE_HOME", "")
        base = Path(state) / "stoker" if Path(state).is_absolute() else Path.home() / ".local" / "state" / "stoker"
    return base / f"postgres-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]}"


@contextlib.contextmanager
def locked(home: Path) -> Iterator[None]:
    """Let one process at a time start or stop the server; the lock goes with the process.

    Raises:
        TransientError: If another one does not end.
    """
    deadline = time.monotonic() + _PATIENCE
    with (home / "lock").open("a") as stream:
        while not claim(stream.fileno()):
            if time.monotonic() > deadline:
                raise TransientError(
                    f"Another process has been starting or stopping the server of {home} for {_PATIENCE:g} s.",
                    state="Nothing was written.",
                    next_step="Try again when it has ended.",
                )
            time.sleep(0.02)
        yield


def claim(descriptor: int) -> bool:
    """Lock an open file, unless somebody else has; it is free again when the last copy of the descriptor is closed."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
