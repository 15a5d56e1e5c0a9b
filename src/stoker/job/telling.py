"""An error as the record has it, and as people read it there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stoker.errors import StokerError
from stoker.secrets import redact

if TYPE_CHECKING:
    from collections.abc import Mapping


def told(error: BaseException) -> dict[str, str | None]:
    """`type`, `message`, `state` and `next`, without secrets."""
    if isinstance(error, StokerError):
        parts = (error.what, error.state, error.next_step)
        what, state, next_step = (None if part is None else redact(part) for part in parts)
    else:
        what, state, next_step = redact(f"{type(error).__name__}: {error}"), None, "This is a bug in Stoker: report it."
    return {"type": type(error).__name__, "message": what, "state": state, "next": next_step}


def error_lines(error: Mapping[str, str | None]) -> list[str]:
    """What a record says of an error, for people: its message, then its state and next step two spaces further in.

    A message of several lines stays one text, so that it can be drawn as one.
    """
    lines = [f"error: {error['message']}".replace("\n", "\n  ")]
    return lines + [f"  {name}: {error[key]}" for key, name in (("state", "State"), ("next", "Next")) if error[key]]
