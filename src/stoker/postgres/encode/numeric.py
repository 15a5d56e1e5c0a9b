"""Decimals: PostgreSQL's numeric has digits to the base 10,000, counted from the point.

Every value of a batch gets as many digits as the longest one needs; the server takes leading zeros away.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from stoker.postgres.encode.numbers import ADVICE, numbers
from stoker.postgres.encode.parts import RefusedValueError, first, of_width, validity, values

if TYPE_CHECKING:
    from collections.abc import Callable

    from stoker.postgres.column_type import ColumnType
    from stoker.postgres.encode.parts import Part

    Words = np.ndarray[Any, Any]

_BASE = 10_000
_DIGITS = 4
_MOST_DIGITS = 38
"""Decimal digits of Spark's and Arrow's decimals: none has more."""
_NEGATIVE = 0x4000
_MASK = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_LIMIT = 1 << 64


def numeric(target: ColumnType, scale: int) -> Callable[[pa.Array], list[Part]]:
    """Decimals of a scale, or whole numbers (scale 0), as numeric.

    Args:
        target: Its scale is that of the values at least, so that no digit is cut.
        scale: Digits behind the point of the values, 0 at least.
    """
    digits = None if target.precision is None or target.scale is None else target.precision - target.scale + scale
    bound = 10**digits if digits is not None and digits < _MOST_DIGITS else None

    def encode(array: pa.Array) -> list[Part]:
        valid = validity(array)
        high, low, is_negative = _magnitudes(array, valid)
        if bound is not None:
            at = first(_reaches(high, low, bound))
            if at >= 0:
                raise RefusedValueError(at, f"is out of range for {target.sql}: {array[at].as_py()}", ADVICE)
        places = _places(high, low, scale)
        weight = len(places) - -(-scale // _DIGITS) - 1
        parts: list[bytes | Words] = [struct.pack("!hh", len(places), weight)]
        parts.append(np.where(is_negative, _NEGATIVE, 0).astype(">u2"))
        parts.append(struct.pack("!h", scale))
        return of_width([*parts, *(place.astype(">i2") for place in reversed(places))], valid)

    return encode


def _magnitudes(array: pa.Array, valid: Words | None) -> tuple[Words | None, Words, Words]:
    """Upper and lower 64 bits without the sign (no upper ones if all are 0), and which values are negative."""
    if not pa.types.is_decimal(array.type):
        low = numbers(array).astype(np.int64)
        if valid is not None:
            low = np.where(valid, low, 0)
        # The least of all, whose absolute value int64 does not have, is right as uint64.
        return None, np.abs(low).astype(np.uint64), low < 0
    words = values(array, np.dtype((np.int64, 2)))
    if valid is not None:
        words = np.where(valid[:, None], words, 0)
    low, high = words[:, 0], words[:, 1]
    if np.array_equal(high, low >> 63):
        return None, np.abs(low).astype(np.uint64), low < 0
    is_negative = high < 0
    upper, lower = high.astype(np.uint64), low.astype(np.uint64)
    inverted = ~lower + np.uint64(1)
    upper = np.where(is_negative, ~upper + (inverted == 0), upper)
    return upper, np.where(is_negative, inverted, lower), is_negative


def _reaches(high: Words | None, low: Words, bound: int) -> Words:
    if high is None:
        return low >= np.uint64(bound) if bound < _LIMIT else np.zeros(len(low), bool)
    upper, lower = np.uint64(bound >> 64), np.uint64(bound % _LIMIT)
    reached: Words = (high > upper) | ((high == upper) & (low >= lower))
    return reached


def _places(high: Words | None, low: Words, scale: int) -> list[Words]:
    """The digits of all values, the last first; as many as the largest value needs."""
    places = []
    # The digit that the scale ends in is filled up with zeros.
    power = scale % _DIGITS
    if power:
        high, low, rest = _divided(high, low, 10**power)
        places.append(rest * np.uint64(10 ** (_DIGITS - power)))
    while high is not None:
        # Two at a time, while 128 bits are divided piece by piece.
        high, low, rest = _divided(high, low, _BASE * _BASE)
        upper = rest // np.uint64(_BASE)
        places += [rest - upper * np.uint64(_BASE), upper]
    while low.any():
        _, low, rest = _divided(None, low, _BASE)
        places.append(rest)
    return places


def _divided(high: Words | None, low: Words, by: int) -> tuple[Words | None, Words, Words]:
    """Quotients and remainders; `by` is below 2**32."""
    divisor = np.uint64(by)
    if high is None:
        quotient = low // divisor
        return None, quotient, low - quotient * divisor
    limbs, rest = [], np.zeros_like(low)
    for limb in (high >> _HALF, high & _MASK, low >> _HALF, low & _MASK):
        whole = (rest << _HALF) | limb
        quotient = whole // divisor
        rest = whole - quotient * divisor
        limbs.append(quotient)
    upper = (limbs[0] << _HALF) | limbs[1]
    return upper if upper.any() else None, (limbs[2] << _HALF) | limbs[3], rest
