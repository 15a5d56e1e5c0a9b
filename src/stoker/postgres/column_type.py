"""The type of a column, exactly: COPY BINARY sends bytes that only this one type reads."""

from __future__ import annotations

from dataclasses import dataclass

_CUT = frozenset({"bit", "varbit", "bpchar", "varchar"})
"""A cast cuts what is too long for these, where COPY refuses it."""
_ZONED = frozenset({"timestamptz", "timetz", "tstzrange", "tstzmultirange"})
"""What a text without a zone means depends on the session's."""
_HEADER = 4
"""What PostgreSQL adds to lengths and precisions in a type modifier."""


@dataclass(frozen=True)
class ColumnType:
    """A type as the catalogue has it, seen through its domains."""

    sql: str
    """As SQL has it, with length or precision; a domain by its name."""
    oid: int
    """Of the type itself, not of what is below a domain."""
    base: str
    """The name in `pg_type`, below all domains; with the schema if it is not the server's own."""
    category: str
    """`pg_type.typcategory` of the base: `N` number, `S` text, `A` array, `E` enum, and others."""
    modifier: int = -1
    """`atttypmod`, or that of the domain; -1 for none."""
    element: ColumnType | None = None
    """Of an array."""
    takes_bytes: bool = False
    """Whether an extension's type has a cast from `bytea`, as PostGIS has for WKB."""

    @property
    def is_cast_as_copied(self) -> bool:
        """Whether a text that is cast to it, in any session, becomes what COPY would make of it."""
        inner = self.element or self
        is_cut = inner.base in _CUT and inner.modifier >= 0
        # Of a row type each field would have to be looked at.
        return not is_cut and inner.base not in _ZONED and inner.category != "C"

    @property
    def length(self) -> int | None:
        """Characters that a `varchar(n)` or `char(n)` holds; None without a limit."""
        return self.modifier - _HEADER if self.base in {"varchar", "bpchar"} and self.modifier >= _HEADER else None

    @property
    def scale(self) -> int | None:
        """Digits behind the point of a numeric that says so."""
        if self.base != "numeric" or self.modifier < 0:
            return None
        return (((self.modifier - _HEADER) & 0x7FF) ^ 0x400) - 0x400  # eleven bits with a sign: numeric.c

    @property
    def precision(self) -> int | None:
        """Digits in all of a numeric that says so."""
        return ((self.modifier - _HEADER) >> 16) & 0xFFFF if self.base == "numeric" and self.modifier >= 0 else None
