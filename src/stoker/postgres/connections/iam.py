"""Logging in to RDS and Aurora by AWS IAM: the password is a signed URL that is good for 15 minutes.

It is signed where and when a connection is made, on the driver and in each task, by the standard library alone.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from stoker.errors import ConfigurationError, TerminalError
from stoker.postgres.connections.login import UNTOUCHED
from stoker.secrets import AwsCredentials, find_credentials

_SERVICE = "rds-db"
_ALGORITHM = "AWS4-HMAC-SHA256"
_VALID = 900
"""Seconds."""
_MARGIN = 60.0
"""Seconds that credentials must last yet to be used: a login takes a moment."""
_HOST = re.compile(r"\.(?P<region>[a-z]{2}(?:-[a-z]+)+-\d+)\.rds\.amazonaws\.com(?:\.cn)?\.?", re.IGNORECASE)


@dataclass(frozen=True)
class IamLogin:
    """What signs tokens. It reaches tasks with the rest of the connection."""

    region: str
    credentials: AwsCredentials
    """The driver's. A task signs with them as long as they last, else with its own container's."""

    def token(self, host: str, port: int, user: str) -> str:
        """A password for the next 15 minutes.

        Raises:
            ConfigurationError: If the credentials are over, and this machine has no others.
            TransientError: If the service that has them does not answer.
        """
        credentials = self.credentials
        if not credentials.lasts(_MARGIN):
            try:
                credentials = find_credentials()
            except TerminalError as error:
                raise ConfigurationError(
                    f"The AWS credentials of the driver are over, and this machine has no others. {error.what}",
                    state=UNTOUCHED,
                    next_step="Give the role longer sessions, or the executors the driver's role; then run again.",
                ) from error
        return signed(credentials, self.region, host, port, user, datetime.now(UTC))


def region_of(host: str) -> str | None:
    """The region that an RDS host name tells, or None."""
    found = _HOST.search(host)
    return found["region"].lower() if found else None


def signed(credentials: AwsCredentials, region: str, host: str, port: int, user: str, now: datetime) -> str:
    """The token: a URL without its scheme, signed by AWS's Signature Version 4 (the form for queries).

    Args:
        credentials: Whose rights count.
        region: Of the server.
        host: The end point's own name, no other name for it.
        port: Of the server.
        user: Of the database, which has `rds_iam`.
        now: In UTC.
    """
    day, stamp = f"{now:%Y%m%d}", f"{now:%Y%m%dT%H%M%SZ}"
    scope = f"{day}/{region}/{_SERVICE}/aws4_request"
    query = {
        "Action": "connect",
        "DBUser": user,
        "X-Amz-Algorithm": _ALGORITHM,
        "X-Amz-Credential": f"{credentials.access_key}/{scope}",
        "X-Amz-Date": stamp,
        "X-Amz-Expires": str(_VALID),
        "X-Amz-SignedHeaders": "host",
    }
    if credentials.session_token:
        query["X-Amz-Security-Token"] = credentials.session_token
    sent = "&".join(f"{quote(key, safe='')}={quote(value, safe='-_.~')}" for key, value in sorted(query.items()))
    at = f"{host}:{port}"
    request = "\n".join(("GET", "/", sent, f"host:{at}", "", "host", hashlib.sha256(b"").hexdigest()))
    text = "\n".join((_ALGORITHM, stamp, scope, hashlib.sha256(request.encode()).hexdigest()))
    key = f"AWS4{credentials.secret_key}".encode()
    for part in (*scope.split("/"), text):
        key = hmac.digest(key, part.encode(), "sha256")
    return f"{at}/?{sent}&X-Amz-Signature={key.hex()}"
