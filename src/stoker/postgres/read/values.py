"""Values in SQL that is declared: `:name` outside of quotes and comments stands for one, and is never pasted as text."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from types import NoneType
from typing import TYPE_CHECKING, Any

from stoker.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_TOKEN = re.compile(
    r"""
    [eE]'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*' | "(?:[^"]|"")*"  # texts, names
    | --[^\n]* | /\*.*?\*/                                      # comments
    | \$(?P<tag>\w*)\$.*?\$(?P=tag)\$                           # texts in dollars
    | ::                                                        # a cast
    | (?<![\w:\])]):(?P<name>[A-Za-z_]\w*)                      # not the end of a slice, [1:n]
    """,
    re.VERBOSE | re.DOTALL,
)


_LITERALS: tuple[tuple[type, Callable[[Any], str]], ...] = (
    (NoneType, lambda _: "NULL"),
    (bool, lambda value: str(value).upper()),
    (int, lambda value: f"({value})"),
    (float, lambda value: f"'{value!r}'::float8"),
    (Decimal, lambda value: f"'{value}'::numeric"),
    (datetime, lambda value: f"'{value.isoformat(' ')}'::timestamp{'tz' if value.tzinfo else ''}"),
    (date, lambda value: f"'{value.isoformat()}'::date"),
    (str, lambda value: "'" + value.replace("'", "''") + "'"),
)
"""The first kind that fits counts."""


def names(sql: str) -> set[str]:
    """The names that stand for values."""
    return {match["name"] for match in _TOKEN.finditer(sql) if match["name"]}


def ended(sql: str) -> str:
    """A statement without what may stand behind it: semicolons, comments, spaces."""
    end = at = 0
    for match in (*_TOKEN.finditer(sql), None):
        between = sql[at : match.start() if match else len(sql)].rstrip(" \t\r\n\f;")
        if between:
            end = at + len(between)
        if match:
            at = match.end()
            if not match[0].startswith(("--", "/*")):
                end = at
    return sql[:end]


def filled(sql: str, values: Mapping[str, object]) -> str:
    """The SQL with all values.

    Args:
        sql: A SELECT or a condition.
        values: By all its names.

    Raises:
        UsageError: If a value has a type that SQL has not.
    """
    return _TOKEN.sub(lambda match: literal(match["name"], values[match["name"]]) if match["name"] else match[0], sql)


def literal(name: str, value: object) -> str:
    """A value in SQL, for a session with standard-conforming texts.

    Args:
        name: For messages.
        value: None, a truth value, a number, a text, a date or time, or a list of these.

    Raises:
        UsageError: If it is something else.
    """
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, list | tuple):
        # An empty text is an array of any type.
        return f"ARRAY[{', '.join(literal(name, each) for each in value)}]" if value else "'{}'"
    for kind, write in _LITERALS:
        if isinstance(value, kind) and "\0" not in str(value):
            return write(value)
    raise UsageError(
        f"The value {name!r} of read.postgres is {value!r}, which SQL has not.",
        next_step="Give None, a truth value, a number, a text, a date, a time, or a list of these.",
    )
