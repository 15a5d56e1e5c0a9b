"""The files of a new project, written beside the target and then shown in one step."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

from stoker.errors import ConfigurationError, UsageError
from stoker.failpoints import failpoint

TEMPLATE = Path(__file__).parent / "template"
PLACEHOLDER = "project_name"
"""Stands for the name in the template's files, and in the names of its folders."""
_SHOWN = 3
"""How many entries of a folder that is not empty are named."""


def make_project(name: str, target: Path, *, postgres: bool) -> Path:
    """Write a new project. A kill at any time leaves no target, or a whole one.

    Args:
        name: A name that `check_name` has let pass.
        target: The project's folder: one that does not exist, or is empty.
        postgres: Whether the job loads into PostgreSQL too.

    Returns:
        The folder, absolute.

    Raises:
        UsageError: If there is something at the target; it is left as it is.
        ConfigurationError: If it cannot be written.
    """
    folder = target.absolute()
    try:
        folder = target.resolve()
        _check_free(folder)
        # A neighbour is on the same file system, so that the rename is one step; it refuses a folder that is not empty.
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}.stoker-init-", dir=folder.parent) as staging:
            staged = Path(staging) / folder.name
            _write(staged, name, postgres=postgres)
            failpoint("scaffold.before_rename")
            staged.rename(folder)
    except (OSError, RuntimeError) as error:
        if isinstance(error, OSError) and error.errno in {errno.ENOTEMPTY, errno.EEXIST}:
            _check_free(folder)  # somebody was quicker
        raise ConfigurationError(
            f"The project cannot be written to {folder}: {getattr(error, 'strerror', None) or error}.",
            state="Nothing was written.",
            next_step=_what_to_do(folder),
        ) from None
    return folder


def files(*, postgres: bool) -> dict[Path, Path]:
    """The template's files, by where they stand in a project."""
    found: dict[Path, Path] = {}
    for layer in (TEMPLATE / "base", *([TEMPLATE / "postgres"] if postgres else [])):
        for path in sorted(layer.rglob("*")):
            place = path.relative_to(layer)
            # pip compiles what it installs, and tools that run in the template leave their caches.
            if path.is_file() and not any(part.endswith(("cache__", "_cache")) for part in place.parts):
                found[place] = path
    return found


def _write(folder: Path, name: str, *, postgres: bool) -> None:
    for place, path in files(postgres=postgres).items():
        target = folder / str(place).replace(PLACEHOLDER, name)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(path.read_text("utf-8").replace(PLACEHOLDER, name), "utf-8")
        failpoint("scaffold.file_written")


def _check_free(folder: Path) -> None:
    """Refuse a target that has something in it, or is a file."""
    if not folder.exists():
        return
    there = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    if there or not folder.is_dir():
        more = ", ..." if len(there) > _SHOWN else ""
        told = f"is not empty ({', '.join(there[:_SHOWN])}{more})" if there else "is a file"
        raise UsageError(
            f"{folder} {told}.",
            state="It was left as it is; nothing was written.",
            next_step="Name a new or an empty folder by --path, or move what is there.",
        )


def _what_to_do(folder: Path) -> str:
    if not os.path.lexists(folder.parent):
        return f"Make the folder above it first: mkdir -p {folder.parent}"
    return f"Check the rights and the space of {folder.parent}, or name another place by --path."
