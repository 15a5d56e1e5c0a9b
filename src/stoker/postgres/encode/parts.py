"""What a column adds to each row of the stream: parts of the same bytes, of a fixed width, or of a width of their own."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Sequence

Part: TypeAlias = "bytes | np.ndarray[Any, Any] | pa.Array"
"""Bytes that are in every row; a NumPy array of shape (rows,) or (rows, n), in network order, whose entry is in each row; or
a binary Arrow array, whose entry is in each row, and nothing where it is null."""

_LARGEST = (1 << 31) - 1
"""Bytes that an Arrow array has in all its values."""
NULL = -1
"""The length that says null."""


class RefusedValueError(Exception):
    """A value that the column cannot hold.

    Args:
        row: Its position in the batch, from 0.
        why: A clause about it: `is out of range for integer: 2147483648`.
        advice: What to write in the transformer.
    """

    def __init__(self, row: int, why: str, advice: str) -> None:
        super().__init__(row, why, advice)
        self.row = row
        self.why = why
        self.advice = advice
        self.column: int | None = None
        """Its position, filled in where columns are known."""


def first(mask: Any) -> int:
    """The position of the first true entry of a NumPy or Arrow array, -1 if there is none."""
    found = np.asarray(mask)
    at = int(found.argmax()) if len(found) else 0
    return at if len(found) and found[at] else -1


def validity(array: pa.Array) -> np.ndarray[Any, Any] | None:
    """Which entries are not null; None if all are."""
    return pc.is_valid(array).to_numpy(zero_copy_only=False) if array.null_count else None


def values(array: pa.Array, kind: Any) -> np.ndarray[Any, Any]:
    """The entries of a fixed width, without a copy; where the array has null, anything."""
    width = np.dtype(kind).itemsize
    # A slice shares the buffer of the whole.
    return np.frombuffer(array.buffers()[1], kind, len(array), array.offset * width)


def offsets(array: pa.Array) -> np.ndarray[Any, Any]:
    """Where the entries of a text, binary or list array begin, and where the last ends; of four or eight bytes."""
    is_large = pa.types.is_large_string(array.type) or pa.types.is_large_binary(array.type)
    kind = np.int64 if is_large or pa.types.is_large_list(array.type) else np.int32
    buffer = array.buffers()[1]
    if buffer is None or not buffer.size:  # of an empty array
        return np.zeros(1, kind)
    return np.frombuffer(buffer, kind, len(array) + 1, array.offset * np.dtype(kind).itemsize)


def of_width(parts: Sequence[bytes | np.ndarray[Any, Any]], valid: np.ndarray[Any, Any] | None) -> list[Part]:
    """A column whose values have one width.

    Args:
        parts: Together a value.
        valid: Which rows are not null.
    """
    width = sum(map(width_of, parts))
    if valid is None:
        return [struct.pack("!i", width), *parts]
    lengths = np.where(valid, width, NULL).astype(">i4")
    return [lengths, optional(packed(len(valid), parts), valid)]


def of_lengths(lengths: np.ndarray[Any, Any], parts: Sequence[Part], valid: np.ndarray[Any, Any] | None) -> list[Part]:
    """A column whose values have lengths of their own; the parts have nothing where it is null."""
    known = lengths if valid is None else np.where(valid, lengths, NULL)
    return [known.astype(">i4"), *parts]


def optional(block: np.ndarray[Any, Any], valid: np.ndarray[Any, Any]) -> pa.Array:
    """The rows of a block of shape (rows, n) where they are valid, nothing elsewhere."""
    return _regular(block, pa.py_buffer(np.packbits(valid, bitorder="little")))


def packed(rows: int, parts: Sequence[bytes | np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
    """The parts beside each other, as bytes of shape (rows, n)."""
    template, names, kinds, starts = bytearray(), list[str](), list[Any](), list[int]()
    for part in parts:
        if isinstance(part, bytes):
            template += part
            continue
        names.append(str(len(names)))
        kinds.append((part.dtype, part.shape[1:]))
        starts.append(len(template))
        template += bytes(width_of(part))
    block = np.empty((rows, len(template)), np.uint8)
    block[:] = np.frombuffer(template, np.uint8)
    if names:
        form = np.dtype({"names": names, "formats": kinds, "offsets": starts, "itemsize": len(template)})
        fields = block.reshape(-1).view(form)
        for name, part in zip(names, (part for part in parts if not isinstance(part, bytes)), strict=True):
            fields[name] = part
    return block


def joined(rows: int, parts: Sequence[Part]) -> pa.Array | np.ndarray[Any, Any]:
    """The parts beside each other in each row: a binary array, or of shape (rows, n) where all rows have one width."""
    runs: list[Any] = []
    run: list[bytes | np.ndarray[Any, Any]] = []
    for part in parts:
        if isinstance(part, bytes | np.ndarray):
            run.append(part)
            continue
        if run:
            runs.append(_regular(packed(rows, run)))
            run = []
        runs.append(part)
    if not runs:
        return packed(rows, run)
    if run:
        runs.append(_regular(packed(rows, run)))
    return pc.binary_join_element_wise(*runs, b"", null_handling="replace", null_replacement=b"")


def width_of(part: bytes | np.ndarray[Any, Any]) -> int:
    """The bytes that a part of a fixed width has in each row."""
    if isinstance(part, bytes):
        return len(part)
    return int(part.dtype.itemsize * np.prod(part.shape[1:], dtype=np.int64))


def _regular(block: np.ndarray[Any, Any], bitmap: pa.Buffer | None = None) -> pa.Array:
    rows, width = block.shape
    if rows * width > _LARGEST:
        raise RefusedValueError(
            0, f"has {rows * width} bytes, and PostgreSQL takes 1 GiB", "Shorten it in the transformer."
        )
    starts = np.arange(rows + 1, dtype=np.int32) * np.int32(width)
    return pa.Array.from_buffers(pa.binary(), rows, [bitmap, pa.py_buffer(starts), pa.py_buffer(block)])
