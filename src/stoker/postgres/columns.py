"""The columns of a frame matched with those of its target, by name; all that does not fit is said in one message."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stoker.errors import SinkError, suggestion
from stoker.postgres.names import quote
from stoker.postgres.refusals import NOTHING
from stoker.postgres.types import derived_type, how_to_store, takes

if TYPE_CHECKING:
    from pyspark.sql.types import DataType, StructField, StructType

    from stoker.postgres.catalogue import Table, TableColumn
    from stoker.postgres.names import LoadTarget

_SHOWN = 10
"""Mistakes in one message; a frame of 300 columns can make as many."""


@dataclass(frozen=True)
class Column:
    """A column that is loaded."""

    name: str
    type: str
    """As SQL has it."""
    not_null: bool = False
    staged_as: str | None = None
    """The type that it is staged with, to be cast at the publish; None for its own."""

    @property
    def definition(self) -> str:
        """As in CREATE TABLE."""
        return f"{quote(self.name)} {self.type}{self._constraint}"

    @property
    def staged_definition(self) -> str:
        """The same of the staging table; a value that cannot be cast is refused there already."""
        if self.staged_as is None:
            return self.definition
        check = f"CHECK (({self.cast} IS NULL) = ({quote(self.name)} IS NULL))"
        return f"{quote(self.name)} {self.staged_as}{self._constraint} {check}"

    @property
    def cast(self) -> str:
        """Its value in the staging table, with its own type."""
        return quote(self.name) if self.staged_as is None else f"{quote(self.name)}::{self.type}"

    @property
    def selected(self) -> str:
        """The same in a list of columns."""
        return self.cast if self.staged_as is None else f"{self.cast} AS {quote(self.name)}"

    @property
    def _constraint(self) -> str:
        return " NOT NULL" if self.not_null else ""


def fitted(schema: StructType, table: Table | None, target: LoadTarget) -> tuple[Column, ...]:
    """The columns to load, in the frame's order, with the types of the table, or derived where there is none.

    Args:
        schema: Of the frame.
        table: The target as it is.
        target: Its name, for messages.

    Raises:
        SinkError: If names or types do not fit; it names each and what to do.
    """
    if not schema.fields:
        raise SinkError(f"The frame for {target} has no columns.", state=NOTHING, next_step="Select some.")
    times = Counter(schema.names)
    mistakes = [
        f"the frame has {count} columns named {name!r}: rename or drop one"
        for name, count in times.items()
        if count > 1
    ]
    there = {column.name: column for column in table.columns} if table else {}
    columns = []
    for field in schema.fields:
        if times[field.name] > 1:
            continue
        quote(field.name)
        derived = derived_type(field.dataType)
        if derived is None:
            mistakes.append(
                f"column {field.name!r} has the type {field.dataType.simpleString()}, which is not stored in PostgreSQL: "
                + how_to_store(field.name, field.dataType)
            )
        elif table is None:
            columns.append(Column(field.name, derived))
        elif field.name in there:
            column = there[field.name]
            mistakes += _misfits(field, column)
            columns.append(Column(column.name, column.type.sql, column.not_null))
        else:
            mistakes.append(_missing(field, derived, table, target))
    mistakes += [
        f"{target} has the column {column.name!r}, NOT NULL and without a default, which the frame does not have: "
        f"ALTER TABLE {target.sql} ALTER COLUMN {quote(column.name)} DROP NOT NULL; or add it in the transformer"
        for column in there.values()
        if column.name not in schema.names and column.not_null and not (column.has_default or column.generated)
    ]
    if mistakes:
        more = len(mistakes) - _SHOWN
        raise SinkError(
            f"The frame does not fit {target}:"
            + "".join(f"\n  - {mistake}" for mistake in mistakes[:_SHOWN])
            + (f"\n  - and {more} more" if more > 0 else ""),
            state=f"No row was computed. {NOTHING}",
            next_step="Change the transformer, or the table as shown.",
        )
    return tuple(columns)


def create_statement(
    target: LoadTarget, columns: tuple[Column, ...], *, key: tuple[str, ...] = (), if_missing: bool = False
) -> str:
    """CREATE TABLE with the given columns, and a primary key if one is given."""
    guard = "IF NOT EXISTS " if if_missing else ""
    parts = [column.definition for column in columns]
    if key:
        parts.append(f"PRIMARY KEY ({', '.join(map(quote, key))})")
    return f"CREATE TABLE {guard}{target.sql} ({', '.join(parts)})"


def _missing(field: StructField, derived: str, table: Table, target: LoadTarget) -> str:
    close = suggestion(field.name, table.names())
    return (
        f"{target} has no column {field.name!r}.{close if 'Did you mean' in close else ''}"
        f" To add it: ALTER TABLE {target.sql} ADD COLUMN {quote(field.name)} {derived};"
    )


def _misfits(field: StructField, column: TableColumn) -> list[str]:
    if column.generated or column.always_identity:
        kind = "generated" if column.generated else "GENERATED ALWAYS AS IDENTITY"
        return [f"column {column.name!r} is {kind} in the table: drop it from the frame"]
    data_type: DataType = field.dataType
    why = takes(data_type, column.type)
    if why is None:
        return []
    return [
        f"column {column.name!r} is {column.type.sql} in the table and {data_type.simpleString()} in the frame: {why}"
    ]
