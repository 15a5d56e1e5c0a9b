"""Numeric: digits to the base 10,000, counted from the point."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stoker.postgres.read.decode import UnreadableValueError, texts, validity

if TYPE_CHECKING:
    from collections.abc import Callable

    from stoker.postgres.read.decode import Cells

    Words = np.ndarray[Any, Any]

_DIGITS = 4
_FIRST = 8
"""Where the first digit is, behind number, weight, sign and scale of them."""
_AT_ONCE = 4
"""Digits that are looked at together, as one word."""
_KEPT = np.array([(1 << 64) - (1 << (64 - 16 * count)) for count in range(_AT_ONCE + 1)], np.uint64)
"""What of such a word is digits, by their number."""
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
        count = np.where(nulls, 0, (head >> np.uint64(48)).view(np.int64))
        sign = (head >> np.uint64(16)) & np.uint64(0xFFFF)
        if (~nulls & (sign >= _SPECIAL)).any():
            raise UnreadableValueError("has NaN or infinity", _NO_NUMBER)
        weight = (head.view(np.int64) << 16) >> 48
        total = _few(cells, count, weight, scale)
        if total is None:
            total = _many(cells, count, weight, scale)
        words = np.empty((len(total), 2), np.int64)
        words[:, 0] = np.where(sign == _NEGATIVE, -total, total)
        words[:, 1] = words[:, 0] >> 63
        return pa.Array.from_buffers(arrow, len(total), [validity(nulls), pa.py_buffer(words)])

    return decode


def _few(cells: Cells, count: Words, weight: Words, scale: int) -> Words | None:
    """The numbers without their signs where all fit into the same four digits; else None."""
    if not count.any():
        return np.zeros(len(count), np.int64)
    top = int(weight[count > 0].max())
    behind = np.where(count > 0, top - weight, 0)
    slots = int((behind + count).max())
    if slots > _AT_ONCE:
        return None
    word = (cells.numbers(">u8", _FIRST) & _KEPT[count]) >> (behind * 16).astype(np.uint64)
    total = np.zeros(len(count), np.int64)
    for slot in range(slots):
        total *= 10**_DIGITS
        total += ((word >> np.uint64(48 - 16 * slot)) & np.uint64(0xFFFF)).view(np.int64)
    power = (top - slots + 1) * _DIGITS + scale
    if power >= 0:
        total *= 10**power
    else:
        total //= 10**-power
    return total


def _many(cells: Cells, count: Words, weight: Words, scale: int) -> Words:
    """The same, digit by digit."""
    total = np.zeros(len(count), np.int64)
    for number in range(int(count.max(initial=0))):
        digit = np.where(count > number, cells.numbers(">i2", _FIRST + 2 * number), 0).astype(np.int64)
        power = (weight - number) * _DIGITS + scale
        total += digit // _POWERS[np.clip(-power, 0, 18)] * _POWERS[np.clip(power, 0, 18)]
    return total


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
