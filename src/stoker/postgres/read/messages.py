"""The answer of COPY ... TO STDOUT as pieces of memory that hold whole rows.

pg8000 hands each row over by several calls of Python, which takes longer than everything else here. A row is one message
of the protocol, so the lengths of the messages are all that has to be walked along; the rest is for NumPy.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from stoker.errors import ConnectionLostError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pg8000.native import Connection

PADDING = 64
"""Bytes behind the last row that may be looked at, though they mean nothing."""
_PIECE = 2 << 20
"""Bytes that are decoded at once; a longer row is one piece."""
_HEADER = 5
"""Bytes of a message before its content: a code, and the length."""
_SIGNATURE = 19
"""Bytes before the first row: the signature, flags, and the length of an extension that nobody uses."""
_DATA, _ERROR, _READY = b"dEZ"
_LENGTH = struct.Struct("!xi")
"""Of a message, behind its code; without these."""


@dataclass(frozen=True)
class Rows:
    """Whole rows of COPY BINARY, until the next ones are asked for."""

    memory: bytearray
    """With `PADDING` bytes at its end, at least."""
    starts: np.ndarray[Any, Any]
    """Where each row begins in it, at the number of its columns."""


def copied(connection: Connection, sql: str) -> Iterator[Rows]:
    """The rows of a COPY ... TO STDOUT (FORMAT binary); the connection can do nothing else afterwards.

    Raises:
        DatabaseError: What the server answers, also in the midst of the rows.
        ConnectionLostError: If it goes away.
    """
    connection.send_QUERY(sql)
    connection._sock.flush()  # noqa: SLF001 - pg8000 has no way to a COPY but its own loop
    sock = connection._usock  # noqa: SLF001 - as above; nothing is buffered, since every answer before is read to its end
    memory, end, is_first = bytearray(_PIECE + PADDING), 0, True
    while True:
        end, is_closed = _filled(sock, memory, end)
        messages, behind = _messages(memory, end)
        codes = np.frombuffer(memory, np.uint8)[messages]
        _refuse(memory, messages[codes == _ERROR])
        starts = messages[codes == _DATA] + _HEADER
        if is_first and len(starts):
            starts[0] += _SIGNATURE
            is_first = False
        # The last message has -1 where a row has the number of its columns.
        if len(starts) and memory[starts[-1] : starts[-1] + 2] == b"\xff\xff":
            starts = starts[:-1]
        if len(starts):
            yield Rows(memory, starts)
        if _READY in codes:
            return
        if is_closed:
            raise ConnectionLostError(
                "PostgreSQL closed the connection in the midst of the rows.",
                state="Nothing was published.",
                next_step="Run again with the same run id when the server is up.",
            )
        end -= behind
        rest = memory[behind : behind + end]
        if end > len(memory) // 2:  # one row is longer than a piece
            memory = bytearray(2 * len(memory))
        memory[:end] = rest


def _filled(sock: Any, memory: bytearray, end: int) -> tuple[int, bool]:
    """Wait until the memory is full, or the end of the answer has come.

    Returns:
        How much is filled, and whether the connection was closed.
    """
    view = memoryview(memory)[: len(memory) - PADDING]
    while end < len(view):
        received = sock.recv_into(view[end:])
        if not received:
            return end, True
        end += received
        if end > _HEADER and memory[end - _HEADER - 1] == _READY:
            break
    return end, False


def _messages(memory: bytearray, end: int) -> tuple[np.ndarray[Any, Any], int]:
    """Where each whole message begins, and where the first begins that is not whole."""
    found: list[int] = []
    add, unpack = found.append, _LENGTH.unpack_from
    at, last = 0, end - _HEADER
    while at <= last:
        behind = at + 1 + unpack(memory, at)[0]
        if behind > end:
            break
        add(at)
        at = behind
    return np.array(found, np.int64), at


def _refuse(memory: bytearray, errors: np.ndarray[Any, Any]) -> None:
    from pg8000.exceptions import DatabaseError

    for at in errors.tolist():
        length = _LENGTH.unpack_from(memory, at)[0]
        told = bytes(memory[at + _HEADER : at + 1 + length]).decode("utf-8", "replace").split("\0")
        raise DatabaseError({field[0]: field[1:] for field in told if field})
