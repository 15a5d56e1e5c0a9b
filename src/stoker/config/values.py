"""Values of the merged tables: environment variables filled in, text turned into numbers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_VARIABLE = re.compile(r"\$(?P<escaped>\$\{)|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}")
_TRUE, _FALSE = ("true", "yes", "1", "on"), ("false", "no", "0", "off")


def filled(text: str, environ: Mapping[str, str]) -> str:
    """The text with `${NAME}` and `${NAME:-default}` replaced; `$${` stays as `${`.

    Raises:
        LookupError: If a variable without a default is not set; its name is the argument.
    """

    def value(match: re.Match[str]) -> str:
        if match["escaped"]:
            return "${"
        found = environ.get(match["name"], match["default"])
        if found is None:
            raise LookupError(match["name"])
        return found

    return _VARIABLE.sub(value, text)


def converted(value: Any, kind: str) -> Any:
    """A value, possibly given as text, as the kind its key takes.

    Args:
        value: The value.
        kind: `text`, `integer`, `number` or `boolean`.

    Raises:
        ValueError: If it is not one.
    """
    if kind == "text" or not isinstance(value, str):
        return float(value) if kind == "number" else value
    if kind == "boolean":
        if value.lower() not in _TRUE + _FALSE:
            raise ValueError(value)
        return value.lower() in _TRUE
    return int(value) if kind == "integer" else float(value)
