"""Names of columns in Spark's expressions."""

from __future__ import annotations


def quoted(name: str) -> str:
    """A column's name as an expression takes it, whatever it holds."""
    return "`" + name.replace("`", "``") + "`"
