"""From the text of a cell to a Python value of its Spark type."""

from __future__ import annotations

import json
import math
import re
import struct
from datetime import UTC, date, datetime, tzinfo
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import TYPE_CHECKING, Any

from stoker.errors import suggestion

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql.types import DataType

    from stoker.testing.layout import Cell

__tracebackhide__ = True  # a failure is shown at the line of the test

NULL = "null"
_BITS = {"byte": 8, "short": 16, "integer": 32, "long": 64}
_TEXTS = frozenset({"string", "char", "varchar"})
_NESTED = frozenset({"array", "map", "struct"})
_TIME_OF_DAY = re.compile(r"\d{4}-\d{2}-\d{2}(?:[ T]\S.*)?")


def cell_value(cell: Cell, kind: DataType, zone: tzinfo) -> Any:
    """The value that a cell stands for.

    `null` is null, `""` the empty text. A text may be in quotes, with JSON's escapes; it has to be if it has a `|`, a quotation
    mark, spaces around it, or reads `null`. Arrays, maps and structs are JSON; binary is `0x` and hexadecimal digits.

    Args:
        cell: The cell.
        kind: The column's type.
        zone: The session's, for moments without one.

    Raises:
        ValueError: With the reason.
    """
    if not cell.text:
        raise ValueError('it is empty: write null, or "" for the empty text')
    if cell.text == NULL:
        return None
    name = kind.typeName()
    if name in _NESTED:
        return json_value(_json(cell.text), kind, zone)
    text = cell.quoted
    if text is not None and name not in _TEXTS:
        raise ValueError(f"{cell.text} is a text")
    return _scalar(cell.text if text is None else text, kind, zone)


def is_writable(kind: DataType) -> bool:
    """Whether cells of this type can be written."""
    inner: Any = kind
    name = kind.typeName()
    if name == "array":
        return is_writable(inner.elementType)
    if name == "map":
        return is_writable(inner.keyType) and is_writable(inner.valueType)
    if name == "struct":
        return all(is_writable(field.dataType) for field in inner.fields)
    return name in _PARSERS or name in _TEXTS or name in _BITS


def _json(text: str) -> Any:
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=str)
    except ValueError as error:
        raise ValueError(f"{text} is no JSON ({error})") from None


def json_value(value: Any, kind: DataType, zone: tzinfo) -> Any:
    """The value that JSON, or a plain Python value, stands for.

    Args:
        value: Numbers, texts, lists and dicts; what JSON has no form of (dates, times, decimals) also as Python's own.
        kind: The type.
        zone: The session's, for moments without one.

    Raises:
        ValueError: With the reason.
    """
    inner: Any = kind
    name = kind.typeName()
    if value is None:
        return None
    if name == "array":
        _require(value, list, "a JSON array such as [1, 2]")
        return [json_value(item, inner.elementType, zone) for item in value]
    if name == "map":
        _require(value, dict, 'a JSON object such as {"a": 1}')
        return {
            _scalar(key, inner.keyType, zone): json_value(item, inner.valueType, zone) for key, item in value.items()
        }
    if name == "struct":
        _require(value, dict, 'a JSON object such as {"a": 1}')
        unknown = [key for key in value if key not in inner.names]
        if unknown:
            raise ValueError(f"there is no field {unknown[0]!r}.{suggestion(unknown[0], inner.names)}")
        return tuple(json_value(value.get(field.name), field.dataType, zone) for field in inner.fields)
    if isinstance(value, list | dict):
        raise ValueError(f"{json.dumps(value, default=str)} is no {kind.simpleString()}")  # noqa: TRY004 - a wrong cell
    if isinstance(value, str) != (name in _TEXTS) and name in {*_TEXTS, *_BITS, "boolean"}:
        raise ValueError(f"{json.dumps(value, default=str)} is no {kind.simpleString()}")
    return _scalar(str(value).lower() if isinstance(value, bool) else str(value), kind, zone)


def _require(value: Any, kind: type, wanted: str) -> None:
    if not isinstance(value, kind):
        raise ValueError(f"{json.dumps(value, default=str)} is not {wanted}")  # noqa: TRY004 - a wrong cell


def _scalar(text: str, kind: DataType, zone: tzinfo) -> Any:
    name = kind.typeName()
    if name in _TEXTS:
        return text
    if name in _BITS:
        return _whole(text, kind, _BITS[name])
    return _PARSERS[name](text, kind, zone)


def _whole(text: str, kind: DataType, bits: int) -> int:
    if not re.fullmatch(r"[+-]?\d+", text):
        raise ValueError(f"{text} is no whole number")
    value = int(text)
    if not -(1 << bits - 1) <= value < 1 << bits - 1:
        raise ValueError(f"{text} does not fit {kind.simpleString()}, which has {bits} bits")
    return value


def _float(text: str, kind: DataType, zone: tzinfo) -> float:
    del zone
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"{text} is no number (NaN, Infinity and -Infinity are)") from None
    if kind.typeName() == "double" or not math.isfinite(value):
        return value
    try:
        found: float = struct.unpack("<f", struct.pack("<f", value))[0]
    except OverflowError:
        raise ValueError(f"{text} does not fit float") from None
    return found


def _decimal(text: str, kind: DataType, zone: tzinfo) -> Decimal:
    del zone
    inner: Any = kind
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text} is no decimal number") from None
    try:
        if value.is_finite():
            return value.quantize(
                Decimal(1).scaleb(-inner.scale),
                context=Context(prec=inner.precision, traps=[Inexact, InvalidOperation]),
            )
    except (Inexact, InvalidOperation):
        pass
    raise ValueError(f"{text} does not fit {kind.simpleString()}")


def _boolean(text: str, kind: DataType, zone: tzinfo) -> bool:
    del kind, zone
    if text not in {"true", "false"}:
        raise ValueError(f"{text} is neither true nor false")
    return text == "true"


def _date(text: str, kind: DataType, zone: tzinfo) -> date:
    del kind, zone
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{text} is no date such as 2013-01-31{_range(error)}") from None


def _moment(text: str, kind: DataType, zone: tzinfo) -> datetime:
    """An instant, in UTC."""
    del kind
    value = _datetime(text)
    return (value if value.tzinfo else value.replace(tzinfo=zone)).astimezone(UTC)


def _local(text: str, kind: DataType, zone: tzinfo) -> datetime:
    del kind, zone
    value = _datetime(text)
    if value.tzinfo:
        raise ValueError(f"{text} has a zone, and timestamp_ntz has none")
    return value


def _datetime(text: str) -> datetime:
    try:
        if not _TIME_OF_DAY.fullmatch(text):
            raise ValueError  # noqa: TRY301 - one message for both
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{text} is no time such as 2013-01-31 05:00 or 2013-01-31T05:00:00Z{_range(error)}") from None


def _range(error: ValueError) -> str:
    return f" ({error})" if "range" in str(error) or "must be in" in str(error) else ""


def _binary(text: str, kind: DataType, zone: tzinfo) -> bytes:
    del kind, zone
    if not re.fullmatch(r"0x(?:[0-9A-Fa-f]{2})*", text):
        raise ValueError(f"{text} is no binary such as 0xCAFE")
    return bytes.fromhex(text[2:])


def _void(text: str, kind: DataType, zone: tzinfo) -> None:
    del kind, zone
    raise ValueError(f"{text} is not null, and the type void has only null")


_PARSERS: dict[str, Callable[[str, DataType, tzinfo], Any]] = {
    "float": _float,
    "double": _float,
    "decimal": _decimal,
    "boolean": _boolean,
    "date": _date,
    "timestamp": _moment,
    "timestamp_ntz": _local,
    "binary": _binary,
    "void": _void,
}
