"""Which code a run has: the project's own modules, by their content."""

from __future__ import annotations

import hashlib
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

_INSTALLED = {"site-packages", "dist-packages"}
_SPARKS = ("pyspark", "py4j")


def loaded(folder: Path) -> dict[str, str]:
    """SHA-256 of the modules that are loaded and are the project's own, the entry point too.

    A module is the project's own if its file is below the project's folder, or in a zip on Python's path (that of
    `--py-files`); not if it is installed, or of Stoker.

    Args:
        folder: The project's.

    Returns:
        Digests by the path below the folder, or in the zip.
    """
    root, zips = folder.resolve(), _zips()
    found: dict[str, str] = {}
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if not isinstance(file, str) or name.partition(".")[0] == "stoker":
            continue
        zipped = next((file.removeprefix(f"{each}/") for each in zips if file.startswith(f"{each}/")), None)
        where = zipped or _below(Path(file).resolve(), root)
        content = None if where is None else _content(module, file)
        if where is not None and content is not None:
            found[where] = hashlib.sha256(content).hexdigest()
    return dict(sorted(found.items()))


def changes(before: Mapping[str, str], folder: Path, since: datetime) -> list[str]:
    """What differs from the modules of an earlier run, in words.

    Args:
        before: What `loaded` answered then.
        folder: The project's.
        since: When that run began. A module that is loaded only now and is older was there then too: the entry point
            for instance, where the run was started by another command.
    """
    now = loaded(folder)
    told = []
    for name, digest in before.items():
        current = now.get(name) or _digest(folder / name)
        if current is None:
            told.append(f"code: {name} is gone")
        elif current != digest:
            told.append(f"code: {name} has changed")
    for name in now.keys() - before.keys():
        file = folder / name
        if not file.is_file() or file.stat().st_mtime > since.timestamp():
            told.append(f"code: {name} is new")
    return sorted(told)


def _below(file: Path, root: Path) -> str | None:
    """The path below the project's folder, if the file is the project's own."""
    if not file.is_relative_to(root):
        return None
    parts = file.relative_to(root).parts
    environment = Path(sys.prefix).resolve()
    in_environment = environment != root and environment.is_relative_to(root) and file.is_relative_to(environment)
    if in_environment or _INSTALLED & set(parts) or any(part.startswith(".") for part in parts):
        return None
    return "/".join(parts)


def _zips() -> list[str]:
    return [
        entry
        for entry in sys.path
        if Path(entry).is_file() and not Path(entry).name.startswith(_SPARKS) and zipfile.is_zipfile(entry)
    ]


def _content(module: Any, file: str) -> bytes | None:
    # A module's loader reads out of a zip too; the entry point's may be none.
    read = getattr(getattr(module, "__loader__", None), "get_data", None)
    try:
        return Path(file).read_bytes() if read is None else bytes(read(file))
    except OSError:
        return None


def _digest(file: Path) -> str | None:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        return None
