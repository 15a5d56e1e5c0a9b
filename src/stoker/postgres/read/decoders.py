"""The decoder of each form in which a column is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from stoker.postgres.read.arrays import array
from stoker.postgres.read.decode import boolean, date, fixed, texts, timestamp
from stoker.postgres.read.numbers import decimal, digits

if TYPE_CHECKING:
    from collections.abc import Callable

    from stoker.postgres.read.columns import Form
    from stoker.postgres.read.decode import Cells

_DECODERS: dict[str, Callable[[Cells], pa.Array]] = {
    "bool": boolean,
    "int2": fixed(">i2", pa.int16()),
    "int4": fixed(">i4", pa.int32()),
    "int8": fixed(">i8", pa.int64()),
    "float4": fixed(">f4", pa.float32()),
    "float8": fixed(">f8", pa.float64()),
    "date": date,
    "timestamp": timestamp(None),
    "timestamptz": timestamp("UTC"),
    "bytea": texts(pa.binary()),
    **dict.fromkeys(("text", "varchar", "bpchar", "name", "json"), texts(pa.string())),
}


def decoder(form: Form) -> Callable[[Cells], pa.Array]:
    """What makes Arrow of a column."""
    if form.element is not None:
        return array(decoder(form.element))
    if form.name == "numeric":
        return decimal(form.precision, form.scale)
    if form.name == "digits":
        return digits(form.precision, form.scale)
    return _DECODERS[form.name]
