"""Which run the lines of a segment belong to. Nearly always all are of one, and this is seen without parsing them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from stoker.logs.ship.keys import folder_of

if TYPE_CHECKING:
    from collections.abc import Iterator

# Quotes in a message are escaped, so that a match is the key itself.
_RUN = re.compile(rb'"run_id": ?"((?:[^"\\]|\\.)*)"')
_JOB = re.compile(rb'"job": ?"((?:[^"\\]|\\.)*)"')
_DAY = re.compile(rb'"ts": ?"(\d{4}-\d{2}-\d{2})')
_NO_DAY = "1970-01-01"


def grouped(content: bytes) -> Iterator[tuple[str, bytes]]:
    """The lines of a segment by the folder that they go to; those of no run go along with what is there of a run.

    Args:
        content: Whole lines.
    """
    if _is_one(_RUN, content) and _is_one(_JOB, content):
        yield folder_of(_first(_JOB, content), _first(_RUN, content), _first(_DAY, content) or _NO_DAY), content
        return
    parts: dict[tuple[str | None, str | None], list[bytes]] = {}
    for line in content.splitlines(keepends=True):
        parts.setdefault((_first(_JOB, line), _first(_RUN, line)), []).append(line)
    for (job, run), lines in parts.items():
        part = b"".join(lines)
        yield folder_of(job, run, _first(_DAY, part) or _NO_DAY), part


def _is_one(pattern: re.Pattern[bytes], content: bytes) -> bool:
    """Whether a key has no two values; counting one holds up other threads a tenth of what finding all does."""
    found = pattern.search(content)
    if found is None:
        return True
    key = found[0][: found[0].index(b":") + 1]
    return content.count(key) == content.count(found[0]) or len(set(pattern.findall(content))) == 1


def _first(pattern: re.Pattern[bytes], content: bytes) -> str | None:
    found = pattern.search(content)
    if found is None:
        return None
    try:
        text = json.loads(b'"' + found[1] + b'"')
    except ValueError:
        return found[1].decode(errors="replace")
    return str(text)
