"""Whether PostgreSQL partitions a table by the columns of `by=`, and which partitions can change places as wholes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from stoker.postgres import staging
from stoker.postgres.modes.strategy import Partition, Strategy
from stoker.postgres.names import LONGEST, LoadTarget, quote, shortened
from stoker.postgres.swap import dependents
from stoker.postgres.swap.definition import Definition, definition

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pg8000.native import Connection

    from stoker.postgres.modes.statement import Publication
    from stoker.postgres.swap.dependents import Obstacle

_MOST = 1000
"""Partitions that are asked for in one query."""
_SHOWN = 3
"""Partitions in a sentence."""
TABLE = """
SELECT c.oid, p.partstrat::text, p.partexprs IS NOT NULL,
    ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = ANY(p.partattrs::int2[])),
    pg_has_role(c.relowner, 'USAGE'), CASE
    WHEN NOT pg_has_role(c.relowner, 'USAGE') THEN quote_ident(current_user) || ' is not a member of its owner'
    WHEN c.relispartition THEN 'it is a partition itself'
    WHEN EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal) THEN 'it has triggers'
    WHEN EXISTS (SELECT FROM pg_constraint k WHERE k.contype = 'f' AND c.oid IN (k.conrelid, k.confrelid))
        THEN 'it has foreign keys, or is referred to'
    WHEN EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attidentity <> '' AND NOT a.attisdropped)
        THEN 'it has an identity column'
    WHEN row_security_active(c.oid) THEN 'its row-level security would not be asked'
    WHEN EXISTS (SELECT FROM pg_publication_tables t JOIN pg_namespace s ON s.nspname = t.schemaname
        JOIN pg_class r ON r.relnamespace = s.oid AND r.relname = t.tablename
        WHERE r.oid = c.oid OR r.oid IN (SELECT i.inhrelid FROM pg_inherits i WHERE i.inhparent = c.oid))
        THEN 'a publication has it'
    WHEN EXISTS (SELECT FROM pg_default_acl d WHERE d.defaclobjtype = 'r') THEN 'there are default privileges of tables'
    END
FROM pg_partitioned_table p JOIN pg_class c ON c.oid = p.partrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = to_regclass(:name)
"""
PARTITIONS = """
SELECT c.oid, n.nspname::text, c.relname::text, c.relkind::text, pg_get_expr(c.relpartbound, c.oid),
    coalesce(pg_get_partition_constraintdef(c.oid), 'true')
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE i.inhparent = :oid ORDER BY 1
"""


def decide(connection: Connection, work: Publication, reported: Mapping[int, int]) -> Strategy:
    """Choose, from what the catalogue says and from the values that are staged.

    Args:
        connection: The driver's, in no transaction.
        work: What will be published.
        reported: Rows by the transactions that count.
    """
    found = connection.run(TABLE, name=work.target.sql)
    if unfit := _unfit(found, work.mode.by):
        return Strategy("delete", unfit)
    [[oid, kind, _, _, is_owner, obstacle]] = found
    rows = connection.run(PARTITIONS, oid=oid)
    if not any(reported.values()) or len(rows) > _MOST:
        return Strategy("delete", "there are no rows" if len(rows) <= _MOST else f"it has more than {_MOST} partitions")
    query = staging.rows_of(work.staging, work.columns, reported)
    touched, missing = _routed(connection, work, rows, query)
    has_default = any(row[4] == "DEFAULT" for row in rows)
    can_make = is_owner and kind == "l" and not has_default
    made = _missing(connection, work, rows, query) if missing and can_make else ()
    if missing and not made:
        obstacle = obstacle or "some values have no partition"
    if has_default:
        obstacle = obstacle or "it has a default partition, which would have to be searched"
    parts = []
    for oid_of_part, schema, name, kind_of_part, bound, condition in touched:
        part = Partition(oid_of_part, LoadTarget(schema, name), bound, condition, Definition(()))
        obstacle = obstacle or _dependents(connection, work, part, kind_of_part)
        if obstacle:
            break
        part = replace(part, definition=definition(connection, part.oid))
        obstacle = _own(connection, work, part, query)
        parts.append(part)
    if obstacle:
        return Strategy("delete", obstacle, oid=oid, new_partitions=made)
    more = f" and {len(parts) - _SHOWN} more" if len(parts) > _SHOWN else ""
    names = ", ".join(str(part.name) for part in parts[:_SHOWN])
    why = f"the rows are all that {names}{more} will have" if parts else "all partitions are new"
    return Strategy("attach", why, oid=oid, partitions=tuple(parts), new_partitions=made)


def outlook(connection: Connection, target: LoadTarget, by: Sequence[str]) -> str:
    """What can be said before rows are staged."""
    found = connection.run(TABLE, name=target.sql)
    obstacle = _unfit(found, by) or found[0][-1]
    if obstacle:
        return str(Strategy("delete", obstacle))
    return "DETACH and ATTACH, if the partitions that take rows have no rows of other values, and no obstacles; else"


def _unfit(found: Sequence[Sequence[Any]], by: Sequence[str]) -> str | None:
    if not found:
        return "it is no partitioned table"
    _, _, has_expressions, columns, *_ = found[0]
    if has_expressions or set(columns) != set(by):
        return "it is partitioned by other columns than those of by="
    return None


def _routed(
    connection: Connection, work: Publication, rows: Sequence[Sequence[Any]], query: str
) -> tuple[list[Sequence[Any]], bool]:
    """The partitions that staged rows belong to, and whether there are rows that belong to none."""
    conditions = [f"({row[5]})" for row in rows]
    counts = [f"EXISTS (SELECT FROM parts WHERE {condition})" for condition in conditions]
    none = f"EXISTS (SELECT FROM parts WHERE ({' OR '.join(conditions) or 'false'}) IS NOT TRUE)"
    [answer] = connection.run(f"{_values(work.mode.by, query)} SELECT {', '.join([*counts, none])}")
    return [row for row, is_touched in zip(rows, answer, strict=False) if is_touched], answer[-1]


def _missing(
    connection: Connection, work: Publication, rows: Sequence[Sequence[Any]], query: str
) -> tuple[tuple[LoadTarget, str], ...]:
    """The partitions that a table needs for values that have none yet, each with its bound."""
    by = quote(work.mode.by[0])
    conditions = " OR ".join(f"({row[5]})" for row in rows) or "false"
    found = connection.run(
        f"{_values(work.mode.by, query)} SELECT {by}::text, quote_nullable({by}::text) FROM parts "  # noqa: S608 - quoted
        f"WHERE ({conditions}) IS NOT TRUE ORDER BY 1"
    )
    taken = {row[2] for row in rows}
    made = []
    for at, (value, literal) in enumerate(found):
        name = f"{work.target.table}_{'null' if value is None else value}"
        place = LoadTarget(work.target.schema, name)
        is_free = name not in taken and len(name.encode()) <= LONGEST
        if not is_free or connection.run("SELECT to_regclass(:name)::text", name=place.sql) != [[None]]:
            end = f"_{work.staging.nonce}_{at}"
            place = LoadTarget(work.target.schema, shortened(work.target.table, LONGEST - len(end)) + end)
        taken.add(place.table)
        made.append((place, f"FOR VALUES IN ({literal})"))
    return tuple(made)


def _dependents(connection: Connection, work: Publication, part: Partition, kind: str) -> str | None:
    if kind != "r":
        return f"partition {part.name} is no plain table"
    found = dependents.obstacles(connection, part.oid, [column.name for column in work.columns])
    obstacle = besides_its_table(found)
    return obstacle and f"partition {part.name}: {obstacle}"


def _own(connection: Connection, work: Publication, part: Partition, query: str) -> str | None:
    if part.definition.each("foreign key", "identity", "sequence"):
        return f"partition {part.name} has keys or sequences of its own"
    if connection.run(others(work.mode.by, part, query))[0][0]:
        return f"partition {part.name} has rows of other values too"
    return None


def besides_its_table(found: Iterable[Obstacle]) -> str | None:
    """What depends on a partition besides its table; None if nothing does."""
    return next((each.what for each in found if each.what != "it is a partition"), None)


def others(by: Sequence[str], part: Partition, query: str) -> str:
    """Whether a partition has rows with values that are not staged."""
    listed = ", ".join(map(quote, by))
    same = " AND ".join(f"there.{quote(name)} IS NOT DISTINCT FROM parts.{quote(name)}" for name in by)
    return (
        f"{_values(by, query)} SELECT EXISTS (SELECT FROM (SELECT DISTINCT {listed} FROM {part.name.sql}) AS there "  # noqa: S608 - quoted
        f"WHERE NOT EXISTS (SELECT FROM parts WHERE {same}))"
    )


def _values(by: Sequence[str], query: str) -> str:
    return f"WITH parts AS MATERIALIZED (SELECT DISTINCT {', '.join(map(quote, by))} FROM ({query}) AS staged)"  # noqa: S608 - quoted
