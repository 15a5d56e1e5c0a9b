"""The SQL that gives a staged table what the target has, so that it can take its place.

What rows are stored and checked by is there before they come; indexes and keys are built when all are there; what is only a
name or a rule is given when the staged table has the target's name, by the very texts that the catalogue gives.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from stoker.postgres.names import LONGEST, LoadTarget, quote
from stoker.postgres.staging import sealed_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stoker.postgres.swap.definition import Definition, Part

_OFF = "autovacuum_enabled"
_STORAGE = {"d": "DEFAULT", "n": "NOTHING", "f": "FULL"}
_COMMANDS = {"r": "SELECT", "a": "INSERT", "w": "UPDATE", "d": "DELETE", "*": "ALL"}
_ENABLED = {"D": "DISABLE TRIGGER", "R": "ENABLE REPLICA TRIGGER", "A": "ENABLE ALWAYS TRIGGER"}


def create(it: Definition, target: LoadTarget, staging: LoadTarget) -> list[str]:
    """The staging table, without indexes and keys; nobody vacuums it while it is filled."""
    table = it.table
    options = [option for option in table["options"] if not option.startswith(f"{_OFF}=")]
    options += [f"toast.{option}" for option in table["toast"]]
    made = (
        f"CREATE {'UNLOGGED ' if table['unlogged'] else ''}TABLE {staging.sql} "
        f"(LIKE {target.sql} INCLUDING ALL EXCLUDING INDEXES EXCLUDING STATISTICS) USING heap "
        f"WITH ({', '.join([*map(_option, options), f'{_OFF} = false'])})"
    ) + (f" TABLESPACE {table['tablespace']}" if table["tablespace"] else "")
    return [
        "SET LOCAL default_tablespace = ''",
        made,
        *(f"ALTER TABLE {staging.sql} {change}" for change in _of_columns(it)),
    ]


def _of_columns(it: Definition) -> Iterator[str]:
    for column in it.each("column"):
        if column.told["statistics"] is not None:
            yield f"ALTER COLUMN {column.name} SET STATISTICS {column.told['statistics']}"
        if column.told["options"]:
            yield f"ALTER COLUMN {column.name} SET ({', '.join(map(_option, column.told['options']))})"


def continued(it: Definition, made: Definition) -> list[str]:
    """The identity columns' sequences of the staged table go on where those of the target are, and never back."""
    ours = {each.told["column"]: each.name for each in made.each("identity")}
    return [_continued(old.name, ours[old.told["column"]]) for old in it.each("identity")]


def _continued(old: str, new: str) -> str:
    literal = _literal(new)
    return (
        f"SELECT setval({literal}, CASE WHEN i.seqincrement > 0 THEN greatest(o.last_value, n.last_value) "  # noqa: S608 - quoted
        f"ELSE least(o.last_value, n.last_value) END, o.is_called OR n.is_called) "
        f"FROM {old} o, {new} n, pg_sequence i WHERE i.seqrelid = {literal}::regclass"
    )


def temporary_names(it: Definition, nonce: str) -> dict[str, str]:
    """What indexes are called until the target's are gone, by their names."""
    names = {}
    for number, index in enumerate(it.each("index", "index of key")):
        fits = len(sealed_name(nonce, index.name).encode()) < LONGEST
        names[index.name] = sealed_name(nonce, index.name if fits else f"{number}_{index.name}")
    return names


def build(it: Definition, sealed: LoadTarget, nonce: str) -> list[str]:
    """Indexes, keys and extended statistics, once all rows are there."""
    names = temporary_names(it, nonce)
    indexes = {part.name: part.told for part in it.each("index", "index of key")}
    keys = {part.name: part.told for part in it.each("key")}
    made, space = ["SET LOCAL default_tablespace = ''"], None
    for name, told in indexes.items():
        if told["tablespace"] != space:
            # Of keys there is no other way to say it.
            space = told["tablespace"]
            made.append(f"SET LOCAL default_tablespace = {_literal(space or '')}")
        index = LoadTarget(sealed.schema, names[name])
        if name in keys:
            made.append(f"ALTER TABLE {sealed.sql} ADD CONSTRAINT {quote(names[name])} {keys[name]['definition']}")
            if told["options"]:
                made.append(f"ALTER INDEX {index.sql} SET ({', '.join(map(_option, told['options']))})")
        else:
            unique = "UNIQUE " if told["unique"] else ""
            made.append(f"CREATE {unique}INDEX {quote(names[name])} ON {sealed.sql} {told['definition']}")
        made += [
            f"ALTER INDEX {index.sql} ALTER COLUMN {column} SET STATISTICS {target}"
            for column, target in told["statistics"].items()
        ]
    for number, part in enumerate(it.each("statistics")):
        kinds = f" ({part.told['kinds']})" if part.told["kinds"] else ""
        name = _statistics(part, nonce, number)
        made.append(f"CREATE STATISTICS {name}{kinds} ON {part.told['columns']} FROM {sealed.sql}")
        if part.told["target"] is not None:
            made.append(f"ALTER STATISTICS {name} SET STATISTICS {part.told['target']}")
    return made


def _statistics(part: Part, nonce: str, number: int) -> str:
    return f"{part.told['schema']}.{quote(sealed_name(nonce, f'statistics_{number}'))}"


def foreign_keys(it: Definition, sealed: LoadTarget) -> Iterator[tuple[str, str, str]]:
    """To other tables: which, what makes each, with a short lock there, and what compares the rows, with none that blocks."""
    for part in it.each("foreign key"):
        name = quote(part.name)
        yield (
            part.told["refers"],
            f"ALTER TABLE {sealed.sql} ADD CONSTRAINT {name} {part.told['definition']} NOT VALID",
            f"ALTER TABLE {sealed.sql} VALIDATE CONSTRAINT {name}",
        )


def lock(it: Definition, target: LoadTarget) -> str:
    """What locks the target, and what it refers to, all at once or none.

    With the target its foreign keys go, for which the server locks the other tables too: waiting for them while the target is
    locked would hold up its readers.
    """
    keys = [f"DROP CONSTRAINT {quote(part.name)}" for part in it.each("foreign key")]
    drops = f"; ALTER TABLE {target.sql} {', '.join(keys)}" if keys else ""
    return f"LOCK TABLE {target.sql} IN ACCESS EXCLUSIVE MODE{drops}"


def before_drop(it: Definition, made: Definition) -> list[str]:
    """What would go with the old table."""
    return [*continued(it, made), *(f"ALTER SEQUENCE {part.name} OWNED BY NONE" for part in it.each("sequence"))]


def names_and_rules(it: Definition, made: Definition, target: LoadTarget, nonce: str) -> list[str]:
    """All that the table gets when it has the target's name."""
    return [
        *_names(it, made, target, nonce),
        *(f"ALTER TABLE {target.sql} {change}" for change in _of_table(it)),
        *(f"ALTER SEQUENCE {part.name} OWNED BY {target.sql}.{part.told['column']}" for part in it.each("sequence")),
        *_rights(it, made, target),
        *_triggers(it, target),
        *_policies(it, target),
        *_comments(it, target),
    ]


def _names(it: Definition, made: Definition, target: LoadTarget, nonce: str) -> Iterator[str]:
    for name, ours in temporary_names(it, nonce).items():
        yield f"ALTER INDEX {LoadTarget(target.schema, ours).sql} RENAME TO {quote(name)}"
    for number, part in enumerate(it.each("statistics")):
        yield f"ALTER STATISTICS {_statistics(part, nonce, number)} RENAME TO {part.told['bare']}"
        yield f"ALTER STATISTICS {part.name} OWNER TO {part.told['owner']}"
    ours_of = {part.told["column"]: part.name for part in made.each("identity")}
    for part in it.each("identity"):
        yield f"ALTER SEQUENCE {ours_of[part.told['column']]} RENAME TO {part.told['bare']}"


def _of_table(it: Definition) -> Iterator[str]:
    table = it.table
    yield f"OWNER TO {table['owner']}"
    off = [option for option in table["options"] if option.startswith(f"{_OFF}=")]
    yield f"SET ({_option(off[0])})" if off else f"RESET ({_OFF})"
    for index in it.each("index", "index of key"):
        if index.told["clustered"]:
            yield f"CLUSTER ON {quote(index.name)}"
        if index.told["replica"]:
            yield f"REPLICA IDENTITY USING INDEX {quote(index.name)}"
    if table["replica"] in _STORAGE and table["replica"] != "d":
        yield f"REPLICA IDENTITY {_STORAGE[table['replica']]}"
    if table["secured"]:
        yield "ENABLE ROW LEVEL SECURITY"
    if table["forced"]:
        yield "FORCE ROW LEVEL SECURITY"


def _rights(it: Definition, made: Definition, target: LoadTarget) -> Iterator[str]:
    """Exactly the target's: default rights may have given others to the staged table."""
    owner = it.table["owner"]
    if it.table["default rights"] and made.table["default rights"] and not it.each("right"):
        return
    theirs = {part.told["grantee"] for part in made.each("right")} | {owner}
    # The server has made the old owner's the new one's.
    theirs.discard(made.table["owner"])
    yield f"REVOKE ALL ON TABLE {target.sql} FROM {', '.join(sorted(theirs | {owner}))}"
    if it.table["default rights"]:
        yield f"GRANT ALL ON TABLE {target.sql} TO {owner}"

    def place(part: Part) -> tuple[str, str, bool]:
        return part.name, part.told["grantee"], part.told["grantable"]

    for (column, grantee, grantable), parts in groupby(sorted(it.each("right"), key=place), key=place):
        listed = ", ".join(part.told["privilege"] + (f" ({column})" if column else "") for part in parts)
        yield f"GRANT {listed} ON TABLE {target.sql} TO {grantee}{' WITH GRANT OPTION' if grantable else ''}"


def _triggers(it: Definition, target: LoadTarget) -> Iterator[str]:
    for part in it.each("trigger"):
        yield part.told["definition"]
        if part.told["enabled"] in _ENABLED:
            yield f"ALTER TABLE {target.sql} {_ENABLED[part.told['enabled']]} {part.name}"


def _policies(it: Definition, target: LoadTarget) -> Iterator[str]:
    for part in it.each("policy"):
        told = part.told
        yield (
            f"CREATE POLICY {part.name} ON {target.sql} AS {'PERMISSIVE' if told['permissive'] else 'RESTRICTIVE'} "
            f"FOR {_COMMANDS[told['command']]} TO {told['roles']}"
            + (f" USING ({told['using']})" if told["using"] else "")
            + (f" WITH CHECK ({told['check']})" if told["check"] else "")
        )


def _comments(it: Definition, target: LoadTarget) -> Iterator[str]:
    """Comments of columns come with them."""
    for part in it.parts:
        comment = part.told.get("comment")
        if comment is None or part.kind == "column":
            continue
        yield f"COMMENT ON {_described(part, target)} IS {comment}"


def _described(part: Part, target: LoadTarget) -> str:
    if part.kind == "table":
        return f"TABLE {target.sql}"
    if part.kind in {"index", "index of key"}:
        return f"INDEX {LoadTarget(target.schema, part.name).sql}"
    if part.kind == "statistics":
        return f"STATISTICS {part.name}"
    if part.kind in {"trigger", "policy"}:
        return f"{part.kind.upper()} {part.name} ON {target.sql}"
    return f"CONSTRAINT {quote(part.name)} ON {target.sql}"


def _option(text: str) -> str:
    name, _, value = text.partition("=")
    return f"{name} = {_literal(value)}"


def _literal(text: str) -> str:
    quoted = text.replace("'", "''")
    return f"E'{quoted.replace(chr(92), chr(92) * 2)}'" if "\\" in quoted else f"'{quoted}'"
