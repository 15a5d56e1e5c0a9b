"""Python values as Spark SQL, so that a small frame is a `VALUES` list.

`createDataFrame` of Python rows starts a Python worker for each frame and a Spark job for each look at it. `VALUES` is a local
relation: no worker, and no job to read it (`benchmarks/testing_settings.py` measures both).
"""

from __future__ import annotations

import calendar
from typing import TYPE_CHECKING, Any

from stoker.spark.columns import quoted

if TYPE_CHECKING:
    from datetime import datetime

    from pyspark.sql.types import DataType

_TEXTS = frozenset({"string", "char", "varchar"})
_WHOLE = frozenset({"byte", "short", "integer", "long"})


def literal(value: Any, kind: DataType) -> str:  # noqa: C901, PLR0911 - one answer a type
    """A value as an expression of a type.

    Args:
        value: As `cell_value` gives it; a struct is a tuple, a moment is in UTC.
        kind: The type.
    """
    inner: Any = kind
    name = kind.typeName()
    if value is None:
        return f"CAST(NULL AS {ddl(kind)})"
    if name in _TEXTS:
        return f"CAST({text(value)} AS {ddl(kind)})"
    if name == "binary":
        return f"X'{value.hex()}'"
    if name == "boolean":
        return str(value).lower()
    if name == "timestamp":
        micros = calendar.timegm(value.utctimetuple()) * 1_000_000 + value.microsecond
        return f"timestamp_micros({micros})"
    if name == "array":
        return f"CAST(array({', '.join(literal(item, inner.elementType) for item in value)}) AS {ddl(kind)})"
    if name == "map":
        pairs = [(literal(key, inner.keyType), literal(item, inner.valueType)) for key, item in value.items()]
        return f"CAST(map({', '.join(part for pair in pairs for part in pair)}) AS {ddl(kind)})"
    if name == "struct":
        parts = [
            f"{text(field.name)}, {literal(item, field.dataType)}"
            for field, item in zip(inner.fields, value, strict=True)
        ]
        return f"CAST(named_struct({', '.join(parts)}) AS {ddl(kind)})"
    if name in _WHOLE:
        return f"CAST({value} AS {ddl(kind)})"
    if name == "date":
        return f"DATE'{value}'"
    # Spark reads the text that Python writes, in ANSI mode and out of it.
    return f"CAST('{_iso(value) if name == 'timestamp_ntz' else value}' AS {ddl(kind)})"


def text(value: str) -> str:
    """A text by its bytes, so that no setting of the parser gives a character of it a meaning."""
    return f"CAST(X'{value.encode().hex()}' AS STRING)"


def ddl(kind: DataType) -> str:
    """A type as Spark SQL; all that is in it may be null."""
    inner: Any = kind
    name = kind.typeName()
    if name == "array":
        return f"ARRAY<{ddl(inner.elementType)}>"
    if name == "map":
        return f"MAP<{ddl(inner.keyType)}, {ddl(inner.valueType)}>"
    if name == "struct":
        return f"STRUCT<{', '.join(f'{quoted(field.name)}: {ddl(field.dataType)}' for field in inner.fields)}>"
    return "STRING" if name in _TEXTS else kind.simpleString()


def _iso(value: datetime) -> str:
    return value.isoformat(" ")
