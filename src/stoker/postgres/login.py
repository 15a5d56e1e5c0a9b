"""Why a connection was not made: errors that say what to do, and never the password."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING

from stoker.errors import ConfigurationError, ConnectionLostError, StokerError, TransientError
from stoker.postgres.refusals import fields

if TYPE_CHECKING:
    from stoker.postgres.info import ConnectionInfo

UNTOUCHED = "Nothing was written."

_ADVICE = {
    "28P01": "Check user and password of the connection.",
    "28000": "Check user, sslmode and the server's pg_hba.conf.",
    "3D000": "Check database of the connection, or create it.",
    "42501": "Grant CONNECT on the database to the user.",
}


def not_made(info: ConnectionInfo, error: Exception) -> StokerError:
    """The error for whatever pg8000 or the socket raised."""
    from pg8000.exceptions import DatabaseError, InterfaceError

    if isinstance(error, DatabaseError):
        return _refused(info, error)
    if isinstance(error, ssl.SSLError):
        return _untrusted(info, error)
    if isinstance(error, OSError):
        return _unanswered(info, error)
    if isinstance(error, InterfaceError) and "SSL" in str(error):
        return _without_tls(info)
    # pg8000 stumbles over a missing password when the server asks for SCRAM.
    if "password" in str(error) or (info.password is None and isinstance(error, AttributeError)):
        return _without_password(info)
    return _unanswered(info, error.__cause__ or error)


def _unanswered(info: ConnectionInfo, error: BaseException) -> ConnectionLostError:
    if isinstance(error, TimeoutError):
        reason = f"no answer within {info.connect_timeout:g} s"
    elif isinstance(error, socket.gaierror):
        reason = "the host name is not known"
    else:
        reason = getattr(error, "strerror", None) or "it closed the connection, or is no PostgreSQL"
    return ConnectionLostError(
        f"{info.server} did not answer: {reason}.",
        state=UNTOUCHED,
        next_step="Check that the server is up, host and port, and that the network lets this machine reach it.",
    )


def _refused(info: ConnectionInfo, error: BaseException) -> StokerError:
    told = fields(error)
    code, message = told.get("C", ""), told.get("M", "no reason given")
    if code == "53300":
        return TransientError(
            f"{info.server} has no connection free: {message}.",
            state=UNTOUCHED,
            next_step="Use fewer tasks at a time (coalesce the frame), or raise max_connections.",
        )
    if code.startswith(("57P", "08", "53")):
        return ConnectionLostError(
            f"{info.server} did not let us in yet: {message}.", state=UNTOUCHED, next_step="Run again when it is up."
        )
    who = f"the user {info.user!r} and the database {info.database!r}"
    return ConfigurationError(
        f"{info.server} refuses {who}: {message} (SQLSTATE {code}).",
        state=UNTOUCHED,
        next_step=_ADVICE.get(code, "Check the settings of the connection."),
    )


def _without_password(info: ConnectionInfo) -> ConfigurationError:
    return ConfigurationError(
        f"{info.server} asks for a password of {info.user!r}, and none is configured.",
        state=UNTOUCHED,
        next_step='Add password = "secret://..." to the connection.',
    )


def _without_tls(info: ConnectionInfo) -> ConfigurationError:
    return ConfigurationError(
        f"{info.server} has no TLS, and sslmode is {info.sslmode!r}.",
        state=UNTOUCHED,
        next_step='Switch TLS on at the server; only in a network that you trust, set sslmode = "disable".',
    )


def _untrusted(info: ConnectionInfo, error: ssl.SSLError) -> ConfigurationError:
    if isinstance(error, ssl.SSLCertVerificationError):
        what = f"The certificate of {info.server} is not accepted: {error.verify_message}."
        next_step = "Name the certificate of its authority as sslrootcert, and the host as the certificate has it."
    else:
        what = f"TLS with {info.server} failed: {error.reason or error}."
        next_step = "Check the server's TLS settings and sslmode of the connection."
    return ConfigurationError(what, state=UNTOUCHED, next_step=next_step)
