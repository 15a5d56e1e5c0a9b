"""All that a connection needs, as the driver and its tasks hand it around."""

from __future__ import annotations

from dataclasses import dataclass, field


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
    application_name: str = "stoker"
    """As `pg_stat_activity` shows it."""
    name: str | None = None
    """In the configuration, for messages; None for one that is not configured."""

    @property
    def server(self) -> str:
        """The server, for messages."""
        configured = f" (connection {self.name!r})" if self.name else ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"PostgreSQL at {host}:{self.port}{configured}"
