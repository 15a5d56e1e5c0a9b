"""Boolean, whole and floating-point numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stoker.postgres.encode.parts import RefusedValueError, first, of_width, validity, values

if TYPE_CHECKING:
    from collections.abc import Callable

    from stoker.postgres.column_type import ColumnType
    from stoker.postgres.encode.parts import Part

WHOLE = {"int2": ">i2", "int4": ">i4", "int8": ">i8"}
"""NumPy's types of PostgreSQL's."""
FLOATING = {"float4": ">f4", "float8": ">f8"}
ADVICE = "Correct the value in the transformer, or make the column wider."


def boolean(array: pa.Array) -> list[Part]:
    """A byte, 0 or 1."""
    return of_width([values(array.cast(pa.uint8()), np.uint8)], validity(array))


def whole(target: ColumnType) -> Callable[[pa.Array], list[Part]]:
    """Whole numbers, and decimals without digits behind the point, as `int2`, `int4` or `int8`."""
    kind = np.dtype(WHOLE[target.base])
    limits = np.iinfo(kind)

    def encode(array: pa.Array) -> list[Part]:
        check_range(array, limits.min, limits.max, target)
        if pa.types.is_decimal(array.type):
            array = array.cast(pa.int64())
        return of_width([numbers(array).astype(kind)], validity(array))

    return encode


def floating(target: ColumnType) -> Callable[[pa.Array], list[Part]]:
    """Floating-point numbers with NaN and infinities, and whole numbers, as `float4` or `float8`."""
    kind = np.dtype(FLOATING[target.base])

    def encode(array: pa.Array) -> list[Part]:
        given, valid = numbers(array), validity(array)
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            found = given.astype(kind)
        if kind.itemsize < given.dtype.itemsize and given.dtype.kind == "f":
            # Finite and not zero, and no longer so: the server refuses that in text, and could not see it in binary.
            lost = (np.isinf(found) & ~np.isinf(given)) | ((found == 0) & (given != 0))
            at = first(lost if valid is None else lost & valid)
            if at >= 0:
                raise RefusedValueError(at, f"is out of range for {target.sql}: {given[at]}", ADVICE)
        return of_width([found], valid)

    return encode


def numbers(array: pa.Array) -> np.ndarray[Any, Any]:
    """The entries of an array of numbers; where it has null, anything."""
    return values(array, array.type.to_pandas_dtype())


def check_range(array: pa.Array, lowest: int, highest: int, target: ColumnType) -> None:
    """Refuse the first value outside of a range.

    Raises:
        RefusedValueError: With the value.
    """
    found = pc.min_max(array)
    least, most = found["min"].as_py(), found["max"].as_py()
    if least is None or (lowest <= least and most <= highest):
        return
    for at, value in enumerate(array.to_pylist()):
        if value is not None and not lowest <= value <= highest:
            raise RefusedValueError(at, f"is out of range for {target.sql}: {value}", ADVICE)
