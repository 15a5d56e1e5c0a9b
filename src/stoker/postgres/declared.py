"""`columns=`: types of the target that the user says, as the server knows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stoker.errors import SinkError, suggestion
from stoker.postgres.catalogue import named_type
from stoker.postgres.refusals import NOTHING, fields

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pg8000.native import Connection

    from stoker.postgres.column_type import ColumnType
    from stoker.postgres.names import LoadTarget


def declared_types(
    connection: Connection, given: Sequence[tuple[str, str]], names: Sequence[str], target: LoadTarget
) -> dict[str, ColumnType]:
    """The types by the columns' names.

    Args:
        connection: In no transaction.
        given: Names and types.
        names: The columns of the frame.
        target: For messages.

    Raises:
        SinkError: If the frame lacks a column, or the server knows no such type; with all such mistakes.
    """
    from pg8000.exceptions import DatabaseError

    found: dict[str, ColumnType] = {}
    mistakes: list[str] = []
    for name, text in given:
        if name not in names:
            mistakes.append(f"the frame has no column {name!r}.{suggestion(name, names)}")
            continue
        try:
            kind = named_type(connection, text)
        except DatabaseError as error:
            mistakes.append(f"column {name!r}: {text!r} is no type: {fields(error).get('M', error)}")
            continue
        if kind is None:
            mistakes.append(
                f"column {name!r}: the server knows no type {text!r} (a type of an extension: CREATE EXTENSION)"
            )
        else:
            found[name] = kind
    if mistakes:
        raise SinkError(
            f"columns= does not fit {target}:" + "".join(f"\n  - {mistake}" for mistake in mistakes),
            state=f"No row was computed. {NOTHING}",
            next_step="Correct columns=, or have the type made.",
        )
    return found
