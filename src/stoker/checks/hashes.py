"""64-bit hashes of keys in Arrow's arrays: equal keys have equal hashes, and different ones hardly ever.

Whole numbers, days and moments stand for themselves. Of texts and bytes, eight bytes at a time are mixed in.
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pyarrow as pa

from stoker.postgres.encode.parts import offsets

if TYPE_CHECKING:
    from collections.abc import Sequence

Hashes: TypeAlias = "np.ndarray[Any, np.dtype[np.uint64]]"

LONGEST = 128
"""Bytes of a text that is hashed here."""
_WORD = 8
_FIRST, _SECOND = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)
"""Odd constants of splitmix64 (Steele, Lea and Flood, 2014)."""
_MASKS = np.array([(1 << (8 * size)) - 1 for size in range(_WORD)] + [2**64 - 1], np.uint64)
"""Which bits of a word a text has, by its remaining bytes."""


class TooLongError(Exception):
    """A text is longer than what is hashed here."""


def hashes(columns: Sequence[pa.Array]) -> Hashes:
    """The hash of each key.

    Args:
        columns: Of one length, without nulls: whole numbers, days, moments, texts or bytes.

    Returns:
        Of the columns' length, uint64. One column of numbers is given as it is.

    Raises:
        TooLongError: If a text has more than `LONGEST` bytes.
    """
    parts = [_texts(each) if _is_text(each.type) else _numbers(each) for each in columns]
    if len(parts) == 1:
        return parts[0]
    return reduce(_mixed, parts, np.zeros_like(parts[0]))


def repeats(found: np.ndarray[Any, Any]) -> int:
    """How many entries repeat another; sorts them where they are."""
    found.sort()
    return int(np.count_nonzero(found[1:] == found[:-1]))


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_binary(kind))


def _numbers(array: pa.Array) -> Hashes:
    if pa.types.is_date32(array.type):
        array = array.view(pa.int32())
    elif not pa.types.is_integer(array.type):
        array = array.view(pa.int64())
    numbers: np.ndarray[Any, np.dtype[np.int64]] = np.asarray(array.to_numpy(zero_copy_only=False), np.int64)
    return numbers.view(np.uint64)


def _texts(array: pa.Array) -> Hashes:
    count = len(array)
    bounds = offsets(array).astype(np.int64)
    starts, lengths = bounds[:-1] - bounds[0], np.diff(bounds)
    longest = int(lengths.max(initial=0))
    if longest > LONGEST:
        raise TooLongError
    size = int(bounds[-1] - bounds[0])
    padded = np.zeros(size + _WORD, np.uint8)
    if size:
        padded[:size] = np.frombuffer(array.buffers()[2], np.uint8, size, int(bounds[0]))
    # A word begins at every byte.
    words = np.ndarray((size + 1,), "<u8", padded, strides=(1,))
    found = _mixed(np.zeros(count, np.uint64), lengths.astype(np.uint64))
    for at in range(0, longest, _WORD):
        rest = np.clip(lengths - at, 0, _WORD)
        found = _mixed(found, words[np.minimum(starts + at, size)] & _MASKS[rest])
    return found


def _mixed(found: Hashes, value: Hashes) -> Hashes:
    found = (found ^ value) * _FIRST
    found = (found ^ (found >> np.uint64(32))) * _SECOND
    return found ^ (found >> np.uint64(29))
