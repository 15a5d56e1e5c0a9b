"""Why a connection was not made: errors that say what to do, and never the password."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING

from stoker.errors import ConfigurationError, ConnectionLostError, StokerError, TransientError
from stoker.postgres.refusals import fields
from stoker.secrets import redact

if TYPE_CHECKING:
    from stoker.postgres.connections.info import ConnectionInfo

UNTOUCHED = "Nothing was written."

_ADVICE = {
    "28P01": "Check user and password of the connection.",
    "28000": "Check user, sslmode and the server's pg_hba.conf.",
    "3D000": "Check database of the connection, or create it.",
    "42501": "Grant CONNECT on the database to the user.",
}
_CERTIFICATE_ADVICE = "Name the client's certificate and its key as sslcert and sslkey."
_IAM_ADVICE = (
    "Grant rds_iam to the user (GRANT rds_iam TO ...), allow rds-db:connect on it to the role whose credentials are used, "
    "and check region and the clock of this machine."
)
_POOLER = "08P01"
"""What PgBouncer says to everything that it refuses, so that only the text tells what may pass."""
_LASTING = (
    "password",
    "authentication",
    "does not exist",
    "no such",
    "config error",
    "startup parameter",
    "not allowed",
)
_NO_SUCH_HOST = {getattr(socket, name) for name in ("EAI_NONAME", "EAI_NODATA") if hasattr(socket, name)}
_RDS = ".rds.amazonaws.com"
_RDS_CA = "https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem"


def not_made(info: ConnectionInfo, error: Exception) -> StokerError:
    """The error for whatever pg8000 or the socket raised."""
    from pg8000.exceptions import DatabaseError

    if isinstance(error, DatabaseError):
        return _refused(info, error)
    # pg8000 wraps what the socket raised after the first bytes.
    cause = error if isinstance(error, OSError) else error.__cause__ or error
    if isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return _untrusted(info, cause)
    if isinstance(cause, OSError):
        return _unanswered(info, cause)
    # It stumbles over a missing password when the server asks for SCRAM.
    if "password" in str(error) or (info.password is None and isinstance(error, AttributeError)):
        return _without_password(info)
    if "Authentication method" in str(error):
        return _other_method(info)
    return _unanswered(info, cause)


def _unanswered(info: ConnectionInfo, error: BaseException) -> StokerError:
    if isinstance(error, socket.gaierror) and error.errno in _NO_SUCH_HOST:
        return ConfigurationError(
            f"{info.server} cannot be reached: the host name is not known.",
            state=UNTOUCHED,
            next_step="Correct host, or have this machine's name server know it (in a VPC: its private zone).",
        )
    if isinstance(error, TimeoutError):
        reason = f"no answer within {info.connect_timeout:g} s"
    elif isinstance(error, socket.gaierror):
        reason = "the name server did not answer"
    elif isinstance(error, ssl.SSLError):
        reason = "it closed the connection in the midst of TLS"
    else:
        reason = getattr(error, "strerror", None) or "it closed the connection, or is no PostgreSQL"
    return ConnectionLostError(
        f"{info.server} did not answer: {reason}.",
        state=UNTOUCHED,
        next_step="Check that the server is up, host and port, and that the network lets this machine reach it.",
    )


def _refused(info: ConnectionInfo, error: BaseException) -> StokerError:
    told = fields(error)
    code, message = told.get("C", ""), redact(told.get("M", "no reason given"))
    if code == "53300" or "no more connections" in message:
        return TransientError(
            f"{info.server} has no connection free: {message}.",
            state=UNTOUCHED,
            next_step="Have the load use fewer (connections=), or raise max_connections.",
        )
    lasting = code == _POOLER and any(part in message for part in _LASTING)
    if code.startswith(("57P", "08", "53")) and not lasting:
        return ConnectionLostError(
            f"{info.server} did not let us in yet: {message}.", state=UNTOUCHED, next_step="Run again when it is up."
        )
    who = f"the user {info.user!r} and the database {info.database!r}"
    advice = _ADVICE.get(code, "Check the settings of the connection.")
    if "valid client certificate" in message:
        advice = _CERTIFICATE_ADVICE
    if info.iam is not None and code.startswith("28"):
        advice = _IAM_ADVICE
    return ConfigurationError(
        f"{info.server} refuses {who}: {message} (SQLSTATE {code}).", state=UNTOUCHED, next_step=advice
    )


def _without_password(info: ConnectionInfo) -> ConfigurationError:
    return ConfigurationError(
        f"{info.server} asks for a password of {info.user!r}, and none is configured.",
        state=UNTOUCHED,
        next_step='Add password = "secret://..." to the connection.',
    )


def _other_method(info: ConnectionInfo) -> ConfigurationError:
    return ConfigurationError(
        f"{info.server} wants {info.user!r} to log in by Kerberos or another method that Stoker does not know.",
        state=UNTOUCHED,
        next_step="Give it a user with a password (scram-sha-256 in pg_hba.conf), a client certificate, or IAM.",
    )


def without_tls(info: ConnectionInfo) -> ConfigurationError:
    """The error for a server that speaks plain text only."""
    return ConfigurationError(
        f"{info.server} has no TLS, and sslmode is {info.sslmode!r}.",
        state=UNTOUCHED,
        next_step='Switch TLS on at the server; only in a network that you trust, set sslmode = "disable".',
    )


def _untrusted(info: ConnectionInfo, error: ssl.SSLError) -> ConfigurationError:
    if isinstance(error, ssl.SSLCertVerificationError):
        what = f"The certificate of {info.server} is not accepted: {error.verify_message}."
        next_step = "Name the certificate of its authority as sslrootcert, and the host as the certificate has it."
        if _RDS in info.host and info.sslrootcert is None:
            next_step = f"Download {_RDS_CA}, ship it with the job (--files), and name it as sslrootcert."
    else:
        what = f"TLS with {info.server} failed: {error.reason or error}."
        next_step = "Check the server's TLS settings and sslmode of the connection."
        if "CERTIFICATE_REQUIRED" in (error.reason or ""):
            next_step = _CERTIFICATE_ADVICE
    return ConfigurationError(what, state=UNTOUCHED, next_step=next_step)
