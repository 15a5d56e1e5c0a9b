"""Environment variables that set values: `STOKER_TABLE__KEY`, `STOKER_POSTGRES__NAME__KEY`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stoker.config.layout import FIXED, POSTGRES
from stoker.errors import suggestion

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def overrides(merged: dict[str, Any], environ: Mapping[str, str], mistakes: list[str]) -> None:
    """Put the values of variables into the merged tables; those that name nothing are mistakes.

    Args:
        merged: Tables by name; is changed.
        environ: The environment variables.
        mistakes: Is added to.
    """
    for variable, value in sorted(environ.items()):
        if not variable.startswith("STOKER_") or "__" not in variable:
            continue
        table, *names = variable.removeprefix("STOKER_").lower().split("__")
        if table == "places" and len(names) == 1:
            places = merged.setdefault("places", {})
            places[_spelled(names[0], places)] = value
        elif table in FIXED and len(names) == 1 and names[0] in FIXED[table]:
            merged.setdefault(table, {})[names[0]] = value
        elif table == "postgres" and len(names) == len(("connection", "key")) and names[1] in POSTGRES:
            connections = merged.setdefault("postgres", {})
            connections.setdefault(_spelled(names[0], connections), {})[names[1]] = value
        else:
            mistakes.append(f"variable {variable}: names no setting.{_near(table, names)}")


def _spelled(name: str, known: Iterable[str]) -> str:
    """The name as the file spells it; variables have no case and no hyphen."""
    folded = name.replace("-", "_")
    return next((other for other in known if other.lower().replace("-", "_") == folded), name)


def _near(table: str, names: list[str]) -> str:
    keys = FIXED.get(table) or (POSTGRES if table == "postgres" else None)
    if keys is None:
        return suggestion(table, [*FIXED, "places", "postgres"])
    return suggestion(names[-1], keys) if names else ""
