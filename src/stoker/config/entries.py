"""One value of a table, and where it stands."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, TypeAlias

_BARE = re.compile(r"[A-Za-z0-9_-]+")

EntryPath: TypeAlias = tuple[str, ...]
"""`("postgres", "warehouse", "host")`: the same in the base and in an environment's table."""


@dataclass(frozen=True)
class Entry:
    """One value as it was written, not yet checked."""

    path: EntryPath
    value: Any
    where: str
    """For messages: `stoker.toml [environments.testing.postgres.warehouse] host`, or the name of a variable."""
    environment: str | None = None
    """Of its table; None for the base and for variables."""
    from_variable: bool = False
    """Whether a `STOKER_` variable gave it: its value is text, and is taken as it is."""


Layer: TypeAlias = dict[EntryPath, Entry]
"""What one level says: the base tables, those of an environment, or the variables."""


def toml_key(name: str) -> str:
    """A key as TOML writes it: in quotes if it has other than letters, digits, `_` and `-`."""
    return name if _BARE.fullmatch(name) else json.dumps(name, ensure_ascii=False)


def toml_table(*names: str) -> str:
    """A table's heading: `[environments.production.places]`."""
    return f"[{'.'.join(map(toml_key, names))}]"
