"""What can be wrong with what is read, as errors."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from stoker.errors import ConfigurationError, SinkError, SourceError, StokerError
from stoker.postgres.refusals import explained, sqlstate

if TYPE_CHECKING:
    from collections.abc import Iterator

UNREAD = "Nothing was published."
_READ_ONLY = "25006"


@contextlib.contextmanager
def reading(what: str) -> Iterator[None]:
    """As `explained`, for a source: what the server refuses for good is a `SourceError`."""
    try:
        with explained(f"{what} cannot be read", state=UNREAD):
            yield
    except (SinkError, ConfigurationError) as error:
        if isinstance(error, ConfigurationError) and sqlstate(error.__cause__ or error) != _READ_ONLY:
            raise
        raise SourceError(error.what, state=error.state, next_step=_advice(error)) from error.__cause__


_ADVICE = {
    "42501": "Have the owner GRANT SELECT on it (and USAGE on its schema) to the connection's user.",
    "42P01": "Check the names in the query, with their schemas.",
    "3F000": "Check the names in the query, with their schemas.",
    "42": "Correct the query, or the condition of where=.",
    "22": "Correct what the query or the view computes, or leave such rows out.",
    _READ_ONLY: "Only what reads can be given as query= and where=.",
}


def _advice(error: StokerError) -> str | None:
    code = sqlstate(error.__cause__) if error.__cause__ else ""
    fitting = [key for key in _ADVICE if code.startswith(key)]
    return _ADVICE[max(fitting, key=len)] if fitting else error.next_step


def snapshot_is_gone(what: str) -> SourceError:
    """For a task that cannot take the driver's snapshot any more."""
    return SourceError(
        f"{what} cannot be read: its snapshot is gone. The run that made the frame has ended, or the connection that held "
        "the snapshot was lost (the server was restarted, or something on the way ended the session).",
        state=UNREAD,
        next_step="Run again: each run takes a new snapshot, and its frames cannot be used after it.",
    )


def another_server(what: str, server: str) -> SourceError:
    """For a task whose connection ends at another server than the driver's."""
    return SourceError(
        f"{what} cannot be read under one snapshot: {server} led a task to another server than the driver (a reader end "
        "point, or a pooler that spreads sessions over servers), and the parts would be of different states.",
        state=UNREAD,
        next_step="Name one server as host; or say read.postgres(..., consistent=False) if parts of different states will do.",
    )
