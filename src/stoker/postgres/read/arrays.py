"""Arrays: the elements of all rows become one column, which is decoded as any other."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from stoker.postgres.read.decode import Cells, UnreadableValueError, validity

if TYPE_CHECKING:
    from collections.abc import Callable

    Words = np.ndarray[Any, Any]

_SIZE = 12
"""Where the number of elements is: behind the number of dimensions, a flag and the elements' type."""
_FIRST = 20
"""Where the first element is."""
_LENGTH = struct.Struct("!i")
_FEW = 16
"""Arrays with so many elements are followed one by one, when the others have ended."""


def array(element: Callable[[Cells], pa.Array]) -> Callable[[Cells], pa.Array]:
    """Arrays of one dimension.

    Args:
        element: Decodes the elements.
    """

    def decode(cells: Cells) -> pa.Array:
        nulls = cells.nulls
        dimensions = np.where(nulls, 0, cells.numbers(">i4"))
        if (dimensions > 1).any():
            raise UnreadableValueError("has an array of more than one dimension", "array_ndims({}) > 1")
        sizes = np.where(dimensions == 1, cells.numbers(">i4", _SIZE), 0).astype(np.int64)
        offsets = np.concatenate([[0], np.cumsum(sizes)])
        values = element(_elements(cells, sizes, offsets))
        return pa.Array.from_buffers(
            pa.list_(values.type),
            len(nulls),
            [validity(nulls), pa.py_buffer(offsets.astype(np.int32))],
            children=[values],
        )

    return decode


def _elements(cells: Cells, sizes: Words, offsets: Words) -> Cells:
    """Where each element is: the first ones of all rows, then the second ones, and so on."""
    at, lengths = np.zeros(offsets[-1], np.int64), np.zeros(offsets[-1], np.int64)
    rows = np.flatnonzero(sizes)
    here, number = cells.at[rows] + _FIRST, 0
    while len(rows) > _FEW:
        found = Cells(cells.memory, here, here).numbers(">i4").astype(np.int64)
        place = offsets[rows] + number
        at[place], lengths[place] = here + _LENGTH.size, found
        here, number = here + _LENGTH.size + np.maximum(found, 0), number + 1
        more = sizes[rows] > number
        rows, here = rows[more], here[more]
    for row, start in zip(rows.tolist(), here.tolist(), strict=True):
        position = start
        for index in range(int(offsets[row]) + number, int(offsets[row + 1])):
            (length,) = _LENGTH.unpack_from(cells.memory, position)
            at[index], lengths[index] = position + _LENGTH.size, length
            position += _LENGTH.size + max(length, 0)
    return Cells(cells.memory, at, lengths)
