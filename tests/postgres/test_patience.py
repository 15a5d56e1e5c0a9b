from __future__ import annotations

import contextlib
import dataclasses
import logging
import random
import socket
import struct
import threading
from typing import TYPE_CHECKING, Any, Self

import pytest

from postgres.proxies import close
from stoker.errors import ConfigurationError, ConnectionLostError, InterruptedRunError, StokerError, TransientError
from stoker.postgres.connections import connection
from stoker.postgres.connections.connection import connect, connect_patiently, cut

if TYPE_CHECKING:
    from collections.abc import Callable

    from pg8000.native import Connection

    from stoker.postgres.connections.connection import ConnectionInfo

STARTING = ("57P03", "the database system is starting up")
FULL = ("53300", "sorry, too many clients already")
STOPPING = ("57P01", "terminating connection due to administrator command")
CRASHED = ("57P02", "terminating connection because of crash of another server process")
WRONG = ("28P01", 'password authentication failed for user "u"')
MISSING = ("3D000", 'database "d" does not exist')


class Refusing:
    """Refuses the first who come, each for a reason, and lets the others through.

    Args:
        info: The server.
        reasons: SQLSTATE and text; an empty reason cuts without a word.
    """

    def __init__(self, info: ConnectionInfo, *reasons: tuple[str, str]) -> None:
        self._goal = (info.host, info.port)
        self._reasons = list(reasons)
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = int(self._listener.getsockname()[1])
        self.info = dataclasses.replace(info, port=port, connect_retry=30)
        self.tries = 0
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        close(self._listener, *self._open)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.tries += 1
                if self._reasons:
                    _refuse(client, *self._reasons.pop(0))
                    continue
                server = socket.create_connection(self._goal)
                self._open += [client, server]
                for one, other in ((client, server), (server, client)):
                    threading.Thread(target=_pump, args=(one, other), daemon=True).start()


def _refuse(client: socket.socket, code: str, text: str) -> None:
    client.recv(1 << 16)
    if code:
        told = f"SFATAL\0VFATAL\0C{code}\0M{text}\0\0".encode()
        client.sendall(b"E" + struct.pack("!i", len(told) + 4) + told)
    close(client)


def _pump(one: socket.socket, other: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := one.recv(1 << 16):
            other.sendall(data)
    close(one, other)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that are asked for, none of which is made; each is as long as it may be."""
    asked: list[float] = []

    def pause(seconds: float, stopped: Callable[[], bool]) -> bool:
        asked.append(seconds)
        return stopped()

    monkeypatch.setattr(connection, "_pause", pause)
    monkeypatch.setattr(random, "uniform", lambda least, most: most)
    return asked


def test_what_may_pass_is_tried_again(
    info: ConnectionInfo, pauses: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    """With pauses that grow, and one WARNING."""
    with Refusing(info, STARTING, FULL, STOPPING, CRASHED, ("", "")) as server, caplog.at_level(logging.WARNING):
        made = connect_patiently(server.info)
        assert made.run("SELECT 1") == [[1]]
        cut(made)
        assert server.tries == 6
    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0]
    assert len(caplog.messages) == 1
    assert "starting up. Trying again for 30 s." in caplog.messages[0]


def test_pauses_are_random_so_that_tasks_do_not_come_back_in_step(
    info: ConnectionInfo, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """From nothing up to their whole length."""
    monkeypatch.setattr(random, "uniform", lambda least, most: least)
    with Refusing(info, FULL, FULL) as server:
        cut(connect_patiently(server.info))
    assert pauses == [0, 0]


@pytest.mark.parametrize("reason", [WRONG, MISSING])
def test_what_does_not_pass_is_told_at_once(info: ConnectionInfo, reason: tuple[str, str], pauses: list[float]) -> None:
    """A wrong password is as wrong the next time."""
    with Refusing(info, reason) as server:
        with pytest.raises(ConfigurationError, match=reason[0]):
            connect_patiently(server.info)
        assert server.tries == 1
    assert pauses == []


def test_patience_has_an_end(info: ConnectionInfo) -> None:
    """The error is that of the last try."""
    with Refusing(info, *[FULL] * 1000) as server:
        with pytest.raises(TransientError, match="no connection free"):
            connect_patiently(dataclasses.replace(server.info, connect_retry=0.05))
        assert 1 < server.tries < 1000


def test_a_run_that_is_stopped_does_not_wait(info: ConnectionInfo, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while the server is away: also in the midst of a pause."""
    monkeypatch.setattr(random, "uniform", lambda least, most: 1000)
    answers = iter([False, False, True])
    with Refusing(info, FULL, FULL) as server, pytest.raises(InterruptedRunError, match="stopped while it waited"):
        connect_patiently(server.info, lambda: next(answers))
    assert server.tries == 1


def test_the_next_host_is_tried(info: ConnectionInfo) -> None:
    """Where the first is down or full; a wrong password ends it."""
    with Refusing(info, FULL, STARTING, WRONG) as first:
        two = dataclasses.replace(first.info, more_hosts=((info.host, info.port),))
        for _ in range(2):
            cut(connect(two))
        with pytest.raises(ConfigurationError, match="28P01"):
            connect(two)


def test_a_host_that_nobody_knows_is_passed_over(info: ConnectionInfo, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may have been taken out of the cluster; if no name is known, that is a mistake."""
    known = socket.getaddrinfo

    def look(host: str, *others: Any) -> Any:
        if host.endswith(".invalid"):
            raise socket.gaierror(socket.EAI_NONAME, "by the test")
        return known(host, *others)

    monkeypatch.setattr(socket, "getaddrinfo", look)
    gone = dataclasses.replace(info, host="a.invalid", more_hosts=((info.host, info.port),))
    cut(connect(gone))
    error = _refusal(dataclasses.replace(gone, more_hosts=(("b.invalid", 1),)))
    assert isinstance(error, ConfigurationError)
    assert "a.invalid" in error.what
    assert "b.invalid" in error.what


def test_no_host_that_will_do_is_told_of_all(info: ConnectionInfo) -> None:
    """By name, and as what may pass."""
    with Refusing(info, FULL) as first, Refusing(info, STARTING) as second:
        error = _refusal(dataclasses.replace(first.info, more_hosts=((info.host, second.info.port),)))
    assert type(error) is TransientError
    for part in (f":{first.info.port} has no connection free", f":{second.info.port} did not let us in yet"):
        assert part in error.what


def test_only_the_kind_of_server_that_is_wanted_is_taken(info: ConnectionInfo, db: Connection, schema: str) -> None:
    """As libpq's target_session_attrs; a role that only reads stands for a standby's read-only sessions."""
    db.run(f"CREATE ROLE r_{schema} LOGIN PASSWORD 'made-up'")
    try:
        for wanted, is_taken in (("any", True), ("read-write", True), ("primary", True), ("standby", False)):
            assert _is_taken(dataclasses.replace(info, target_session_attrs=wanted)) is is_taken
        db.run(f"ALTER ROLE r_{schema} SET default_transaction_read_only = on")
        reader = dataclasses.replace(info, user=f"r_{schema}", password="made-up")
        for wanted, is_taken in (("read-write", False), ("read-only", True)):
            assert _is_taken(dataclasses.replace(reader, target_session_attrs=wanted)) is is_taken
    finally:
        db.run(f"DROP ROLE r_{schema}")


def _is_taken(info: ConnectionInfo) -> bool:
    try:
        cut(connect(info))
    except TransientError as error:
        return "as target_session_attrs wants it" not in error.what
    return True


def _refusal(info: ConnectionInfo) -> StokerError:
    with pytest.raises(StokerError) as refused:
        connect(info)
    return refused.value


@pytest.mark.parametrize("reason", [("", ""), FULL])
def test_a_server_that_does_not_answer_about_tls_may_do_so_later(info: ConnectionInfo, reason: tuple[str, str]) -> None:
    """It has not said that it has none: a balancer without a server behind it, or a server without memory, looks so."""
    with Refusing(info, reason) as server:
        error = _refusal(dataclasses.replace(server.info, sslmode="require"))
    assert isinstance(error, ConnectionLostError)
