"""All that a connection needs, as the driver and its tasks hand it around."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from stoker.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stoker.postgres.connections.iam import IamLogin

DEFAULT_NAME = "stoker"
_LONGEST_NAME = 63
"""Bytes that PostgreSQL keeps of an application name; of others than ASCII it shows question marks."""


def application_name(job: str, run_id: str) -> str:
    """What `pg_stat_activity` shows of a run: its id is whole, the job's name may be cut."""
    free = _LONGEST_NAME - len(f"{DEFAULT_NAME}  {run_id}")
    return f"{DEFAULT_NAME} {job[:free]} {run_id}" if free > 0 else f"{DEFAULT_NAME} {run_id}"


@dataclass(frozen=True)
class ConnectionInfo:
    """All that a connection needs. It reaches tasks inside their closure, and is put nowhere else."""

    host: str
    port: int
    database: str
    user: str
    password: str | None = field(default=None, repr=False)
    sslmode: str = "verify-full"
    """`disable`, `require`, `verify-ca` or `verify-full`, as libpq's."""
    sslrootcert: str | None = None
    """The trusted certificates themselves as PEM text, since a file of the driver is not on the executors."""
    sslcert: str | None = None
    """The client's certificate, the same."""
    sslkey: str | None = field(default=None, repr=False)
    """Its key, the same."""
    connect_timeout: float = 10.0
    """Seconds for one try."""
    connect_retry: float = 30.0
    """Seconds in which `connect_patiently` begins new tries."""
    statement_timeout: float = 0.0
    """Seconds of one statement of a load; 0 for no limit, whatever the role has."""
    application_name: str = DEFAULT_NAME
    """As `pg_stat_activity` shows it."""
    name: str | None = None
    """In the configuration, for messages; None for one that is not configured."""
    more_hosts: tuple[tuple[str, int], ...] = ()
    """Hosts and ports that are tried after the first, in this order."""
    target_session_attrs: str = "any"
    """Which server is taken, as libpq's: `any`, `read-write`, `read-only`, `primary` or `standby`."""
    iam: IamLogin | None = None
    """How to sign a token of AWS IAM, which is the password then."""

    @property
    def server(self) -> str:
        """The server, for messages."""
        configured = f" (connection {self.name!r})" if self.name else ""
        at = ", ".join(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in self._addresses())
        return f"PostgreSQL at {at}{configured}"

    @property
    def statement_milliseconds(self) -> int:
        """`statement_timeout` as the server counts it."""
        return round(self.statement_timeout * 1000)

    def each_host(self) -> Iterator[ConnectionInfo]:
        """The same for each host alone."""
        for host, port in self._addresses():
            yield dataclasses.replace(self, host=host, port=port, more_hosts=())

    def login_password(self) -> str | None:
        """The password, or a token that is signed now and opens connections for the next 15 minutes.

        Raises:
            ConfigurationError: If there are no AWS credentials to sign with, or the token would go in plain text.
            TransientError: If the service that has them does not answer.
        """
        if self.iam is None:
            return self.password
        if self.sslmode == "disable":
            raise ConfigurationError(
                f"{self.server} would get a token of IAM in plain text, since sslmode is 'disable'.",
                state="Nothing was written.",
                next_step='Set sslmode = "verify-full".',
            )
        return self.iam.token(self.host, self.port, self.user)

    def _addresses(self) -> list[tuple[str, int]]:
        return [(self.host, self.port), *self.more_hosts]
