"""Frames from inline tables of text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stoker.connectors.schemas import declared_schema
from stoker.errors import DefinitionError, UsageError, suggestion
from stoker.spark.columns import quoted
from stoker.testing.cells import cell_value, is_writable, json_value
from stoker.testing.given import session_zone
from stoker.testing.layout import layout, mistake
from stoker.testing.literals import ddl, literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import tzinfo

    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructField, StructType

    from stoker.testing.layout import Cell, Heading, Layout

__tracebackhide__ = True  # a failure is shown at the line of the test


@dataclass(frozen=True)
class Table:
    """A table with its types."""

    schema: StructType
    rows: list[tuple[Any, ...]]
    """Values as `cell_value` gives them."""


def frame(
    spark: SparkSession, text: str, *, schema: str | StructType | None = None, fill: Mapping[str, Any] | None = None
) -> DataFrame:
    r"""A frame from a table of text.

        frame(spark, '''
            id:int | name:string | at:timestamp        | tags:array<string>
            1      | Ann         | 2013-01-01 05:00    | ["a", "b"]
            2      | null        | 2013-01-01T05:00Z   | []
            3      | "a | b"     | 2013-01-01 05:00+02 | null
        ''')

    `null` is null and `""` the empty text; an empty cell is a mistake. A text with a `|`, a quotation mark, spaces around it
    or that reads `null` is in quotes, with JSON's escapes. Arrays, maps and structs are JSON, binary is `0xCAFE`. A moment
    without a zone is in the session's. Reading the frame starts no Spark job of its own.

    Args:
        spark: The session.
        text: A header `name:type | ...` with types as in Spark's DDL (also `int not null`), then the rows.
        schema: The columns, for instance those of a source; then a heading may be a name alone, and what the table leaves out
            comes from `fill`, else it is null. The columns are in the schema's order.
        fill: Values of columns that the table leaves out, the same in each row; dates and times as text or as Python's own.

    Raises:
        UsageError: If the text is wrong, with line and column.
    """
    return as_frame(spark, read_table(spark, text, schema=schema, fill=fill))


def as_frame(spark: SparkSession, table: Table) -> DataFrame:
    """The table as a local relation."""
    fields = table.schema.fields
    names = ", ".join(quoted(field.name) for field in fields)
    nothing = tuple(None for _ in fields)
    rows = []
    for number, row in enumerate(table.rows or [nothing]):
        cells = [literal(value, field.dataType) for value, field in zip(row, fields, strict=True)]
        if number == 0:
            # A column of VALUES can be null if one of its cells can.
            cells = [
                f"if(true, {cell}, CAST(NULL AS {ddl(field.dataType)}))" if field.nullable else cell
                for cell, field in zip(cells, fields, strict=True)
            ]
        rows.append(f"({', '.join(cells)})")
    where = "" if table.rows else " WHERE false"
    return spark.sql(f"SELECT * FROM VALUES {', '.join(rows)} AS t({names}){where}")  # noqa: S608 - all is quoted


def read_table(
    spark: SparkSession,
    text: str,
    *,
    schema: str | StructType | None = None,
    fill: Mapping[str, Any] | None = None,
    types: StructType | None = None,
) -> Table:
    """Read the text; arguments and errors are those of `frame`.

    Args:
        spark: The session.
        text: The table.
        schema: All its columns.
        fill: Values for those that are left out.
        types: Columns whose type a heading without one takes.
    """
    found = layout(text)
    declared = None if schema is None else declared_schema(schema)
    fields = _fields(found, declared, types)
    zone = session_zone(spark)
    rows = [_row(cells, fields, zone) for cells in found.rows]
    if declared is None:
        if fill:
            raise UsageError(
                "fill= goes together with schema=.", next_step="Give schema=, or write the columns into the table."
            )
        return _table(fields, rows)
    others = [field for field in declared.fields if field.name not in {each.name for each in fields}]
    constant = _constant(fill or {}, declared, others if rows else [], zone)
    return _table(declared.fields, [constant | row for row in rows])


def _row(cells: Sequence[Cell], fields: Sequence[StructField], zone: tzinfo) -> dict[str, Any]:
    row = {}
    for cell, field in zip(cells, fields, strict=True):
        try:
            row[field.name] = cell_value(cell, field.dataType, zone)
        except ValueError as error:
            raise mistake(
                cell.line, f"{error} (the column is {field.dataType.simpleString()})", None, field.name
            ) from None
        if row[field.name] is None and not field.nullable:
            raise mistake(cell.line, "it is null, and the column is NOT NULL", "Give it a value.", field.name)
    return row


def _table(fields: Sequence[StructField], rows: Sequence[Mapping[str, Any]]) -> Table:
    from pyspark.sql.types import StructType

    return Table(StructType(list(fields)), [tuple(row[field.name] for field in fields) for row in rows])


def _fields(found: Layout, declared: StructType | None, types: StructType | None) -> list[StructField]:
    """The columns of the table, with their types."""
    line, headings = found.line, found.headings
    wanted = {} if declared is None else {field.name: field for field in declared.fields}
    known = wanted if types is None else {field.name: field for field in types.fields}
    for heading in headings:
        close = suggestion(heading.name, known)
        if declared is not None and heading.name not in wanted:
            raise mistake(line, f"the schema has no column {heading.name!r}.{close}")
        if heading.type is None and heading.name not in known:
            why = "" if types is None else f", and the other frame has no such column.{close}"
            raise mistake(line, f"it has no type{why}", "Write name:type, for instance id:int.", heading.name)
    typed = [heading for heading in headings if heading.type is not None]
    parsed = dict(zip((each.name for each in typed), _parsed(typed, line), strict=True))
    fields = []
    for heading in headings:
        field = parsed.get(heading.name) or known[heading.name]
        other = wanted.get(heading.name)
        shown = field.dataType.simpleString()
        if other is not None and other.dataType != field.dataType:
            raise mistake(
                line,
                f"it is {shown}, and {other.dataType.simpleString()} in the schema",
                "Leave the type out: schema= has it.",
                heading.name,
            )
        if not is_writable(field.dataType):
            step = "Write it as string, and convert it with .withColumn."
            raise mistake(line, f"values of type {shown} cannot be written", step, heading.name)
        fields.append(field)
    return fields


def _parsed(typed: Sequence[Heading], line: int) -> list[StructField]:
    """The types by Spark's own parser: all at once, and one by one if one is wrong."""
    if not typed:
        return []
    texts = [f"{quoted(heading.name)} {heading.type}" for heading in typed]
    try:
        return list(declared_schema(", ".join(texts)).fields)
    except DefinitionError:
        for heading, text in zip(typed, texts, strict=True):
            try:
                declared_schema(text)
            except DefinitionError:
                raise mistake(
                    line,
                    f"{heading.type!r} is no type",
                    "Write types as in Spark's DDL: int, bigint, double, decimal(9,2), string, boolean, date, timestamp, "
                    "timestamp_ntz, binary, array<int>, map<string,int>, struct<a:int>.",
                    heading.name,
                ) from None
        raise


def _constant(
    fill: Mapping[str, Any], declared: StructType, others: Sequence[StructField], zone: tzinfo
) -> dict[str, Any]:
    """The values of the columns that the table leaves out."""
    unknown = [name for name in fill if name not in declared.names]
    if unknown:
        raise UsageError(
            f"fill= has {unknown[0]!r}, which is no column of schema=.{suggestion(unknown[0], declared.names)}"
        )
    found = {}
    for field in others:
        try:
            value = json_value(fill.get(field.name), field.dataType, zone)
        except ValueError as error:
            raise UsageError(
                f"fill= is wrong for {field.name!r}, which is {field.dataType.simpleString()}: {error}."
            ) from None
        if value is None and not field.nullable:
            raise UsageError(
                f"The inline table has no value for {field.name!r}, which is NOT NULL in the schema.",
                next_step=f"Add the column, or give fill={{{field.name!r}: ...}}.",
            )
        found[field.name] = value
    return found
