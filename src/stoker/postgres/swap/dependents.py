"""What a rename of another table into a table's place would lose, or do otherwise, as the catalogue says.

`pg_depend` is the honest source: whatever depends on the table, its row type or its columns stays with the old table, but for
what is known to be carried over (`definition.py`). A view that comes in some later version of PostgreSQL is found too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pg8000.native import Connection

_OLDEST = 150000
"""The server version whose catalogue is known."""


@dataclass(frozen=True)
class Obstacle:
    """What speaks against a swap."""

    what: str
    """A clause: `view v depends on it`."""
    forbids: bool
    """Whether a swap cannot be; else it would do something otherwise than DELETE and INSERT, which one may wish."""


_FORBIDS = 90
"""The ranks below are of what cannot be carried."""
_SAME = (
    # A constant with its type, or the next number of a sequence.
    r"^(-?[0-9.]+|\(-[0-9.]+\)|true|false|NULL|''([^'']|'''')*'')(::[^''():]+(\([0-9,]+\))?(\[\])*)?$"
    r"|^nextval\(''([^'']|'''')+''::regclass\)$"
)
"""Defaults that are the same in a task as at the publish, as a regular expression in SQL."""
QUERY = f"""
WITH it AS (SELECT * FROM pg_class WHERE oid = :oid),
types AS (SELECT t.oid FROM pg_type t WHERE t.typrelid = :oid
          UNION SELECT t.typarray FROM pg_type t WHERE t.typrelid = :oid),
sequences AS (
    SELECT d.objid AS oid, d.deptype, s.relname, s.relacl, s.relnamespace
    FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
    WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = :oid
        AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
)
SELECT 10, CASE
        WHEN rule.ev_class <> :oid THEN pg_describe_object('pg_class'::regclass, rule.ev_class, 0)
        ELSE pg_describe_object(d.classid, d.objid, 0)
    END || ' depends on it'
FROM pg_depend d
LEFT JOIN pg_rewrite rule ON d.classid = 'pg_rewrite'::regclass AND rule.oid = d.objid
LEFT JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
LEFT JOIN pg_index i ON d.classid = 'pg_class'::regclass AND i.indexrelid = d.objid
LEFT JOIN pg_constraint k ON d.classid = 'pg_constraint'::regclass AND k.oid = d.objid
LEFT JOIN pg_attrdef a ON d.classid = 'pg_attrdef'::regclass AND a.oid = d.objid
LEFT JOIN pg_trigger t ON d.classid = 'pg_trigger'::regclass AND t.oid = d.objid
LEFT JOIN pg_policy p ON d.classid = 'pg_policy'::regclass AND p.oid = d.objid
LEFT JOIN pg_statistic_ext s ON d.classid = 'pg_statistic_ext'::regclass AND s.oid = d.objid
WHERE ((d.refclassid = 'pg_class'::regclass AND d.refobjid = :oid)
       OR (d.refclassid = 'pg_type'::regclass AND d.refobjid IN (SELECT oid FROM types)))
    AND NOT coalesce(CASE d.classid
        WHEN 'pg_class'::regclass THEN c.oid = :oid OR c.relkind IN ('S', 't') OR i.indrelid = :oid
        WHEN 'pg_constraint'::regclass THEN k.conrelid = :oid AND NOT (k.contype = 'f' AND k.confrelid = :oid)
        WHEN 'pg_attrdef'::regclass THEN a.adrelid = :oid
        WHEN 'pg_trigger'::regclass THEN t.tgrelid = :oid OR t.tgisinternal
        WHEN 'pg_policy'::regclass THEN p.polrelid = :oid
        WHEN 'pg_statistic_ext'::regclass THEN s.stxrelid = :oid
        WHEN 'pg_type'::regclass THEN d.objid IN (SELECT oid FROM types)
        WHEN 'pg_publication_rel'::regclass THEN true
    END, false)
UNION SELECT 11, pg_describe_object(d.refclassid, d.refobjid, 0) || ' has '
        || CASE WHEN d.objid = :oid THEN 'it' ELSE pg_describe_object(d.classid, d.objid, 0) END || ' as a member'
FROM pg_depend d JOIN (
    SELECT 'pg_class'::regclass AS class, :oid::oid AS oid
    UNION ALL SELECT 'pg_class'::regclass, indexrelid FROM pg_index WHERE indrelid = :oid
    UNION ALL SELECT 'pg_trigger'::regclass, oid FROM pg_trigger WHERE tgrelid = :oid
) AS part ON d.classid = part.class AND d.objid = part.oid
WHERE d.deptype IN ('e', 'x')
UNION SELECT 12, 'publication ' || quote_ident(pubname) || ' has it' FROM pg_publication, it
WHERE puballtables OR pg_publication.oid IN (
    SELECT prpubid FROM pg_publication_rel WHERE prrelid = :oid
    UNION ALL SELECT pnpubid FROM pg_publication_namespace WHERE pnnspid = it.relnamespace)
UNION SELECT 13, 'a subscription writes into it' FROM pg_subscription_rel WHERE srrelid = :oid
UNION SELECT 14, 'it is partitioned' FROM it WHERE relkind = 'p'
UNION SELECT 14, 'it is a partition' FROM it WHERE relispartition
UNION SELECT 15, 'it inherits from ' || inhparent::regclass FROM pg_inherits, it WHERE inhrelid = :oid AND NOT it.relispartition
UNION SELECT 16, 'it is a typed table' FROM it WHERE reloftype <> 0
UNION SELECT 17, 'its access method is ' || quote_ident(a.amname)
FROM it JOIN pg_am a ON a.oid = it.relam WHERE a.amname <> 'heap'
UNION SELECT 18, 'it has a security label' FROM pg_seclabel WHERE classoid = 'pg_class'::regclass AND objoid = :oid
UNION SELECT 20, quote_ident(current_user) || ' is not a member of its owner ' || relowner::regrole
FROM it WHERE NOT pg_has_role(relowner, 'USAGE')
UNION SELECT 21, 'its owner ' || relowner::regrole || ' may not create tables in the schema'
FROM it WHERE NOT has_schema_privilege(relowner, relnamespace, 'CREATE')
UNION SELECT 22, 'rights on it were granted by ' || a.grantor::regrole || ', who is not its owner'
FROM it, LATERAL (
    SELECT grantor FROM aclexplode(it.relacl)
    UNION SELECT e.grantor FROM pg_attribute, aclexplode(attacl) AS e WHERE attrelid = :oid
) AS a WHERE a.grantor <> it.relowner
UNION SELECT 23, 'index ' || indexrelid::regclass || ' is not valid' FROM pg_index WHERE indrelid = :oid AND NOT indisvalid
UNION SELECT 24, 'constraint ' || quote_ident(conname) || ' is not valid'
FROM pg_constraint WHERE conrelid = :oid AND NOT convalidated
UNION SELECT 25, 'its sequence ' || quote_ident(s.relname) || ' has rights, a comment, or what depends on it'
FROM sequences s
WHERE s.deptype = 'i' AND (s.relacl IS NOT NULL OR obj_description(s.oid, 'pg_class') IS NOT NULL OR EXISTS (
    SELECT FROM pg_depend d WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = s.oid))
UNION SELECT 26, 'its sequence ' || quote_ident(s.relname) || ' is in another schema'
FROM sequences s, it WHERE s.relnamespace <> it.relnamespace
UNION SELECT 90, 'trigger ' || quote_ident(tgname) || ' would not fire' FROM pg_trigger
WHERE tgrelid = :oid AND NOT tgisinternal AND tgenabled IN ('O', 'A') AND tgtype & 12 <> 0
UNION SELECT 91, 'its row-level security would not be asked' WHERE row_security_active(:oid)
UNION SELECT 92, 'the default of column ' || quote_ident(a.attname) || ' would be computed in each task'
FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
WHERE d.adrelid = :oid AND a.attgenerated = '' AND NOT a.attname = ANY(:names::text[]) AND pg_get_expr(d.adbin, d.adrelid) !~ '{_SAME}'
ORDER BY 1, 2
"""  # noqa: S608 - of our own texts only
_AGAINST_NEW = """
SELECT 'publication ' || quote_ident(pubname) || ' has all tables' FROM pg_publication WHERE puballtables
UNION ALL
SELECT 'publication ' || quote_ident(p.pubname) || ' has all tables of the schema'
FROM pg_publication_namespace n JOIN pg_publication p ON p.oid = n.pnpubid
WHERE n.pnnspid = to_regnamespace(quote_ident(:schema))
UNION ALL
SELECT 'the default access method is ' || quote_ident(setting) FROM pg_settings
WHERE name = 'default_table_access_method' AND setting <> 'heap'
"""


_TOO_OLD = Obstacle("the server is older than PostgreSQL 15", forbids=True)


def obstacles(connection: Connection, oid: int, names: Sequence[str]) -> tuple[Obstacle, ...]:
    """What speaks against a swap of an existing table; what forbids it comes first.

    Args:
        connection: Any.
        oid: The table.
        names: The columns that are loaded.
    """
    if _version(connection) < _OLDEST:
        return (_TOO_OLD,)
    return of_rows(connection.run(QUERY, oid=oid, names=list(names)))


def of_rows(rows: Iterable[Sequence[Any]]) -> tuple[Obstacle, ...]:
    """What the query answered."""
    return tuple(Obstacle(what, forbids=rank < _FORBIDS) for rank, what in rows)


def against_new(connection: Connection, schema: str) -> tuple[Obstacle, ...]:
    """Why a new table should not be the staged one.

    Its rows would be sent to subscribers that lack it, or it would not be of the kind that is the default.
    """
    if _version(connection) < _OLDEST:
        return (_TOO_OLD,)
    return tuple(Obstacle(what, forbids=True) for (what,) in connection.run(_AGAINST_NEW, schema=schema))


def _version(connection: Connection) -> int:
    return int(connection.run("SHOW server_version_num")[0][0])
