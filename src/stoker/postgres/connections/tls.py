"""TLS by `sslmode`, as libpq means it; never with a fall-back to plain text."""

from __future__ import annotations

import ssl
import struct
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from stoker.errors import ConfigurationError
from stoker.postgres.connections.login import UNTOUCHED, without_tls

if TYPE_CHECKING:
    import socket

    from stoker.postgres.connections.info import ConnectionInfo


_REQUEST = struct.pack("!ii", 8, 80877103)
"""SSLRequest: its length and its code."""


def secured(sock: socket.socket, context: ssl.SSLContext | None, info: ConnectionInfo) -> socket.socket:
    """A socket by TLS: what is sent from then on is encrypted, or nothing is sent.

    Args:
        sock: Connected, nothing sent yet.
        context: Of `tls_context`; None leaves the socket as it is.
        info: The server.

    Raises:
        ConfigurationError: If the server has no TLS.
        OSError: If the server closes the connection, or TLS fails.
    """
    if context is None:
        return sock
    sock.sendall(_REQUEST)
    answer = sock.recv(1)
    if answer == b"N":
        raise without_tls(info)
    if answer != b"S":
        # Also an error in plain text comes here: who sent it is not known, so it is not shown.
        raise ConnectionAbortedError("it closed the connection, or is no PostgreSQL")
    return context.wrap_socket(sock, server_hostname=info.host)


def tls_context(info: ConnectionInfo) -> ssl.SSLContext | None:
    """The context for a connection; None for plain text.

    Raises:
        ConfigurationError: If the certificates that were given are none, or the key cannot be used.
    """
    if info.sslmode == "disable":
        return None
    try:
        context = ssl.create_default_context(cadata=info.sslrootcert)
    except ssl.SSLError as error:
        raise ConfigurationError(
            f"sslrootcert for {info.server} holds no certificates: {error.reason}.",
            state=UNTOUCHED,
            next_step="Name a file of PEM certificates.",
        ) from error
    context.check_hostname = info.sslmode == "verify-full"
    # As libpq: `require` with certificates given verifies them.
    if info.sslmode == "require" and info.sslrootcert is None:
        context.verify_mode = ssl.CERT_NONE
    if info.sslcert is not None:
        _present(context, info, info.sslcert)
    return context


class _EncryptedError(Exception):
    """The key has a passphrase."""


def _present(context: ssl.SSLContext, info: ConnectionInfo, certificate: str) -> None:
    """Have the context show a client certificate. Python takes it from a file only."""

    def passphrase() -> str:
        # Without this OpenSSL asks on the terminal, and a job waits for ever.
        raise _EncryptedError

    with tempfile.TemporaryDirectory(prefix="stoker-") as folder:
        # The folder is its owner's alone, and gone with the block.
        chain = Path(folder) / "client.pem"
        chain.write_text(f"{info.sslkey or ''}\n{certificate}\n", "ascii")
        try:
            context.load_cert_chain(chain, password=passphrase)
        except _EncryptedError:
            what, step = "is encrypted", "Decrypt it (openssl pkey -in KEY -out PLAIN_KEY), and keep it as a secret."
        except ssl.SSLError as error:
            what = f"cannot be used: {error.reason or 'they are no PEM of a certificate and its key'}"
            step = "Name the client's certificate and its own key, as PEM."
        else:
            return
    raise ConfigurationError(f"sslcert or sslkey for {info.server} {what}.", state=UNTOUCHED, next_step=step)
