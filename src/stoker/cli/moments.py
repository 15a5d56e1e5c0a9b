"""Points in time as options: `10m` ago, or `2026-11-26T07:00`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import click

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def age(value: str, units: str) -> timedelta | None:
    """`30d` as a time, or None if it is none.

    Args:
        value: A number with a unit.
        units: The letters of those that may be.
    """
    match = re.fullmatch(rf"(\d{{1,6}})([{units}])", value)
    return timedelta(**{_UNITS[match[2]]: int(match[1])}) if match else None


def moment(context: click.Context, parameter: click.Parameter, value: str | None) -> datetime | None:
    """The text of an option as a point in time; without a zone it is of this machine's."""
    del context, parameter
    if value is None:
        return None
    ago = age(value, "smhdw")
    if ago is not None:
        return datetime.now(UTC) - ago
    try:
        return datetime.fromisoformat(value).astimezone()
    except ValueError:
        raise click.BadParameter(
            f"{value!r} is no time: give for instance 90s, 10m, 2h or 1d for so long ago, or 2026-11-26T07:00."
        ) from None
