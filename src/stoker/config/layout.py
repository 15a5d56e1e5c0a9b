"""Which tables and keys there are, and which values they take."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from stoker.errors import suggestion

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

TABLES = ("jobs", "run", "spark", "places", "postgres", "logging")
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

RUN: dict[str, str] = {"records": "text", "parallel": "integer", "fail_fast": "boolean", "lease_wait": "number"}
LOGGING: dict[str, str] = {"level": "text"}
POSTGRES: dict[str, str] = {
    "embedded": "boolean",
    "folder": "text",
    "host": "text",
    "port": "integer",
    "database": "text",
    "user": "text",
    "password": "text",
    "sslmode": "text",
    "sslrootcert": "text",
    "connect_timeout": "number",
}
FIXED: dict[str, dict[str, str]] = {"run": RUN, "logging": LOGGING}

_TARGET = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_TYPES: dict[str, tuple[type, ...]] = {
    # Text is allowed for all, because "${PORT}" becomes a number only later.
    "text": (str,),
    "integer": (int, str),
    "number": (int, float, str),
    "boolean": (bool, str),
}


def check_layer(layer: Mapping[str, Any], where: str, mistakes: list[str], allowed: Iterable[str] = TABLES) -> None:
    """Collect unknown tables and keys, and values of the wrong type.

    Args:
        layer: The base tables, or those of an environment.
        where: What stands before the tables' names.
        mistakes: Is added to.
        allowed: The tables that may be there.
    """
    for table, content in layer.items():
        name = f"{where}.{table}" if where else table
        if table not in allowed:
            known = [*allowed, "environments"] if not where else allowed
            mistakes.append(f"[{name}] unknown table.{suggestion(table, known)}")
        elif not isinstance(content, dict):
            mistakes.append(f"[{name}] is a table, not {_shown(content)}")
        elif table in FIXED:
            check_keys(content, FIXED[table], name, mistakes)
        elif table == "postgres":
            _check_connections(content, name, mistakes)
        elif table == "spark":
            flattened(content, name, mistakes)
        else:
            _check_texts(content, name, mistakes, jobs=table == "jobs")


def check_keys(content: Mapping[str, Any], known: Mapping[str, str], where: str, mistakes: list[str]) -> None:
    """Collect unknown keys and values of the wrong type in one table."""
    for key, value in content.items():
        if key not in known:
            mistakes.append(f"[{where}] {key}: unknown key.{suggestion(key, known)}")
        elif not isinstance(value, _TYPES[known[key]]) or (isinstance(value, bool) and known[key] != "boolean"):
            mistakes.append(f"[{where}] {key}: should be {known[key]}, not {_shown(value)}")


def flattened(content: Mapping[str, Any], where: str, mistakes: list[str]) -> dict[str, str]:
    """Spark settings with dotted names: `[spark.sql.shuffle] partitions = 8` and `"spark.sql.shuffle.partitions" = 8`."""
    found: dict[str, str] = {}

    def walk(node: Mapping[str, Any], prefix: str) -> None:
        for key, value in node.items():
            name = f"{prefix}{key}"
            if isinstance(value, dict):
                walk(value, f"{name}.")
                continue
            full = name if name.startswith("spark.") else f"spark.{name}"
            if isinstance(value, bool):
                found[full] = str(value).lower()
            elif isinstance(value, int | float | str):
                found[full] = str(value)
                if "secret://" in found[full]:
                    mistakes.append(
                        f"[{where}] {name}: a secret is not put into Spark's settings, where everyone can read it; "
                        "use EMR.secret@... on EMR Serverless, or an instance role"
                    )
            else:
                mistakes.append(f"[{where}] {name}: should be text, a number or a boolean, not {_shown(value)}")

    walk(content, "")
    return found


def _check_connections(content: Mapping[str, Any], where: str, mistakes: list[str]) -> None:
    for name, settings in content.items():
        if not isinstance(settings, dict):
            mistakes.append(f"[{where}] {name}: is a table of its own, [{where}.{name}]")
        else:
            check_keys(settings, POSTGRES, f"{where}.{name}", mistakes)


def _check_texts(content: Mapping[str, Any], where: str, mistakes: list[str], *, jobs: bool) -> None:
    for key, value in content.items():
        if not isinstance(value, str) or not value:
            mistakes.append(f"[{where}] {key}: should be text, not {_shown(value)}")
        elif jobs and not _TARGET.fullmatch(value):
            mistakes.append(f"[{where}] {key}: {value!r} should be module:attribute, such as flights.pipelines:job")
        elif not jobs and not _NAME.fullmatch(key):
            mistakes.append(f"[{where}] {key}: a place's name has letters, digits, _ and -")


def _shown(value: Any) -> str:
    kinds = {bool: "a boolean", int: "an integer", float: "a number", str: "text", list: "a list", dict: "a table"}
    kind = kinds.get(type(value), type(value).__name__)
    # The value itself is not shown: it may be a password in the wrong place.
    return "the empty text" if value == "" else kind
