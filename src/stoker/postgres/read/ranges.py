"""The parts of a table that tasks read: conditions of which each row fulfils exactly one."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from stoker.postgres.names import quote

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pg8000.native import Connection

_PART = 2048
"""Blocks that are worth a task of their own: 16 MiB, by default."""
MOST = 8
"""Connections at a time, unless the declaration says otherwise."""
_HISTOGRAM = """
SELECT quote_literal(bound) || '::' || format_type(a.atttypid, a.atttypmod)
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_stats s ON s.tablename = c.relname AND s.schemaname = c.relnamespace::regnamespace::text AND s.attname = a.attname
CROSS JOIN unnest(s.histogram_bounds::text::text[]) WITH ORDINALITY AS bounds (bound, number)
WHERE a.attrelid = :oid AND a.attname = :column AND s.inherited = c.relkind IN ('p')
ORDER BY number
"""


def number_of_parts(blocks: Sequence[int], slots: int, asked: int | None) -> int:
    """How many parts a table has.

    Args:
        blocks: The sizes of the table and of all that belongs to it.
        slots: How many tasks run at a time.
        asked: How many the declaration wants.
    """
    if asked is not None:
        return max(1, min(asked, sum(blocks)))
    return max(1, min(slots, MOST, sum(blocks) // _PART + 1))


def by_place(blocks: Sequence[int], parts: int) -> list[str]:
    """Ranges of blocks: each is one sequential read.

    Args:
        blocks: The sizes of the table and of all that belongs to it. A range means these blocks of each of them.
        parts: How many.
    """
    bounds = _cuts(blocks, parts)
    return between("ctid", [f"'({block},0)'::tid" for block in bounds])


def _cuts(blocks: Sequence[int], parts: int) -> list[int]:
    """The blocks at which the ranges begin, but for the first, so that all ranges have about as many blocks."""
    share, cuts = sum(blocks) / parts, list[int]()
    before, behind, left = 0, 0.0, len(blocks)
    for size in sorted(blocks):
        # As far as the smallest table that is left reaches, each block number means one block of each.
        while left and len(cuts) < parts - 1 and behind + (size - before) * left > share * (len(cuts) + 1):
            cuts.append(before + round((share * (len(cuts) + 1) - behind) / left))
        behind += (size - before) * left
        before, left = size, left - 1
    return sorted({cut for cut in cuts if cut > 0})


def by_key(connection: Connection, oid: int, column: str, parts: int) -> list[str] | None:
    """Ranges of a column's values by what ANALYZE knows of them; None if it knows nothing."""
    bounds = [bound for (bound,) in connection.run(_HISTOGRAM, oid=oid, column=column)]
    if not bounds:
        return None
    chosen = (bounds[len(bounds) * number // parts] for number in range(1, parts))
    return between(quote(column), list(dict.fromkeys(chosen)), nulls=True)


def between(column: str, bounds: Sequence[str], *, nulls: bool = False) -> list[str]:
    """The conditions of the ranges between some bounds, in SQL; without bounds a single one that holds always.

    Args:
        column: In SQL.
        bounds: In SQL, rising.
        nulls: Whether the column may have them: they are in the first range.
    """
    if not bounds:
        return ["true"]
    first = f"{column} < {bounds[0]}"
    middle = [f"{column} >= {low} AND {column} < {high}" for low, high in itertools.pairwise(bounds)]
    return [f"({first} OR {column} IS NULL)" if nulls else first, *middle, f"{column} >= {bounds[-1]}"]


def literals(values: Sequence[object]) -> list[str]:
    """Values in SQL, as texts whose type the server finds out from what they are compared with."""
    return ["'" + str(value).replace("'", "''") + "'" for value in values]
