"""The lines of a segment, in parts that are small enough not to hold up the threads that log."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PART = 128 * 1024


def parts_of(path: Path) -> Iterator[bytes]:
    """The file in parts of whole lines; it may be compressed.

    The last line of a process that died in mid-write may be torn: what there is of it is told in a line of its own.
    """
    last = b""
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        while part := file.read(_PART) + file.readline():
            if not part.endswith(b"\n"):
                whole, newline, torn = part.rpartition(b"\n")
                last = whole.rpartition(b"\n")[2] or last
                part = whole + newline + _told(last, torn)
            yield part
            last = part[:-1].rpartition(b"\n")[2]


def _told(before: bytes, torn: bytes) -> bytes:
    known = parsed(before)
    told = {
        "ts": known.get("ts"),
        "level": "WARNING",
        "logger": "stoker.logs",
        "msg": f"this line was not written to its end: {torn.decode(errors='replace')}",
        "context": known.get("context", {}),
    }
    return json.dumps(told, ensure_ascii=False).encode() + b"\n"


def parsed(line: bytes) -> dict[str, Any]:
    """The object of a line, or an empty one if it is none."""
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
