"""Relays on 127.0.0.1 in front of the real server: one that cuts at the commit, one that speaks TLS."""

from __future__ import annotations

import contextlib
import datetime as dt
import socket
import ssl
import struct
import tempfile
import threading
import time
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

COMMIT = b"COMMIT\0"


def close(*socks: socket.socket) -> None:
    """Close for good, also where another thread reads."""
    for sock in socks:
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
        sock.close()


class Relay:
    """Passes everything on, until it is told to cut.

    Args:
        host: Of the server.
        port: Of the server.
    """

    def __init__(self, host: str, port: int) -> None:
        self._goal = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._cut = ""
        self._refuse = False
        self._open: list[socket.socket] = []
        self.cuts = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        close(self._listener, *self._open)

    def towards(self, host: str, port: int) -> None:
        """Another server from now on, for new connections."""
        self._goal = (host, port)

    def open(self) -> None:
        """Let everybody through again."""
        self._refuse = self._refuse_then = False

    def cut_at_commit(self, how: str, *, then_refuse: bool = False) -> None:
        """At the next COMMIT cut once.

        Args:
            how: `before` the server has it, `after` it has answered, `silently` before, so that the server's side stays,
                or `late`, so that it arrives a second after the client was cut off.
            then_refuse: Whether nobody gets through afterwards.
        """
        self._cut, self._refuse_then = how, then_refuse

    def refuse(self) -> None:
        """Cut all connections, and let nobody through any more."""
        self._refuse = True
        close(*self._open)

    def cut_all(self) -> None:
        """Cut the connections that are open now."""
        close(*self._open)
        self._open.clear()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self._refuse:
                    client.close()
                    continue
                try:
                    server = socket.create_connection(self._goal)
                except OSError:  # it is down: so are we
                    client.close()
                    continue
                self._open += [client, server]
                for pump in (self._forth, self._back):
                    threading.Thread(target=pump, args=(client, server), daemon=True).start()

    def _forth(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(1 << 16):
                if self._cut and COMMIT in data:
                    how, self._cut = self._cut, ""
                    self.cuts += 1
                    self._refuse = self._refuse_then
                    if how == "after":
                        # From here on nothing goes back: the answer is read and lost.
                        self._lost = server
                        server.sendall(data)
                    elif how == "before":
                        close(client, server)
                    else:
                        close(client)
                    if how == "late":
                        time.sleep(1)
                        server.sendall(data)
                    return
                server.sendall(data)
        close(client, server)

    _lost: socket.socket | None = None
    _refuse_then = False

    def _back(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(1 << 16):
                if self._lost is server:
                    close(client, server)
                    return
                client.sendall(data)


class TlsFront:
    """Takes TLS off, as the embedded server is built without it."""

    def __init__(self) -> None:
        self.pem, self.key, self.locked_key = _certificate()
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.TemporaryDirectory() as folder:
            chain = Path(folder) / "chain.pem"
            chain.write_text(self.key + self.pem)
            self._context.load_cert_chain(chain)
        self._context.load_verify_locations(cadata=self.pem)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._goal = ("", 0)
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        close(self._listener)

    def towards(self, host: str, port: int) -> None:
        """Say where to."""
        self._goal = (host, port)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                with contextlib.suppress(OSError):
                    self._serve(client)

    def ask(self, required: bool) -> None:
        """Say whether clients must show a certificate."""
        self._context.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_NONE

    def _serve(self, client: socket.socket) -> None:
        assert struct.unpack("!ii", client.recv(8)) == (8, 80877103)
        client.sendall(b"S")
        try:
            inner = self._context.wrap_socket(client, server_side=True)
        except OSError:
            client.close()
            raise
        server = socket.create_connection(self._goal)
        for one, other in ((inner, server), (server, inner)):
            threading.Thread(target=_pump, args=(one, other), daemon=True).start()


def _pump(one: socket.socket, other: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := one.recv(1 << 16):
            other.sendall(data)
    close(one, other)


def _certificate() -> tuple[str, str, str]:
    """A certificate for localhost, its key, and that key with a passphrase, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain, locked = (
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, how).decode()
        for how in (serialization.NoEncryption(), serialization.BestAvailableEncryption(b"open"))
    )
    return certificate.public_bytes(pem).decode(), plain, locked
