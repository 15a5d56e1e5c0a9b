"""What tells the files of a source from others, by listings: no file is opened."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from stoker.connectors.inputs import input_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from stoker.connectors.base import Context
    from stoker.connectors.inputs import Part
    from stoker.connectors.paths import Path
    from stoker.files.listing import FileInfo


def fingerprint(context: Context, paths: Sequence[Path]) -> dict[str, Any]:
    """What tells the files of some paths from others.

    Returns:
        `where`, `files`, `bytes`, `modified` (the newest), `digest` (of names, sizes and times), and `run`, the run that
        published last, if it is one folder that Stoker publishes.

    Raises:
        SourceError: If nothing is at one of the paths.
    """
    found = input_of(context, paths)
    files = sorted((info for part in found.parts for info in _files(part)), key=lambda info: info.path)
    lines = [f"{info.path}\t{info.bytes}\t{info.modified:.3f}" for info in files]
    told: dict[str, Any] = {
        "where": found.path,
        "files": len(files),
        "bytes": sum(info.bytes for info in files),
        "modified": None,
        "digest": hashlib.sha256("\n".join(lines).encode()).hexdigest(),
    }
    if files:
        newest = datetime.fromtimestamp(max(info.modified for info in files), UTC)
        told["modified"] = newest.isoformat(timespec="milliseconds")
    if found.latest is not None:
        told["run"] = found.latest.run_id
    return told


def _files(part: Part) -> Iterable[FileInfo]:
    if part.base is None:
        return (part.fs.info(path) for path in part.files or ())
    wanted = None if part.files is None else set(part.files)
    return (info for info in part.listed if wanted is None or info.path in wanted)
