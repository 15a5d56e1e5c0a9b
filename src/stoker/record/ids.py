"""Run ids: sortable by time when made here, free (within a file name) when given by a scheduler."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime

from stoker.errors import UsageError

_ALLOWED = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._:+=@-]{0,126}[A-Za-z0-9])?")


def new_run_id() -> str:
    """A new id such as `20261124T120315.042Z-3f9a1c`: the time in UTC, then 24 random bits."""
    now = datetime.now(UTC)
    return f"{now:%Y%m%dT%H%M%S}.{now.microsecond // 1000:03d}Z-{secrets.token_hex(3)}"


def checked_run_id(run_id: str) -> str:
    """The id itself if it can be part of a file name and of a table.

    Raises:
        UsageError: If it is empty, longer than 128 characters, or has others than letters, digits and `._:+=@-`.
    """
    if not _ALLOWED.fullmatch(run_id):
        raise UsageError(
            f"The run id {run_id!r} cannot be used.",
            next_step="Use 1 to 128 letters, digits and ._:+=@- (a letter or digit first and last), "
            "e.g. scheduled__2026-11-24.",
        )
    return run_id


def file_stem(run_id: str) -> str:
    """The id as the beginning of a file's name; no two ids have the same.

    A colon is legal in a run id (Airflow has it) and is not in file names everywhere; a comma is the other way round.
    """
    return run_id.replace(":", ",")
