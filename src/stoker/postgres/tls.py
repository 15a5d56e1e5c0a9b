"""TLS by `sslmode`, as libpq means it; never with a fall-back to plain text."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from stoker.errors import ConfigurationError
from stoker.postgres.login import UNTOUCHED

if TYPE_CHECKING:
    from stoker.postgres.connection import ConnectionInfo


def tls_context(info: ConnectionInfo) -> ssl.SSLContext | bool:
    """The context for a connection; False for none, which is what pg8000 takes for plain text.

    Raises:
        ConfigurationError: If the certificates that were given are none.
    """
    if info.sslmode == "disable":
        return False
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
    return context
