"""What a configuration holds, for one environment."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stoker.config.entries import toml_key, toml_table
from stoker.config.spark_settings import is_sensitive
from stoker.errors import ConfigurationError, suggestion
from stoker.secrets import redact

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from stoker.config.find import ConfigSource
    from stoker.secrets import SecretRef

ENVIRONMENTS = ("development", "testing", "production")


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
    retries: int = 0
    """How often a pipeline is tried again after an error that may pass."""
    retry_wait: float = 5.0
    """Seconds before the first of these, about; twice as many before each next one."""


@dataclass(frozen=True)
class PostgresSettings:
    """`[postgres.NAME]`: one connection."""

    name: str
    embedded: bool = False
    """Whether Stoker runs the server itself, in `folder`."""
    folder: Path | None = None
    """The data folder of the embedded server."""
    host: str | None = None
    port: int = 5432
    database: str | None = None
    user: str | None = None
    password: str | SecretRef | None = field(default=None, repr=False)
    sslmode: str = "verify-full"
    """As libpq's; the default is `disable` where the host is this machine."""
    sslrootcert: Path | None = None
    sslcert: Path | None = None
    sslkey: SecretRef | None = None
    """A file's path is a `secret://file/` too."""
    connect_timeout: float = 10.0
    """Seconds."""


@dataclass(frozen=True)
class LoggingSettings:
    """`[logging]`."""

    level: str | None = None
    """`DEBUG` to `CRITICAL`; None leaves it to the environment."""


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
        """The root of a place: an absolute path, or a URI; without a slash at its end.

        Raises:
            ConfigurationError: If the environment has no such place.
        """
        if name not in self.places:
            raise self._unknown(
                f"The place {name!r}", suggestion(name, self.places), f'{toml_key(name)} = "..."', self._table("places")
            )
        return self.places[name]

    def connection(self, name: str) -> PostgresSettings:
        """A PostgreSQL connection.

        Raises:
            ConfigurationError: If the environment has no such connection.
        """
        if name not in self.postgres:
            raise self._unknown(
                f"The connection {name!r}",
                suggestion(name, self.postgres),
                "embedded = true, or host, database, user and password",
                self._table("postgres", name),
            )
        return self.postgres[name]

    def public(self) -> dict[str, Any]:
        """The configuration for the run record, as JSON takes it: without any secret."""
        return {
            "source": self.source.name,
            "folder": str(self.source.folder),
            "jobs": dict(self.jobs),
            "run": {
                "records": str(self.run.records),
                "parallel": self.run.parallel,
                "fail_fast": self.run.fail_fast,
                "lease_wait": self.run.lease_wait,
                "retries": self.run.retries,
                "retry_wait": self.run.retry_wait,
            },
            "spark": {key: "***" if is_sensitive(key) else redact(value) for key, value in self.spark.items()},
            "places": {name: redact(place) for name, place in self.places.items()},
            "postgres": {name: _public_connection(settings) for name, settings in self.postgres.items()},
            "logging": {"level": self.logging.level},
        }

    def _table(self, *names: str) -> str:
        return toml_table("environments", self.environment, *names)

    def _unknown(self, what: str, near: str, addition: str, table: str) -> ConfigurationError:
        return ConfigurationError(
            f"{what} is not configured for {self.environment} in {self.source.name}.{near}",
            state="Nothing was started.",
            next_step=f"Add {addition} to {table} in {self.source.name}.",
        )


def _public_connection(settings: PostgresSettings) -> dict[str, Any]:
    if settings.embedded:
        return {"embedded": True, "folder": str(settings.folder)}
    shown: dict[str, Any] = {
        key: getattr(settings, key) for key in ("host", "port", "database", "user", "sslmode", "connect_timeout")
    }
    for key in ("sslrootcert", "sslcert", "sslkey"):
        if getattr(settings, key) is not None:
            shown[key] = str(getattr(settings, key))
    if settings.password is not None:
        shown["password"] = "***" if isinstance(settings.password, str) else str(settings.password)
    return shown
