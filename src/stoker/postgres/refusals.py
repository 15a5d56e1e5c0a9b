"""What PostgreSQL refuses, or does not answer, as errors that say what to do next."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, TypeVar

from stoker.errors import (
    ConfigurationError,
    ConnectionLostError,
    SinkError,
    StokerError,
    TransientError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

T = TypeVar("T")

LOCK_NOT_AVAILABLE = "55P03"
DEPENDENTS_EXIST = "2BP01"
NO_RIGHT = "42501"
NOTHING = "Nothing was published."
_LONGEST = 600
"""Characters of a server's text that a message keeps: a row can be long."""

_LOST = ("08", "57P")
_KINDS: dict[str, type[StokerError]] = {
    "08": ConnectionLostError,
    "57P": ConnectionLostError,
    "28": ConfigurationError,
    "3D": ConfigurationError,
    "25006": ConfigurationError,
    "40": TransientError,
    "53": TransientError,
    "55": TransientError,
    "57014": TransientError,
    "58030": TransientError,
}
"""By the longest beginning of an SQLSTATE that fits; what is not here is a SinkError."""

_EXAMPLES = ("23", "0A000")
"""SQLSTATEs whose details have the row, the key, or the other table."""
_COPIED = re.compile(r"COPY .*?, line (\d+)")

_ADVICE = {
    "08": "Run again with the same run id.",
    "22": "Correct the values in the transformer, or change the column's type.",
    "22001": "Shorten the text in the transformer, or make the column longer.",
    "22021": "Remove NUL characters in the transformer, regexp_replace(column, '\\\\x00', ''), and bytes that are no UTF-8.",
    "23502": "Fill the column in the transformer, or ALTER TABLE ... ALTER COLUMN ... DROP NOT NULL.",
    "23503": "Load the table that is referred to first, or take the constraint off.",
    "23505": "Remove the duplicates in the transformer.",
    "23": "Correct the rows in the transformer, or the constraint.",
    "25006": "Name the primary server as host: this one is read-only.",
    "40": "Run again with the same run id.",
    "42501": "Have the table's owner grant the right to the connection's user.",
    "42P01": "Run again with the same run id.",
    "53100": "Free space on the server's disk, then run again with the same run id.",
    "53300": "Have the load use fewer (connections=) or raise max_connections, then run again.",
    "53": "Free what the server lacks, then run again with the same run id.",
    "54011": "Select fewer columns: PostgreSQL has at most 1600 in a table.",
    "55": "Run again with the same run id when the other session is done.",
    "57014": "Someone or a time-out cancelled the statement: run again with the same run id.",
    "57P": "Run again with the same run id when the server is up.",
}


def fields(error: BaseException) -> dict[str, str]:
    """The server's fields of a `DatabaseError`: C the SQLSTATE, M the message, W where, D details, and others."""
    told = error.args[0] if error.args else None
    return told if isinstance(told, dict) else {}


def sqlstate(error: BaseException) -> str:
    """The SQLSTATE, or an empty text."""
    return fields(error).get("C", "")


def is_lost(error: BaseException) -> bool:
    """Whether the connection is gone with this error."""
    from pg8000.exceptions import InterfaceError

    if isinstance(error, InterfaceError | OSError):
        return True
    told = fields(error)
    return told.get("C", "").startswith(_LOST) or told.get("V", told.get("S")) in {"FATAL", "PANIC"}


def refused(
    error: BaseException,
    what: str,
    *,
    state: str = NOTHING,
    renamed: tuple[str, str] = ("", ""),
    cast: Sequence[str] = (),
    key_of: Callable[[int], str | None] | None = None,
) -> StokerError:
    """The error for what the server answered.

    Args:
        error: A `DatabaseError` of pg8000.
        what: What was tried, as the beginning of a sentence.
        state: What state the data is in.
        renamed: A name in the server's texts (our staging table) and what people know it as.
        cast: Columns that the server casts, and does not name when it cannot.
        key_of: The key of the row that ends in a line of what was copied, as `id = 8`; what is not copied has none.
    """
    told = fields(error)
    code = told.get("C", "")
    parts = [told.get("M", str(error))]
    column = told.get("c")
    if column and f'"{column}"' not in parts[0]:
        parts.append(f"column {column}")
    if code.startswith(_EXAMPLES) and "D" in told:
        parts.append(told["D"].rstrip("."))
    first, *others = told.get("W", "").splitlines() or [""]
    copied = next((line for line in (first, *others) if _COPIED.match(line)), None)
    parts += [line for line in dict.fromkeys((first, copied)) if line]
    if copied and cast and not code.startswith("23") and ", column " not in copied:
        parts.append(f"cast from column {' or '.join(map(repr, cast))}")
    if key_of and (line := _COPIED.match(copied or "")) and (key := key_of(int(line[1]))):
        parts.append(key)
    text = "; ".join(_shortened(part) for part in parts)
    if renamed[0]:
        text = text.replace(renamed[0], renamed[1])
    kind = _longest(_KINDS, code) or SinkError
    next_step = _longest(_ADVICE, code) or "Correct what the server refuses, then run again with the same run id."
    return kind(f"{what}: {text} (SQLSTATE {code}).", state=state, next_step=next_step)


def _longest(table: dict[str, T], code: str) -> T | None:
    fitting = [key for key in table if code.startswith(key)]
    return table[max(fitting, key=len)] if fitting else None


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


@contextlib.contextmanager
def explained(
    what: str,
    *,
    state: str = NOTHING,
    renamed: tuple[str, str] = ("", ""),
    cast: Sequence[str] = (),
    key_of: Callable[[int], str | None] | None = None,
) -> Iterator[None]:
    """Turn pg8000's errors inside of the block into ours.

    Args:
        what: What is tried, as the beginning of a sentence.
        state: What state the data is in if it fails.
        renamed: As for `refused`.
        cast: As for `refused`.
        key_of: As for `refused`.

    Raises:
        SinkError: If the server refuses for good.
        TransientError: If it may accept later.
        ConnectionLostError: If the connection is lost.
        ConfigurationError: If the connection cannot be right: a standby, a missing right to log in.
    """
    from pg8000.exceptions import DatabaseError, InterfaceError

    try:
        yield
    except DatabaseError as error:
        raise refused(error, what, state=state, renamed=renamed, cast=cast, key_of=key_of) from error
    except (InterfaceError, OSError) as error:
        raise ConnectionLostError(
            f"{what}: the connection to PostgreSQL was lost ({_reason(error)}).",
            state=state,
            next_step="Run again with the same run id when the server can be reached.",
        ) from error


def _reason(error: BaseException) -> str:
    cause = error.__cause__ or error
    return getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
