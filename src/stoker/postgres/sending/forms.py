"""The two forms in which COPY takes rows, and which one a load uses: binary where every column has an encoder, else CSV.

One COPY has one form, so that a single column without an encoder makes all of it text.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

    import pyarrow as pa
    from pyspark.sql.types import StructType

    from stoker.postgres.column_type import ColumnType
    from stoker.postgres.columns import Column


@dataclass(frozen=True)
class Way:
    """How the rows of a load are sent."""

    binary: bool
    reason: str | None = None
    """Why not binary."""
    origin: str | None = None
    """Where the tasks had the rows from, if files were offered; once they are sent."""
    note: str | None = None
    """What went otherwise than it should; once they are sent."""
    strategy: str | None = None
    """How they took the place of the old ones, and why so; once they are published."""
    cast: tuple[str, ...] = ()
    """The columns that the publish casts."""

    def __str__(self) -> str:
        way = "binary COPY" if self.binary else f"CSV COPY: {self.reason}"
        cast = f"the publish casts {', '.join(map(repr, self.cast))}" if self.cast else None
        return "; ".join(part for part in (way, cast, self.origin, self.note, self.strategy) if part)


class Form(Protocol):
    """A form of COPY's stream."""

    begin: bytes
    end: bytes
    is_text: bool
    """Whether a row is as many lines as its values have; else it counts as one."""

    def rows(self, batch: pa.RecordBatch) -> Iterator[memoryview]:
        """The rows of a batch.

        Raises:
            RefusedValueError: For a value that its column cannot hold.
        """


class BinaryForm:
    """COPY BINARY.

    Args:
        types: Of the target's columns, exactly.
    """

    is_text = False

    def __init__(self, types: Sequence[ColumnType]) -> None:
        from stoker.postgres import encode

        self.begin, self.end = encode.HEADER, encode.TRAILER
        self._types = types

    def rows(self, batch: pa.RecordBatch) -> Iterator[memoryview]:
        """The rows of a batch."""
        from stoker.postgres import encode

        encoders = []
        for column, target in zip(batch.schema, self._types, strict=True):
            encoder = encode.encoder(column.type, target)
            assert encoder is not None, f"{column.type} into {target.sql} was chosen to be binary"
            encoders.append(encoder)
        return encode.encode(batch, encoders)


class TextForm:
    """COPY as CSV."""

    begin = end = b""
    is_text = True

    def rows(self, batch: pa.RecordBatch) -> Iterator[memoryview]:
        """The rows of a batch."""
        from stoker.postgres.sending.csv_rows import csv_rows

        yield memoryview(csv_rows(batch))


def staged_otherwise(
    schema: StructType, columns: tuple[Column, ...], types: Mapping[str, ColumnType], exact: Container[str] = ()
) -> tuple[Column, ...]:
    """The columns, some of them staged with another type than their own, which the publish casts.

    One without a binary form is staged as text if that makes the whole load binary. Bytes for a type of an extension are
    staged as such in any case: it reads them by a cast only.

    Args:
        schema: Of the frame.
        columns: Of the target, in the same order.
        types: Of the columns, but for those whose type is derived from the frame's, all of which have a binary form.
        exact: The names of columns that must be staged with their own type.
    """
    from pyspark.sql.pandas.types import to_arrow_type

    from stoker.postgres.encode import encoder
    from stoker.postgres.types import sent_type

    others: dict[str, str] = {}
    is_binary = True
    for field in schema.fields:
        target = types.get(field.name)
        if target is None or encoder(to_arrow_type(sent_type(field.dataType, target)), target) is not None:
            continue
        others[field.name] = "bytea" if target.takes_bytes and field.dataType.typeName() == "binary" else "text"
        if others[field.name] == "text":
            is_binary = is_binary and target.is_cast_as_copied and field.name not in exact
    return tuple(
        dataclasses.replace(column, staged_as=others[column.name])
        if others.get(column.name) == "bytea" or (is_binary and column.name in others)
        else column
        for column in columns
    )


def way(schema: StructType, types: Sequence[ColumnType], cast: Iterable[str] = ()) -> Way:
    """How to send the rows of a frame.

    Args:
        schema: Of the frame.
        types: Of the columns that take them.
        cast: The columns that the publish casts.
    """
    from pyspark.sql.pandas.types import to_arrow_type

    from stoker.postgres.encode import encoder
    from stoker.postgres.types import sent_type

    for field, target in zip(schema.fields, types, strict=True):
        if encoder(to_arrow_type(sent_type(field.dataType, target)), target) is None:
            pair = f"{field.dataType.simpleString()} into {target.sql}"
            return Way(binary=False, reason=f"column {field.name!r} ({pair}) has no binary form", cast=tuple(cast))
    return Way(binary=True, cast=tuple(cast))
