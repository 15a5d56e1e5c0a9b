"""What tells the files of a source from others, by listings: no file is opened."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from stoker.connectors.inputs import input_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stoker.connectors.base import Context
    from stoker.connectors.paths import Path


def fingerprint(context: Context, paths: Sequence[Path]) -> dict[str, Any]:
    """What tells the files of some paths from others.

    Returns:
        `where`, `files`, `bytes`, `modified` (the newest), `digest` (of names, sizes and times), and `run`, the run that
        published last, if it is one folder that Stoker publishes.

    Raises:
        SourceError: If nothing is at one of the paths.
    """
    found = input_of(context, paths)
    files = sorted((info for part in found.parts for info in part.infos), key=lambda info: info.path)
    digest = hashlib.sha256()
    for at, info in enumerate(files):
        digest.update(f"{chr(10) if at else ''}{info.path}\t{info.bytes}\t{info.modified:.3f}".encode())
    told: dict[str, Any] = {
        "where": found.path,
        "files": len(files),
        "bytes": sum(info.bytes for info in files),
        "modified": None,
        "digest": digest.hexdigest(),
    }
    if files:
        newest = datetime.fromtimestamp(max(info.modified for info in files), UTC)
        told["modified"] = newest.isoformat(timespec="milliseconds")
    if found.latest is not None:
        told["run"] = found.latest.run_id
    return told
