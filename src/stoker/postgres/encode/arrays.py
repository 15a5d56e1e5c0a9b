"""Arrays of one dimension."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from stoker.postgres.encode.parts import RefusedValueError, joined, of_lengths, offsets, optional, packed, validity

if TYPE_CHECKING:
    from collections.abc import Callable

    from stoker.postgres.encode.choice import Encoder
    from stoker.postgres.encode.parts import Part

_HEAD = 12
_DIMENSION = 8


def one_dimension(element: Encoder, oid: int) -> Callable[[pa.Array], list[Part]]:
    """Lists, whose elements may be null.

    Args:
        element: Of their elements.
        oid: The elements' type.
    """

    def encode(array: pa.Array) -> list[Part]:
        rows = len(array)
        bounds = offsets(array).astype(np.int64)
        inner = array.values.slice(bounds[0], bounds[-1] - bounds[0])
        bounds = bounds - bounds[0]
        counts = np.diff(bounds)
        valid = validity(array)
        # What is behind a null counts for nothing.
        is_filled = counts > 0 if valid is None else (counts > 0) & valid
        starts, data = _elements(inner, element, bounds)
        lengths = _HEAD + np.where(is_filled, _DIMENSION, 0) + np.diff(starts)
        has_null = np.zeros(rows, bool)
        if inner.null_count:
            nulls = np.concatenate([[0], np.cumsum(~validity(inner))])  # type: ignore[operator]
            has_null = np.diff(nulls[bounds]) > 0
        head: list[Any] = [is_filled.astype(">i4"), has_null.astype(">i4"), struct.pack("!I", oid)]
        dimension = optional(packed(rows, [counts.astype(">i4"), struct.pack("!i", 1)]), is_filled)
        content = _filled(starts, data, is_filled)
        if valid is None:
            return of_lengths(lengths, [*head, dimension, content], None)
        return of_lengths(lengths, [optional(packed(rows, head), valid), dimension, content], valid)

    return encode


def _elements(inner: pa.Array, element: Encoder, bounds: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], Any]:
    """Where the bytes of each row's elements begin, and the bytes."""
    if not len(inner):
        return np.zeros(len(bounds), np.int64), pa.py_buffer(b"")
    try:
        encoded = joined(len(inner), element(inner))
    except RefusedValueError as error:
        error.row = int(np.searchsorted(bounds, error.row, side="right")) - 1
        raise
    if isinstance(encoded, np.ndarray):
        return bounds * encoded.shape[1], pa.py_buffer(encoded)
    return offsets(encoded).astype(np.int64)[bounds], encoded.buffers()[2]


def _filled(starts: np.ndarray[Any, Any], data: pa.Buffer, is_filled: np.ndarray[Any, Any]) -> pa.Array:
    bitmap = pa.py_buffer(np.packbits(is_filled, bitorder="little"))
    return pa.Array.from_buffers(pa.binary(), len(is_filled), [bitmap, pa.py_buffer(starts.astype(np.int32)), data])
