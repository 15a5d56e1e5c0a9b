"""Numeric: digits to the base 10,000, counted from the point."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stoker.postgres.read.decode import UnreadableValueError, texts, validity

if TYPE_CHECKING:
    from collections.abc import Callable

    from stoker.postgres.read.decode import Cells

_DIGITS = 4
_FIRST = 8
"""Where the first digit is, behind number, weight, sign and scale of them."""
_AT_ONCE = 4
"""Digits that are looked at together, as one word."""
_NEGATIVE, _SPECIAL = 0x4000, 0xC000
_NO_NUMBER = "{}::text IN ('NaN', 'Infinity', '-Infinity')"
_POWERS = np.array([10**power for power in range(19)], np.int64)


def decimal(precision: int, scale: int) -> Callable[[Cells], pa.Array]:
    """Numbers of at most 18 digits, as the server has made sure.

    Args:
        precision: Digits in all.
        scale: Digits behind the point.
    """
    arrow = pa.decimal128(precision, scale)

    def decode(cells: Cells) -> pa.Array:
        nulls = cells.nulls
        head = cells.numbers(">u8")
        count = np.where(nulls, 0, head >> np.uint64(48)).astype(np.int64)
        sign = (head >> np.uint64(16)) & np.uint64(0xFFFF)
        if (~nulls & (sign >= _SPECIAL)).any():
            raise UnreadableValueError("has NaN or infinity", _NO_NUMBER)
        weight = (head >> np.uint64(32)).astype(np.uint16).view(np.int16).astype(np.int64)
        total = np.zeros(len(count), np.int64)
        for number in range(int(count.max(initial=0))):
            if number % _AT_ONCE == 0:
                word = cells.numbers(">u8", _FIRST + 2 * number)
            digit = ((word >> np.uint64(48 - 16 * (number % _AT_ONCE))) & np.uint64(0xFFFF)).astype(np.int64)
            digit *= count > number
            power = (weight - number) * _DIGITS + scale
            if power.min(initial=0) < 0:
                digit //= _POWERS[np.clip(-power, 0, 18)]
            total += digit * _POWERS[np.clip(power, 0, 18)]
        words = np.empty((len(total), 2), np.int64)
        words[:, 0] = np.where(sign == _NEGATIVE, -total, total)
        words[:, 1] = words[:, 0] >> 63
        return pa.Array.from_buffers(arrow, len(total), [validity(nulls), pa.py_buffer(words)])

    return decode


def digits(precision: int, scale: int) -> Callable[[Cells], pa.Array]:
    """Numbers that are sent as text, since they may have more digits than 64 bits hold."""
    text = texts(pa.string())
    too_large = rf"^-?\d{{{precision - scale + 1},}}"
    unreadable = UnreadableValueError(
        f"has a number that decimal({precision},{scale}) does not hold",
        f"{_NO_NUMBER} OR {{}} <> round({{}}, {scale}) OR abs({{}}) >= 1e{precision - scale}",
    )

    def decode(cells: Cells) -> pa.Array:
        values = text(cells)
        # Arrow makes something else of them, without a word. The server writes no leading zeros but one.
        if pc.any(pc.match_substring_regex(values, too_large)).as_py() and precision > scale:
            raise unreadable
        try:
            return values.cast(pa.decimal128(precision, scale))
        except pa.ArrowInvalid as error:
            raise unreadable from error

    return decode
