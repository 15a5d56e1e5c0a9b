"""An error as the record has it."""

from __future__ import annotations

from stoker.errors import StokerError
from stoker.secrets import redact


def told(error: BaseException) -> dict[str, str | None]:
    """`type`, `message`, `state` and `next`, without secrets."""
    if isinstance(error, StokerError):
        parts = (error.what, error.state, error.next_step)
        what, state, next_step = (None if part is None else redact(part) for part in parts)
    else:
        what, state, next_step = redact(f"{type(error).__name__}: {error}"), None, "This is a bug in Stoker: report it."
    return {"type": type(error).__name__, "message": what, "state": state, "next": next_step}
