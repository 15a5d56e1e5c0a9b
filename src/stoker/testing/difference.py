"""How two frames differ, as text for the person who reads a failed test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stoker.errors import number_of, suggestion
from stoker.testing.values import Absent, comparable, is_close, leaves, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import tzinfo

    from pyspark.sql.types import DataType, StructField, StructType

    from stoker.testing.matching import Unmatched

__tracebackhide__ = True  # a failure is shown at the line of the test

_WIDTH = 60
"""Characters of one value."""
_BEFORE = 20
"""Characters of a long value that are shown before the first difference."""
_ROW = 160
"""Characters of one row."""
_SMALL = 1e-6
"""Relative difference of floats that the arithmetic may have made."""


def schema_difference(left: StructType, right: StructType, *, nullable: bool) -> str | None:
    """How two schemas differ, or None.

    Args:
        left: The one.
        right: The other.
        nullable: Whether it counts which columns, elements and fields may be null.
    """
    lines: list[tuple[str, str, str, str]] = []
    ours, theirs = _by_name(left), _by_name(right)
    for name in dict.fromkeys([*ours, *theirs]):
        cells = [_type(fields[name], nullable=nullable) if name in fields else "-" for fields in (ours, theirs)]
        if cells[0] != cells[1]:
            missing = [side for side, fields in (("left", ours), ("right", theirs)) if name not in fields]
            others = theirs if name in ours else ours
            close = suggestion(name, others) if missing else ""
            note = f"not in {missing[0]}.{close if 'mean' in close else ''}" if missing else ""
            lines.append((name, cells[0], cells[1], note))
    if not lines and left.names == right.names:
        return None
    if not lines:
        return (
            f"The columns differ in their order:\n  left:  {', '.join(left.names)}\n  right: {', '.join(right.names)}"
        )
    return "The schemas differ:\n" + _table([("column", "left", "right", ""), *lines])


def _by_name(schema: StructType) -> dict[str, StructField]:
    """The columns; a name that comes again has its number behind it."""
    found: dict[str, StructField] = {}
    for at, field in enumerate(schema.fields):
        times = schema.names[:at].count(field.name)
        found[f"{field.name} ({times + 1})" if times else field.name] = field
    return found


def _type(field: Any, *, nullable: bool) -> str:
    text: str = field.dataType.simpleString()
    if not nullable:
        return text
    inner = _not_null(field.dataType, field.name)
    return text + ("" if field.nullable else " not null") + (f" (not null: {', '.join(inner)})" if inner else "")


def _not_null(kind: Any, path: str) -> list[str]:
    name = kind.typeName()
    found: list[str] = []
    if name == "array":
        found = [] if kind.containsNull else [f"{path}[]"]
        found += _not_null(kind.elementType, f"{path}[]")
    elif name == "map":
        found = [] if kind.valueContainsNull else [f"{path}[]"]
        found += _not_null(kind.valueType, f"{path}[]")
    elif name == "struct":
        for field in kind.fields:
            found += [] if field.nullable else [f"{path}.{field.name}"]
            found += _not_null(field.dataType, f"{path}.{field.name}")
    return found


@dataclass(frozen=True)
class RowsDifference:
    """The rows of two frames of one schema, and which have no equal."""

    schema: StructType
    left: Sequence[Sequence[Any]]
    right: Sequence[Sequence[Any]]
    unmatched: Unmatched
    zone: tzinfo
    rtol: float
    atol: float
    most: int
    """How many rows are shown."""

    def text(self, *, in_order: bool) -> str:
        """The report."""
        found = self.unmatched
        lefts, rights = (len(found.pairs) + len(alone) for alone in (found.left, found.right))
        order = "compared in order" if in_order else "their order is ignored"
        counts = f"{lefts} of {number_of(len(self.left), 'row')} in left and {rights} of {number_of(len(self.right), 'row')} in right"
        lines = [f"The rows differ ({order}): {counts} have no equal."]
        blocks = [self._pair(at, to) for at, to in found.pairs]
        blocks += [self._alone("left", at, self.left[at]) for at in found.left[: self.most]]
        blocks += [self._alone("right", at, self.right[at]) for at in found.right[: self.most]]
        lines += blocks[: self.most]
        total = len(found.pairs) + len(found.left) + len(found.right)
        if total > self.most:
            lines.append(f"  ... and {total - self.most} more")
        return "\n".join([*lines, *self._hint()])

    def _pair(self, at: int, to: int) -> str:
        cells = [
            (path, *_cut(shown(left, kind, self.zone), shown(right, kind, self.zone)))
            for path, left, right, kind in self._leaves(at, to)
        ]
        lines = [f"  row {at + 1} of left, row {to + 1} of right:", _table([("column", "left", "right"), *cells], 4)]
        columns = zip(self.schema.fields, self.left[at], self.right[to], strict=True)
        same = [(field, left) for field, left, right in columns if self._is_close(left, right, field.dataType)]
        if same:
            lines.append(_short(f"    equal: {self._cells(same)}", _ROW))
        return "\n".join(lines)

    def _leaves(self, at: int, to: int) -> list[tuple[str, Any, Any, DataType]]:
        """What differs in two rows."""
        return [
            leaf
            for field, left, right in zip(self.schema.fields, self.left[at], self.right[to], strict=True)
            for leaf in leaves(field.name, left, right, field.dataType)
            if not self._is_close(leaf[1], leaf[2], leaf[3])
        ]

    def _is_close(self, left: Any, right: Any, kind: DataType) -> bool:
        if left is Absent or right is Absent:
            return False
        return is_close(comparable(left, kind), comparable(right, kind), self.rtol, self.atol)

    def _alone(self, side: str, at: int, row: Sequence[Any]) -> str:
        cells = self._cells(zip(self.schema.fields, row, strict=True))
        return _short(f"  only in {side}, row {at + 1}: {cells}", _ROW)

    def _cells(self, cells: Iterable[tuple[StructField, Any]]) -> str:
        return ", ".join(
            f"{each.name}={_short(shown(value, each.dataType, self.zone), _WIDTH)}" for each, value in cells
        )

    def _hint(self) -> list[str]:
        """For floats that differ by so little that the arithmetic may have done it."""
        found = self.unmatched
        if found.left or found.right or self.rtol or self.atol:
            return []
        pairs = [leaf for at, to in found.pairs for leaf in self._leaves(at, to)]
        if not all(isinstance(left, float) and isinstance(right, float) for _, left, right, _ in pairs):
            return []
        most = max(abs(left - right) / max(abs(left), abs(right)) for _, left, right, _ in pairs)
        return (
            [f"  The numbers differ by at most {most:.1g} of their size: rtol= and atol= allow for that."]
            if most < _SMALL
            else []
        )


def _cut(left: str, right: str) -> tuple[str, str]:
    """Two values, the long ones around their first difference."""
    first = next(
        (at for at, (one, other) in enumerate(zip(left, right, strict=False)) if one != other),
        min(len(left), len(right)),
    )
    start = max(0, first - _BEFORE) if max(len(left), len(right)) > _WIDTH else 0
    one, other = (("…" if start else "") + _short(side[start:], _WIDTH) for side in (left, right))
    return one, other


def _short(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _table(rows: Sequence[tuple[str, ...]], indent: int = 2) -> str:
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    lines = ["   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return "\n".join((" " * indent + line).rstrip() for line in lines)
