"""What a configuration holds, for one environment."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stoker.errors import ConfigurationError, suggestion

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from stoker.config.find import ConfigSource
    from stoker.secrets import SecretRef

ENVIRONMENTS = ("development", "testing", "production")
SSL_MODES = ("disable", "require", "verify-ca", "verify-full")


@dataclass(frozen=True)
class RunSettings:
    """`[run]`."""

    records: Path
    """The folder of run records."""
    parallel: int | None = None
    """Pipelines at a time; None leaves it to the runner."""
    fail_fast: bool = False
    """Whether the first failure stops the run."""
    lease_wait: float = 600.0
    """Seconds to wait for another run's lease on a target."""


@dataclass(frozen=True)
class PostgresSettings:
    """`[postgres.NAME]`: one connection."""

    name: str
    embedded: bool = False
    """Whether Stoker runs the server itself, in `folder`."""
    folder: Path | None = None
    host: str | None = None
    port: int = 5432
    database: str | None = None
    user: str | None = None
    password: str | SecretRef | None = field(default=None, repr=False)
    sslmode: str = "verify-full"
    """As libpq's; the default is `disable` where the host is this machine."""
    sslrootcert: Path | None = None
    connect_timeout: float = 10.0
    """Seconds."""


@dataclass(frozen=True)
class LoggingSettings:
    """`[logging]`."""

    level: str | None = None


@dataclass(frozen=True)
class Config:
    """The configuration of one environment."""

    environment: str
    source: ConfigSource
    jobs: Mapping[str, str]
    run: RunSettings
    spark: Mapping[str, str]
    places: Mapping[str, str]
    postgres: Mapping[str, PostgresSettings]
    logging: LoggingSettings

    def place(self, name: str) -> str:
        """The root of a place.

        Raises:
            ConfigurationError: If the environment has no such place.
        """
        if name not in self.places:
            raise ConfigurationError(
                f"The place {name!r} is not configured for {self.environment}.{suggestion(name, self.places)}",
                next_step=f'Add {name} = "..." to [environments.{self.environment}.places] in {self.source.name}.',
            )
        return self.places[name]

    def connection(self, name: str) -> PostgresSettings:
        """A PostgreSQL connection.

        Raises:
            ConfigurationError: If the environment has no such connection.
        """
        if name not in self.postgres:
            raise ConfigurationError(
                f"The connection {name!r} is not configured for {self.environment}.{suggestion(name, self.postgres)}",
                next_step=f"Add [environments.{self.environment}.postgres.{name}] to {self.source.name}, "
                "with embedded = true or host, database, user and password.",
            )
        return self.postgres[name]

    def public(self) -> dict[str, Any]:
        """The configuration for the run record: secrets are their references, literal passwords are masked."""
        return {
            "source": self.source.name,
            "run": {
                "records": str(self.run.records),
                "parallel": self.run.parallel,
                "fail_fast": self.run.fail_fast,
                "lease_wait": self.run.lease_wait,
            },
            "spark": {key: "***" if is_sensitive(key) else value for key, value in self.spark.items()},
            "places": dict(self.places),
            "postgres": {name: _public_connection(settings) for name, settings in self.postgres.items()},
            "logging": {"level": self.logging.level},
        }


def is_sensitive(key: str) -> bool:
    """Whether a setting's name says that its value is a secret, by the rule of `spark.redaction.regex`."""
    return any(word in key.lower() for word in ("secret", "password", "token", "access.key", "credential"))


def _public_connection(settings: PostgresSettings) -> dict[str, Any]:
    if settings.embedded:
        return {"embedded": True, "folder": str(settings.folder)}
    shown: dict[str, Any] = {
        key: getattr(settings, key) for key in ("host", "port", "database", "user", "sslmode", "connect_timeout")
    }
    if settings.password is not None:
        shown["password"] = "***" if isinstance(settings.password, str) else str(settings.password)
    return shown
