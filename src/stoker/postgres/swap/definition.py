"""A table as it is defined, read from the catalogue: what a table that takes its place must have too.

Two readings that are equal say that nobody has altered the table in between.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pg8000.native import Connection

_NAMED = "quote_ident({0}.nspname) || '.' || quote_ident({1})"
QUERY = f"""
WITH it AS (SELECT c.*, n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = :oid),
owned AS (
    SELECT d.objid AS oid, d.refobjsubid AS number, d.deptype FROM pg_depend d JOIN pg_class s ON s.oid = d.objid
    WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = :oid
        AND d.refobjsubid > 0 AND s.relkind = 'S' AND d.deptype IN ('a', 'i')
)
SELECT 1 AS rank, 0::bigint AS number, 'table' AS kind, relname::text AS name, jsonb_build_object(
    'schema', quote_ident(nspname), 'owner', quote_ident(pg_get_userbyid(relowner)), 'unlogged', relpersistence = 'u', 'options', coalesce(reloptions, '{{}}'),
    'toast', coalesce((SELECT reloptions FROM pg_class WHERE oid = it.reltoastrelid), '{{}}'),
    'tablespace', (SELECT quote_ident(spcname) FROM pg_tablespace WHERE oid = it.reltablespace),
    'replica', relreplident, 'secured', relrowsecurity, 'forced', relforcerowsecurity,
    'comment', quote_literal(obj_description(:oid, 'pg_class')), 'default rights', relacl IS NULL) AS told
FROM it
UNION ALL
SELECT 2, a.attnum, 'column', quote_ident(a.attname), jsonb_build_object(
    'type', format_type(a.atttypid, a.atttypmod), 'collation', a.attcollation, 'storage', a.attstorage,
    'compression', a.attcompression, 'not null', a.attnotnull, 'identity', a.attidentity, 'generated', a.attgenerated,
    'default', pg_get_expr(d.adbin, d.adrelid), 'statistics', nullif(a.attstattarget, -1), 'options', coalesce(a.attoptions, '{{}}'),
    'comment', col_description(:oid, a.attnum))
FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = :oid AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT 3, o.oid, CASE o.deptype WHEN 'i' THEN 'identity' ELSE 'sequence' END, {_NAMED.format("n", "s.relname")},
    jsonb_build_object('column', quote_ident(a.attname), 'bare', quote_ident(s.relname))
FROM owned o JOIN pg_class s ON s.oid = o.oid JOIN pg_namespace n ON n.oid = s.relnamespace
JOIN pg_attribute a ON a.attrelid = :oid AND a.attnum = o.number
UNION ALL
SELECT CASE WHEN c.contype = 'f' THEN 6 ELSE 4 END, c.oid, CASE c.contype WHEN 'f' THEN 'foreign key' WHEN 'c' THEN 'check'
    WHEN 'n' THEN 'check' WHEN 't' THEN 'check' ELSE 'key' END, c.conname::text, jsonb_build_object(
    'definition', pg_get_constraintdef(c.oid), 'comment', quote_literal(obj_description(c.oid, 'pg_constraint')),
    'refers', (SELECT {_NAMED.format("n", "r.relname")} FROM pg_class r JOIN pg_namespace n ON n.oid = r.relnamespace
               WHERE r.oid = c.confrelid))
FROM pg_constraint c WHERE c.conrelid = :oid
UNION ALL
SELECT 5, i.indexrelid, CASE WHEN k.oid IS NULL THEN 'index' ELSE 'index of key' END, x.relname::text, jsonb_build_object(
    'definition', right(pg_get_indexdef(i.indexrelid), -length(h.head)),
    'unique', i.indisunique, 'options', coalesce(x.reloptions, '{{}}'),
    'tablespace', (SELECT spcname FROM pg_tablespace WHERE oid = x.reltablespace),
    'clustered', i.indisclustered, 'replica', i.indisreplident,
    'comment', quote_literal(obj_description(i.indexrelid, 'pg_class')),
    'statistics', (SELECT coalesce(jsonb_object_agg(attnum, attstattarget), '{{}}') FROM pg_attribute
                   WHERE attrelid = i.indexrelid AND attstattarget >= 0))
FROM it CROSS JOIN pg_index i JOIN pg_class x ON x.oid = i.indexrelid
LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.conrelid = :oid AND k.contype IN ('p', 'u', 'x'), LATERAL (
    SELECT 'CREATE ' || CASE WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END || 'INDEX ' || quote_ident(x.relname) || ' ON '
        || quote_ident(it.nspname) || '.' || quote_ident(it.relname) || ' ' AS head) AS h
WHERE i.indrelid = :oid
UNION ALL
SELECT 7, s.oid, 'statistics', {_NAMED.format("n", "s.stxname")}, jsonb_build_object(
    'columns', pg_get_statisticsobjdef_columns(s.oid), 'schema', quote_ident(n.nspname), 'bare', quote_ident(s.stxname),
    'kinds', (SELECT string_agg(CASE kind WHEN 'd' THEN 'ndistinct' WHEN 'f' THEN 'dependencies' ELSE 'mcv' END, ', ')
              FROM unnest(s.stxkind) AS kind WHERE kind <> 'e'),
    'target', nullif(s.stxstattarget, -1), 'owner', quote_ident(pg_get_userbyid(s.stxowner)),
    'comment', quote_literal(obj_description(s.oid, 'pg_statistic_ext')))
FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace
WHERE s.stxrelid = :oid
UNION ALL
SELECT 8, t.oid, 'trigger', quote_ident(t.tgname), jsonb_build_object(
    'definition', pg_get_triggerdef(t.oid), 'enabled', t.tgenabled,
    'comment', quote_literal(obj_description(t.oid, 'pg_trigger')))
FROM pg_trigger t WHERE t.tgrelid = :oid AND NOT t.tgisinternal
UNION ALL
SELECT 9, p.oid, 'policy', quote_ident(p.polname), jsonb_build_object(
    'command', p.polcmd, 'permissive', p.polpermissive,
    'roles', (SELECT string_agg(CASE r WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(r)) END, ', ')
              FROM unnest(p.polroles) AS r),
    'using', pg_get_expr(p.polqual, p.polrelid), 'check', pg_get_expr(p.polwithcheck, p.polrelid),
    'comment', quote_literal(obj_description(p.oid, 'pg_policy')))
FROM pg_policy p WHERE p.polrelid = :oid
UNION ALL
SELECT 10, coalesce(a.attnum, 0), 'right', coalesce(quote_ident(a.attname), ''), jsonb_build_object(
    'privilege', e.privilege_type, 'grantable', e.is_grantable,
    'grantee', CASE e.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(e.grantee)) END)
FROM (SELECT NULL::name, NULL::smallint, relacl FROM it WHERE relacl IS NOT NULL
      UNION ALL SELECT attname, attnum, attacl FROM pg_attribute WHERE attrelid = :oid AND attacl IS NOT NULL
     ) AS a(attname, attnum, acl), aclexplode(a.acl) AS e
ORDER BY 1, 2, 4, 5
"""  # noqa: S608 - of our own texts only


@dataclass(frozen=True)
class Part:
    """One thing that belongs to a table."""

    kind: str
    name: str
    """Quoted where the query quotes it."""
    told: dict[str, Any]


@dataclass(frozen=True)
class Definition:
    """All that belongs to a table, in an order in which it can be made."""

    parts: tuple[Part, ...]

    @classmethod
    def of_rows(cls, rows: Iterable[Sequence[Any]]) -> Definition:
        """What the query answered; without parts if there is no such table."""
        return cls(tuple(Part(kind, name, told) for _, _, kind, name, told in rows))

    def each(self, *kinds: str) -> list[Part]:
        """The parts of some kinds."""
        return [part for part in self.parts if part.kind in kinds]

    def without(self, kind: str) -> Definition:
        """The same without the parts of a kind."""
        return Definition(tuple(part for part in self.parts if part.kind != kind))

    @property
    def table(self) -> dict[str, Any]:
        """What is said of the table itself."""
        return self.each("table")[0].told


def definition(connection: Connection, oid: int) -> Definition:
    """Read it.

    Args:
        connection: Any.
        oid: The table.
    """
    return Definition.of_rows(connection.run(QUERY, oid=oid))
