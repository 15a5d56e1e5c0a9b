"""Schemas as users write them: a StructType or DDL text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stoker.errors import DefinitionError

if TYPE_CHECKING:
    from pyspark.sql.types import StructType


def declared_schema(schema: StructType | str) -> StructType:
    """The schema as a StructType. DDL text needs a running session (Spark's own parser reads it).

    Raises:
        DefinitionError: If it is neither, or not a schema.
    """
    from pyspark.sql.types import StructType, _parse_datatype_string

    parsed: object = schema
    if isinstance(schema, str):
        try:
            parsed = _parse_datatype_string(schema)  # StructType.fromDDL came with Spark 4
        except Exception as error:
            reason = str(error).strip().splitlines()[0]
            raise DefinitionError(
                f"The schema {schema!r} cannot be read: {reason}",
                next_step="Write it as Spark's DDL, for instance: id BIGINT, name STRING, day DATE.",
            ) from error
    if not isinstance(parsed, StructType):
        raise DefinitionError(f"A schema is a StructType or DDL text, not {type(schema).__name__}.")
    names = [name.lower() for name in parsed.names]
    doubled = sorted({name for name in parsed.names if names.count(name.lower()) > 1})
    if doubled:
        raise DefinitionError(f"The schema has columns of the same name: {doubled}.")
    return parsed
