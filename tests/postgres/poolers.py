"""Poolers in front of the real server: PgBouncer where it is installed, and a small one of our own."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import queue
import shutil
import socket
import struct
import subprocess
import threading
import time
from typing import TYPE_CHECKING, Any

from postgres.proxies import close
from stoker.postgres.connections.connection import connect, cut

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from stoker.postgres.connections.connection import ConnectionInfo

PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


@contextlib.contextmanager
def pgbouncer(info: ConnectionInfo, folder: Path, mode: str, **settings: object) -> Iterator[ConnectionInfo]:
    """A PgBouncer that lets everybody in.

    Args:
        info: The server.
        folder: For its files.
        mode: `session`, `transaction` or `statement`.
        settings: Others of its settings.
    """
    assert PGBOUNCER is not None
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    server = f"host={info.host} port={info.port} user={info.user} password={info.password}"
    others = "".join(f"{key} = {value}\n" for key, value in settings.items())
    file = folder / "pgbouncer.ini"
    file.write_text(
        f"[databases]\n{info.database} = {server}\nnowhere = {server} dbname=nowhere\n"
        f"wrong = {server.replace(str(info.password), 'wrong')} dbname={info.database}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nauth_type = any\npool_mode = {mode}\n{others}"
    )
    # It does not run as root, and reads its file after it has become somebody else.
    command = [PGBOUNCER, *(["-u", "nobody"] if os.geteuid() == 0 else []), "/dev/stdin"]
    with file.open() as configuration:
        process = subprocess.Popen(command, stdin=configuration, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield _answering(dataclasses.replace(info, port=port), process)
    finally:
        process.kill()
        process.wait()


def _answering(info: ConnectionInfo, process: subprocess.Popen[bytes]) -> ConnectionInfo:
    end = time.monotonic() + 10
    while process.poll() is None and time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection((info.host, info.port), 1):
            return info
        time.sleep(0.02)
    raise AssertionError("PgBouncer does not start")


class FakePooler:
    """Gives each transaction of simple queries the next of its sessions.

    Args:
        info: The server.
        sessions: How many it has.
        newest: Whether the session that was given back last is given out first, as PgBouncer does.
    """

    def __init__(self, info: ConnectionInfo, sessions: int, *, newest: bool) -> None:
        self._connections = [connect(info) for _ in range(sessions)]
        self._free: queue.Queue[socket.socket] = queue.LifoQueue() if newest else queue.Queue()
        for each in self._connections:
            self._free.put(each._usock)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.info = dataclasses.replace(info, port=int(self._listener.getsockname()[1]))
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> ConnectionInfo:
        return self.info

    def __exit__(self, *_: object) -> None:
        close(self._listener)
        for each in self._connections:
            cut(each)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        server: Any = None
        with contextlib.suppress(OSError, struct.error, queue.Empty):
            _exactly(client, struct.unpack("!i", _exactly(client, 4))[0] - 4)
            client.sendall(
                _message(b"R", struct.pack("!i", 0))
                + _message(b"S", b"client_encoding\0UTF8\0")
                + _message(b"K", struct.pack("!ii", 7, 7))
                + _message(b"Z", b"I")
            )
            while (asked := _read(client))[:1] != b"X":
                server = server or self._free.get(timeout=5)
                server.sendall(asked)
                answer = b""
                while answer[:1] != b"Z":
                    answer = _read(server)
                    client.sendall(answer)
                if answer[-1:] == b"I":
                    self._free.put(server)
                    server = None
        close(client)


def _message(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("!i", len(content) + 4) + content


def _read(sock: socket.socket) -> bytes:
    head = _exactly(sock, 5)
    return head + _exactly(sock, struct.unpack("!i", head[1:])[0] - 4)


def _exactly(sock: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = sock.recv(size - len(data))
        if not piece:
            raise OSError("closed")
        data += piece
    return data
