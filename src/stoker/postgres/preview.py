"""What a load would do in the server, statement by statement, found from its catalogue and without a row."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from stoker.errors import SinkError, suggestion
from stoker.postgres.catalogue import checks, located, read_table
from stoker.postgres.columns import Column
from stoker.postgres.connections.connection import connect, cut
from stoker.postgres.declared import declared_types
from stoker.postgres.ledger import Ledger
from stoker.postgres.modes.partitioned import outlook
from stoker.postgres.modes.plan import statements
from stoker.postgres.modes.statement import Publication
from stoker.postgres.modes.strategy import decide
from stoker.postgres.names import LoadTarget
from stoker.postgres.options import PLAIN
from stoker.postgres.refusals import NOTHING, explained
from stoker.postgres.staging import Staging, statement
from stoker.postgres.swap import carried
from stoker.postgres.swap.sealing import built
from stoker.secrets import redact

if TYPE_CHECKING:
    from pg8000.native import Connection

    from stoker.postgres.catalogue import Table
    from stoker.postgres.connections.info import ConnectionInfo
    from stoker.postgres.modes.choice import Mode
    from stoker.postgres.modes.statement import Statement
    from stoker.postgres.options import LoadOptions

_PATIENCE = 3.0
"""Seconds for the server to answer: it is only looked at."""
_ANY = "other columns of the frame"


def preview(info: ConnectionInfo, target: LoadTarget, mode: Mode, options: LoadOptions = PLAIN) -> list[str]:
    """The statements of a load, as the catalogue is now, and how the rows are replaced; as lines of SQL.

    Where the table is there, the frame is taken to have all of its columns.

    Args:
        info: The server.
        target: With or without its schema.
        mode: Of the load.
        options: Of the load.

    Raises:
        ConnectionLostError: If the server does not answer within some seconds.
        ConfigurationError: If it lets us not in.
        SinkError: If the table cannot be loaded that way.
    """
    connection = connect(replace(info, connect_timeout=min(info.connect_timeout, _PATIENCE)))
    try:
        with explained(f"What a load into {target} would do cannot be told", state="It was only looked at."):
            return _lines(connection, located(connection, target), mode, options)
    finally:
        cut(connection)


def _lines(connection: Connection, target: LoadTarget, mode: Mode, options: LoadOptions) -> list[str]:
    table = read_table(connection, target)
    if table is None and mode.name == "append":
        return [f"-- {target} does not exist, and mode is append: a run would be refused"]
    columns = _columns(connection, target, table, mode, options)
    staged, sealed = LoadTarget(target.schema, "staged"), LoadTarget(target.schema, "sealed")
    place = Staging(staged, sealed, "0" * 12)
    ledger = Ledger(target.schema or "", "", "", "")
    work = Publication(target, mode, columns, place, ledger, before=options.before, after=options.after)
    lines = []
    if mode.name == "replace":
        strategy = decide(connection, target, table, mode.strategy, columns)
        work = replace(work, strategy=strategy)
        lines.append(f"-- {strategy}")
    if mode.by and table is not None:
        lines.append(f"-- {outlook(connection, target, mode.by)}")
    it = work.strategy.definition
    names = [column.name for column in columns]
    held = checks(connection, table, names) if table else []
    made = carried.create(it, target, staged) if it else [statement(place, columns, held, logged=work.strategy.renames)]
    lines += [*made, f"COPY {staged.sql} ({work.names}) FROM STDIN", "-- when all rows are there"]
    if mode.key:
        newest = f"of rows with one key the one with the highest {mode.latest_by!r} counts; " if mode.latest_by else ""
        lines.append(f"-- {newest}a key ({', '.join(mode.key)}) that is null, or there twice, is refused")
    if work.strategy.renames:
        lines += [f"ALTER TABLE {staged.sql} RENAME TO {sealed.quoted}", *built(work.strategy, sealed, place.nonce)]
        # The staged table is as the target, but for the names of sequences.
        work = replace(work, staging=replace(place, table=sealed), made=it)
    lines += ["BEGIN", ledger.statement(), *(_shown(one) for one in statements(work)), "COMMIT"]
    return [line if line.startswith("--") else f"{line};" for line in lines]


def _columns(
    connection: Connection, target: LoadTarget, table: Table | None, mode: Mode, options: LoadOptions
) -> tuple[Column, ...]:
    """Those of the table; where there is none, those that the load names."""
    given = dict(options.columns)
    if table is None:
        declared_types(connection, options.columns, list(given), target)
        named = dict.fromkeys([*mode.compared, *given])
        return (*(Column(name, given.get(name, "...")) for name in named), Column(_ANY, "..."))
    loaded = [column for column in table.columns if not (column.generated or column.always_identity)]
    names = [column.name for column in loaded]
    declared_types(connection, options.columns, names, target)
    for column, option in mode.compared.items():
        if column not in names:
            raise SinkError(
                f"{target} has no column {column!r} that rows could be loaded into, and {option}= names it."
                f"{suggestion(column, names)}",
                state=NOTHING,
                next_step=f"Correct {option}=, or add the column to the table.",
            )
    return tuple(Column(column.name, column.type.sql, column.not_null) for column in loaded)


def _shown(one: Statement) -> str:
    if one.about is not None:
        return f"-- {one.about}"
    if one.option is not None:
        return redact(one.sql).strip().rstrip(";")
    text = one.sql
    for name, value in one.parameters.items():
        text = text.replace(f":{name}", _literal(value))
    return text


def _literal(value: Any) -> str:
    quoted = str(value).replace("'", "''")
    return f"'{quoted}'"
