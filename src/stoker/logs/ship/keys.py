"""The keys of objects: folders that Spark and Athena take for the columns `job`, `run` and `date`."""

from __future__ import annotations

import hashlib
import re
from typing import Final

NONE: Final = "none"
"""The folder of lines that no job or no run has written."""
_LONGEST = 200
"""Bytes of a value: names of files end at 255."""
# What Spark escapes in the names of partitions, and unescapes when it reads them.
_ESCAPED = re.compile(r'[\x00-\x1f"#%\'*/:=?\\\x7f{}\[\]^]')


def folder_of(job: str | None, run: str | None, date: str) -> str:
    """`job=.../run=.../date=...`, with the values escaped as Spark escapes them.

    Args:
        job: The job's name.
        run: The run's id.
        date: The day of the first line, in UTC.
    """
    return f"job={escaped(job)}/run={escaped(run)}/date={date}"


def escaped(value: str | None) -> str:
    """A value as it stands in a key."""
    text = _ESCAPED.sub(lambda match: f"%{ord(match[0]):02X}", value or NONE)
    if len(text.encode()) > _LONGEST:
        # Not cut within an escape, and no two values alike.
        head = text.encode()[: _LONGEST - 20].decode(errors="ignore").rpartition("%")[0] or text[: (_LONGEST - 20) // 4]
        text = f"{head}~{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    return text
