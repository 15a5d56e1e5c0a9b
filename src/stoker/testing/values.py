"""Values of frames in a form that compares as Spark does, and as text."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql.types import DataType

__tracebackhide__ = True  # a failure is shown at the line of the test

NAN = "NaN"
"""Stands for NaN in a comparable value, so that it equals itself; a column of floats has no texts."""


def comparable(value: Any, kind: DataType) -> Any:  # noqa: PLR0911 - one answer a type
    """A value that can be compared and hashed: NaN equals NaN, 0.0 equals -0.0, the order of a map's keys is none.

    Args:
        value: As `collect` or an inline table gives it.
        kind: Its type.
    """
    inner: Any = kind
    name = kind.typeName()
    if value is None:
        return None
    if name in {"float", "double"}:
        return NAN if math.isnan(value) else value + 0.0
    if name == "timestamp":
        return instant(value)
    if name == "binary":
        return bytes(value)
    if name == "array":
        return tuple(comparable(item, inner.elementType) for item in value)
    if name == "struct":
        return tuple(comparable(item, field.dataType) for item, field in zip(value, inner.fields, strict=True))
    if name == "map":
        pairs = [(comparable(key, inner.keyType), comparable(item, inner.valueType)) for key, item in value.items()]
        return tuple(sorted(pairs, key=repr))
    if name == "variant":
        return value.toJson()
    return value


def instant(value: datetime) -> datetime:
    """A moment in UTC. PySpark gives it in the machine's zone, where `fold` tells the hours that come twice apart."""
    try:
        return value.astimezone(UTC)
    except (OverflowError, ValueError):  # within a day of Python's first or last one
        return value.replace(tzinfo=UTC)


def is_close(left: Any, right: Any, rtol: float, atol: float) -> bool:
    """Whether two comparable values are equal but for floats, which may differ by `atol + rtol * abs(right)`."""
    if left == right:
        return True
    if isinstance(left, tuple) and isinstance(right, tuple):
        return len(left) == len(right) and all(
            is_close(one, other, rtol, atol) for one, other in zip(left, right, strict=True)
        )
    if isinstance(left, float) and isinstance(right, float):
        return math.isfinite(left) and math.isfinite(right) and abs(left - right) <= atol + rtol * abs(right)
    return False


def without_floats(value: Any) -> Any:
    """A comparable value but for its floats: what is close is equal in this."""
    if isinstance(value, tuple):
        return tuple(without_floats(item) for item in value)
    return float if isinstance(value, float) else value


class Absent:
    """Stands for what one side does not have."""


def leaves(path: str, left: Any, right: Any, kind: DataType) -> Iterator[tuple[str, Any, Any, DataType]]:
    """The innermost values of a cell, each with its path: `tags[2]`, `address.city`, `counts['a']`."""
    inner: Any = kind
    name = kind.typeName()
    if left is None or right is None or name not in {"array", "struct", "map"}:
        yield path, left, right, kind
    elif name == "array":
        for at in range(max(len(left), len(right))):
            one, other = (side[at] if at < len(side) else Absent for side in (left, right))
            yield from _leaf(f"{path}[{at}]", one, other, inner.elementType)
    elif name == "struct":
        for field, one, other in zip(inner.fields, left, right, strict=True):
            yield from leaves(f"{path}.{field.name}", one, other, field.dataType)
    else:
        for key in sorted({*left, *right}, key=repr):
            yield from _leaf(f"{path}[{key!r}]", left.get(key, Absent), right.get(key, Absent), inner.valueType)


def _leaf(path: str, left: Any, right: Any, kind: DataType) -> Iterator[tuple[str, Any, Any, DataType]]:
    if left is Absent or right is Absent:
        yield path, left, right, kind
    else:
        yield from leaves(path, left, right, kind)


def shown(value: Any, kind: DataType, zone: tzinfo) -> str:  # noqa: PLR0911 - one answer a type
    """A value as an inline table has it; a moment in the session's zone."""
    inner: Any = kind
    name = kind.typeName()
    if value is Absent:
        return "(absent)"
    if value is None:
        return "null"
    if name == "array":
        return f"[{', '.join(shown(item, inner.elementType, zone) for item in value)}]"
    if name == "struct":
        parts = zip(inner.fields, value, strict=True)
        return f"{{{', '.join(f'{_text(field.name)}: {shown(item, field.dataType, zone)}' for field, item in parts)}}}"
    if name == "map":
        pairs = sorted(value.items(), key=repr)
        return f"{{{', '.join(f'{shown(key, inner.keyType, zone)}: {shown(item, inner.valueType, zone)}' for key, item in pairs)}}}"
    if name == "timestamp":
        return instant(value).astimezone(zone).isoformat(" ")
    if name == "binary":
        return f"0x{bytes(value).hex()}"
    if isinstance(value, bool | str):
        return _text(value)
    return NAN if value != value else str(value)  # noqa: PLR0124 - NaN is the one that differs from itself


def _text(value: bool | str) -> str:
    return json.dumps(value, ensure_ascii=False)
