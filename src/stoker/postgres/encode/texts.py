"""Texts and what is sent as text, bytes, JSON and UUIDs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stoker.postgres.encode.parts import (
    Part,
    RefusedValueError,
    first,
    of_lengths,
    of_width,
    offsets,
    optional,
    validity,
)
from stoker.postgres.encode.written import plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from stoker.postgres.column_type import ColumnType

_LAST_ASCII = 127
_FOURS = "([0-9A-Fa-f]{4}-?){7}[0-9A-Fa-f]{4}"
_UUID = rf"^({_FOURS}|\{{{_FOURS}\}})$"
"""As PostgreSQL reads it: capitals too, in braces or not, a hyphen after any four digits or none."""
_NOTHING = "00000000-0000-0000-0000-000000000000"
_HEXADECIMAL = 32
_HYPHENS = [8, 13, 18, 23]
_NO_NIBBLE = 255
_NIBBLES = np.full(256, _NO_NIBBLE, np.uint8)
for _letter in "0123456789abcdefABCDEF":
    _NIBBLES[ord(_letter)] = int(_letter, 16)
_SAME = 64
_SHOWN = 40
"""Characters of a wrong value in a message."""
_NO_NUL = r"Remove them in the transformer: regexp_replace(column, '\\x00', '')."
_NO_BYTES = "Decode it by its own encoding in the transformer: decode(column, 'ISO-8859-1')."


def raw(array: pa.Array) -> list[Part]:
    """Bytes as they are."""
    lengths, valid = np.diff(offsets(array)), validity(array)
    if valid is None and 0 < lengths[0] <= _SAME and (lengths == lengths[0]).all():
        # Codes and flags: of one width, they need no place of their own in the row.
        return of_width([_data(array).reshape(len(lengths), -1)], None)
    return of_lengths(lengths, [_short(array)], valid)


def text(target: ColumnType) -> Callable[[pa.Array], list[Part]]:
    """Text in UTF-8, within the length of the target."""

    def encode(array: pa.Array) -> list[Part]:
        check_text(array)
        if target.length is not None:
            _check_length(array, target.length, target.sql)
        return raw(array)

    return encode


def written(target: ColumnType) -> Callable[[pa.Array], list[Part]]:
    """Values that are no texts, as those that PostgreSQL reads."""
    encode = text(target)
    return lambda array: encode(plain(array).cast(pa.string()))


def jsonb(array: pa.Array) -> list[Part]:
    """The text of a JSON value, after the number of the form that it has."""
    check_text(array)
    valid = validity(array)
    version: Part = b"\1" if valid is None else optional(np.ones((len(array), 1), np.uint8), valid)
    return of_lengths(np.diff(offsets(array)) + 1, [version, _short(array)], valid)


def uuid(array: pa.Array) -> list[Part]:
    """Sixteen bytes, from any text that PostgreSQL reads as a UUID: hyphens after each four digits, braces, capitals."""
    check_text(array)
    valid = validity(array)
    given = array if valid is None else array.fill_null(_NOTHING)
    digits = _canonical(given)
    if digits is None:
        at = first(pc.invert(pc.match_substring_regex(given, _UUID)))
        if at >= 0:
            raise RefusedValueError(
                at, f"is no UUID: {_shown(given[at].as_py())}", "Correct the value in the transformer."
            )
        digits = _table(pc.replace_substring_regex(given, "[{}-]", ""), _HEXADECIMAL)
    return of_width([_pairs(digits)], valid)


def check_text(array: pa.Array) -> None:
    """Refuse what no text of PostgreSQL can have.

    Raises:
        RefusedValueError: For a NUL character, or bytes that are no UTF-8.
    """
    data = _data(array)
    if not len(data):
        return
    if data.min() == 0:
        at = first(pc.match_substring(array.cast(pa.binary()), b"\0").fill_null(False))  # noqa: FBT003 - it has no name
        if at >= 0:
            raise RefusedValueError(at, "has a NUL character, which PostgreSQL cannot store", _NO_NUL)
    if data.max() > _LAST_ASCII:
        try:
            array.validate(full=True)
        except pa.ArrowInvalid:
            at = next(at for at, value in enumerate(array.cast(pa.binary())) if not _is_utf8(value.as_py()))
            raise RefusedValueError(at, "is no valid UTF-8", _NO_BYTES) from None


def _check_length(array: pa.Array, length: int, kind: str) -> None:
    if np.diff(offsets(array)).max(initial=0) <= length:  # bytes are as many as characters, or more
        return
    # As SQL has it, spaces beyond the length are cut.
    lengths = pc.utf8_length(pc.utf8_rtrim(array, " "))
    at = first(pc.greater(lengths, length).fill_null(False))  # noqa: FBT003 - it has no name
    if at >= 0:
        raise RefusedValueError(
            at,
            f"has {lengths[at].as_py()} characters, too many for {kind}",
            "Shorten the text in the transformer, or make the column longer.",
        )


def _data(array: pa.Array) -> np.ndarray[Any, Any]:
    """The bytes of all entries."""
    bounds = offsets(array)
    buffer = array.buffers()[2]
    return np.frombuffer(buffer or b"", np.uint8)[bounds[0] : bounds[-1]]


def _short(array: pa.Array) -> pa.Array:
    """As binary with offsets of four bytes, which is enough for what is encoded at once."""
    if pa.types.is_large_string(array.type) or pa.types.is_large_binary(array.type):
        array = array.cast(pa.large_binary())
    return array.cast(pa.binary())


def _canonical(array: pa.Array) -> np.ndarray[Any, Any] | None:
    """The hexadecimal digits if all values are of the usual form; else None."""
    table = _table(array, len(_NOTHING))
    if table is None or not (table[:, _HYPHENS] == ord("-")).all():
        return None
    digits = np.delete(table, _HYPHENS, axis=1)
    return digits if (_NIBBLES[digits] != _NO_NIBBLE).all() else None


def _table(array: pa.Array, width: int) -> np.ndarray[Any, Any] | None:
    """The bytes as a table, if all values are so wide; else None."""
    return _data(array).reshape(-1, width) if (np.diff(offsets(array)) == width).all() else None


def _pairs(digits: Any) -> np.ndarray[Any, Any]:
    nibbles = _NIBBLES[digits]
    pairs: np.ndarray[Any, Any] = (nibbles[:, 0::2] << 4) | nibbles[:, 1::2]
    return pairs


def _is_utf8(value: bytes | None) -> bool:
    try:
        (value or b"").decode()
    except UnicodeDecodeError:
        return False
    return True


def _shown(value: str) -> str:
    return repr(value if len(value) <= _SHOWN else f"{value[:_SHOWN]}...")
