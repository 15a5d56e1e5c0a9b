"""Names of schemas, tables and columns: quoted, checked for length, and read from a declaration."""

from __future__ import annotations

import re
from dataclasses import dataclass

from stoker.errors import DefinitionError, SinkError

LONGEST = 63
"""Bytes. PostgreSQL cuts what is longer without an error, so that two names could become one."""

_BARE = r"[^\W\d][\w$]*"
_PART = re.compile(rf'(?:"((?:[^"]|"")*)"|({_BARE}))(\.|$)')
_CAPITALS = str.maketrans({chr(code): chr(code + 32) for code in range(ord("A"), ord("Z") + 1)})
_PARTS = 2


def quote(name: str) -> str:
    """A name as SQL has it, whatever is in it: capitals, spaces, quotes, reserved words.

    Args:
        name: The name of a schema, table, column or constraint.

    Raises:
        SinkError: If PostgreSQL could not have such a name: empty, with NUL, not Unicode text, or above 63 bytes.
    """
    wrong = _wrong(name)
    if wrong:
        raise SinkError(
            f"{name!r} cannot be a name in PostgreSQL: it {wrong}.",
            next_step="Rename the column (withColumnRenamed) or the table.",
        )
    return '"' + name.replace('"', '""') + '"'


def _wrong(name: str) -> str | None:
    if not name:
        return "is empty"
    if "\0" in name:
        return "has a NUL character"
    try:
        length = len(name.encode())
    except UnicodeEncodeError:
        return "is not Unicode text (it has half of a surrogate pair)"
    return f"has {length} bytes in UTF-8, and {LONGEST} is the limit" if length > LONGEST else None


def shortened(name: str, length: int) -> str:
    """The beginning of a name that is no longer than some bytes in UTF-8."""
    return name.encode()[:length].decode(errors="ignore")


@dataclass(frozen=True)
class LoadTarget:
    """A table, with its schema once that is known; None stands for the first schema of the role's search path."""

    schema: str | None
    table: str

    @classmethod
    def parse(cls, text: str) -> LoadTarget:
        """Read `table` or `schema.table`, by SQL's rule: folded to lower case, unless a part is in double quotes.

        Args:
            text: `daily_delays`, `reports.daily_delays`, `reports."Odd name"`; a quote in a name is doubled.

        Raises:
            DefinitionError: If it is no such name.
        """
        parts: list[str] = []
        at, more = 0, True
        while more:
            match = _PART.match(text, at)
            if match is None:
                raise _unreadable(text)
            parts.append(match[2].translate(_CAPITALS) if match[1] is None else match[1].replace('""', '"'))
            at, more = match.end(), match[3] == "."
        if at != len(text) or len(parts) > _PARTS:
            raise _unreadable(text)
        for part in parts:
            wrong = _wrong(part)
            if wrong:
                raise DefinitionError(f"The table name {text!r} cannot be: {part!r} {wrong}.")
        return cls(parts[0] if len(parts) == _PARTS else None, parts[-1])

    @property
    def quoted(self) -> str:
        """The name without its schema, as SQL has it."""
        return quote(self.table)

    @property
    def sql(self) -> str:
        """The name as SQL has it."""
        return self.quoted if self.schema is None else f"{quote(self.schema)}.{self.quoted}"

    def __str__(self) -> str:
        parts = [self.table] if self.schema is None else [self.schema, self.table]
        return ".".join(part if _is_plain(part) else '"' + part.replace('"', '""') + '"' for part in parts)


def _is_plain(part: str) -> bool:
    return re.fullmatch(_BARE, part) is not None and part == part.translate(_CAPITALS)


def _unreadable(text: str) -> DefinitionError:
    quoted = '"' + text.replace('"', '""') + '"'
    return DefinitionError(
        f"{text!r} is no table name: expected table or schema.table.",
        next_step=f"Put a name with other characters than letters, digits and _ in double quotes: {quoted!r} is one table.",
    )
