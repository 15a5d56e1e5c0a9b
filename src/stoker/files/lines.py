"""The first line of a text file, read by the driver."""

from __future__ import annotations

import bz2
import gzip
import io
import zlib
from typing import TYPE_CHECKING, Any

from stoker.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_OPENERS: dict[str, Callable[[Path], Any]] = {
    "": lambda path: path.open("rb"),
    "GzipCodec": gzip.open,
    "BZip2Codec": bz2.open,
}
"""How Python opens what Hadoop's codec of that name packs."""


def can_open(codec: str) -> bool:
    """Whether Python reads files of that Hadoop codec (empty for none)."""
    return codec in _OPENERS


def first_line_of(path: Path, codec: str, encoding: str) -> str | None:
    """The first line of a file on a local disk, without its end; None if it is empty.

    Bytes that are not of the encoding become U+FFFD, as in Java.

    Raises:
        SourceError: If it cannot be read or is not what its codec says.
        LookupError: If Python does not know the encoding.
    """
    try:
        with _OPENERS[codec](path) as packed, io.TextIOWrapper(packed, encoding, errors="replace") as text:
            line = text.readline()
    except (OSError, EOFError, zlib.error) as error:
        raise unreadable(str(path), f"{type(error).__name__}: {error}") from error
    return line.removesuffix("\n") if line else None


def unreadable(path: str, cause: str) -> SourceError:
    """The error for a file that cannot be opened or unpacked."""
    return SourceError(
        f"{path} cannot be read: {cause}.",
        state="Nothing was read.",
        next_step="Check the file, its permissions and the encoding.",
    )
