"""What a target's last commit says, looked up on the local disk without Spark."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from stoker.files.control import Target

_NAMES = {"byte": "tinyint", "short": "smallint", "integer": "int", "long": "bigint"}
"""What Spark's JSON calls otherwise than its DDL."""


def published_columns(path: str) -> dict[str, str] | None:
    """The types of the columns that are published, by their names; None if nothing is, or not on this disk.

    Args:
        path: A target.
    """
    if "://" in path.removeprefix("file://"):
        return None
    latest = Path(Target(path.removeprefix("file://").rstrip("/")).latest)
    try:
        fields = json.loads(latest.read_text("utf-8"))["schema"]["fields"]
        return {each["name"]: _shown(each["type"]) for each in fields}
    except (OSError, ValueError, KeyError, TypeError):
        return None  # what is wrong with it is said by the run, which must read it


def _shown(kind: Any) -> str:
    """A type of Spark's JSON as DDL has it."""
    if isinstance(kind, str):
        return _NAMES.get(kind, kind)
    name = kind["type"]
    if name == "struct":
        return "struct<" + ",".join(f"{each['name']}:{_shown(each['type'])}" for each in kind["fields"]) + ">"
    if name == "array":
        return f"array<{_shown(kind['elementType'])}>"
    if name == "map":
        return f"map<{_shown(kind['keyType'])},{_shown(kind['valueType'])}>"
    return _shown(kind.get("sqlType", name))
