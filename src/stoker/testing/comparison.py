"""Whether two frames are equal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stoker.errors import UsageError
from stoker.testing.difference import RowsDifference, schema_difference
from stoker.testing.given import is_frame, session_zone
from stoker.testing.matching import match_as_sets, match_in_order
from stoker.testing.tables import Table, read_table
from stoker.testing.values import comparable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

__tracebackhide__ = True  # a failure is shown at the line of the test


def assert_frames_equal(
    left: DataFrame | str,
    right: DataFrame | str,
    *,
    check_nullable: bool = False,
    check_row_order: bool = False,
    check_column_order: bool = True,
    rtol: float = 0.0,
    atol: float = 0.0,
    most: int = 10,
) -> None:
    """Compare the schemas, then the collected rows; a failure names each differing cell by row and column.

    NaN equals NaN, null equals null only, 0.0 equals -0.0. Moments are compared as instants, maps without the order of their
    keys. A row that is there twice on one side has to be there twice on the other. Each frame is collected once: the driver
    must have room for both.

    Args:
        left: A frame, or an inline table (see `frame`) whose headings may leave out the types: then they are those of `right`.
        right: The same; one of the two is a frame.
        check_nullable: Whether it counts which columns may be null.
        check_row_order: Whether the order of rows counts.
        check_column_order: Whether the order of columns counts.
        rtol: Relative tolerance of floats, at any depth. Two are equal if they differ by at most `atol + rtol * abs(right)`.
        atol: Absolute tolerance of floats. Decimals are exact and have none.
        most: How many differing rows a failure shows.

    Raises:
        AssertionError: If they differ.
        UsageError: If an argument is no frame, or a frame of a session that is stopped.
    """
    if isinstance(left, str) and isinstance(right, str):
        raise UsageError(
            "assert_frames_equal was given two inline tables.", next_step="Give it a frame to compare with."
        )
    frames = [each for each, name in ((left, "left"), (right, "right")) if is_frame(each, name)]
    ours = _Side.of(left, frames[0])
    theirs = _Side.of(right, frames[-1])
    if not check_column_order:
        theirs = theirs.like(ours.schema)
    different = schema_difference(ours.schema, theirs.schema, nullable=check_nullable)
    if different:
        raise AssertionError(different)
    lefts, rights = ours.rows(), theirs.rows()
    match = match_in_order if check_row_order else match_as_sets
    unmatched = match(ours.comparable(lefts), ours.comparable(rights), rtol, atol)
    if unmatched:
        zone = session_zone(frames[0].sparkSession)
        report = RowsDifference(ours.schema, lefts, rights, unmatched, zone, rtol, atol, most)
        raise AssertionError(report.text(in_order=check_row_order))


@dataclass(frozen=True)
class _Side:
    """One of the two."""

    given: DataFrame | Table
    order: tuple[int, ...]
    """The positions of its columns, in the order in which they are compared."""

    @classmethod
    def of(cls, given: DataFrame | str, frame: DataFrame) -> _Side:
        side = read_table(frame.sparkSession, given, types=frame.schema) if isinstance(given, str) else given
        return cls(side, tuple(range(len(side.schema.fields))))

    @property
    def schema(self) -> StructType:
        return type(self.given.schema)([self.given.schema.fields[at] for at in self.order])

    def like(self, other: StructType) -> _Side:
        """With the columns of the other first, in its order."""
        names = self.given.schema.names
        first = [names.index(name) for name in other.names if names.count(name) == 1]
        return _Side(self.given, (*first, *(at for at in self.order if at not in first)))

    def rows(self) -> list[tuple[Any, ...]]:
        """Collects a frame."""
        rows = self.given.rows if isinstance(self.given, Table) else self.given.collect()
        return [tuple(row[at] for at in self.order) for row in rows]

    def comparable(self, rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        kinds = [field.dataType for field in self.schema.fields]
        return [tuple(comparable(value, kind) for value, kind in zip(row, kinds, strict=True)) for row in rows]
