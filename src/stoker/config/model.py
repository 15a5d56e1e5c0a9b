"""What a configuration holds, for one environment."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stoker.config.entries import toml_key, toml_table
from stoker.config.spark_settings import is_sensitive
from stoker.errors import ConfigurationError, suggestion
from stoker.secrets import redact

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    """Seconds of one try."""
    connect_retry: float = 30.0
    """Seconds in which it is tried again after what may pass."""
    statement_timeout: float = 0.0
    """Seconds of one statement of a load; 0 for no limit."""
    application_name: str | None = None
    """None for one that says job and run."""
    more_hosts: tuple[tuple[str, int], ...] = ()
    """Hosts and ports that are tried after the first."""
    target_session_attrs: str = "any"
    """As libpq's; the default is `read-write` where there are several hosts."""
    iam: bool = False
    """Whether the password is a token of AWS IAM."""
    region: str | None = None
    """Of AWS; None for the one that the host's name or the environment has."""
    url: SecretRef | None = None
    """A secret that is a URL; what it says is known when it is resolved."""
    beside: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The values that are given beside such a URL, and win over it."""


@dataclass(frozen=True)
class LoggingSettings:
    """`[logging]`; None leaves it to the environment."""

    level: str | None = None
    """`DEBUG` to `CRITICAL`."""
    levels: Mapping[str, str] = field(default_factory=dict)
    """`[logging.levels]`: the level of a logger and of those below it."""
    destinations: tuple[str, ...] | None = None
    """Of `console`, `file` and `spool`."""
    console_format: str | None = None
    """`detailed` for people, `json` with where each call is, `minimal` JSON."""
    file_format: str | None = None
    """As for the console."""
    folder: Path = Path(".stoker/logs")
    """Of the files for people."""
    file_mib: float = 10.0
    """Size at which a file is rotated."""
    file_hours: float = 24.0
    """Age at which a file is rotated."""
    keep_files: int = 100
    """How many files of ended processes and rotated ones stay."""
    keep_days: float = 30.0
    """How long they stay."""
    keep_mib: float = 500.0
    """How large all of them may be together."""
    spool: Path = Path(".stoker/logs/spool")
    """Of the lines that are to be shipped."""
    segment_mib: float = 8.0
    """Size at which a segment of the spool is complete."""
    segment_seconds: float = 60.0
    """Age at which a segment of the spool is complete."""
    spool_mib: float = 512.0
    """How much may wait in the spool; then its oldest lines below ERROR go."""
    s3: str | None = None
    """`s3://bucket/prefix`, where what is in the spool is sent to."""
    s3_seconds: float | None = None
    """From a line to S3, at most, while all is well; None leaves it to the machine."""

    def public(self) -> dict[str, Any]:
        """For the run record, as JSON takes it."""
        said = {"level": self.level, "levels": dict(self.levels), "destinations": self.destinations, "s3": self.s3}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in said.items()}


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
                "embedded = true, or url, or host, database, user and password",
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
            "logging": self.logging.public(),
        }

    def _table(self, *names: str) -> str:
        return toml_table("environments", self.environment, *names)

    def _unknown(self, what: str, near: str, addition: str, table: str) -> ConfigurationError:
        return ConfigurationError(
            f"{what} is not configured for {self.environment} in {self.source.name}.{near}",
            state="Nothing was started.",
            next_step=f"Add {addition} to {table} in {self.source.name}.",
        )


_SHOWN = ("host", "port", "database", "user", "sslmode", "connect_timeout")
_SHOWN_IF_SAID = (
    "more_hosts",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "connect_retry",
    "statement_timeout",
    "application_name",
    "target_session_attrs",
    "iam",
    "region",
)


def _public_connection(settings: PostgresSettings) -> dict[str, Any]:
    if settings.embedded:
        return {"embedded": True, "folder": str(settings.folder)}
    if settings.url is not None:
        return {"url": str(settings.url), "beside": sorted(settings.beside)}
    shown: dict[str, Any] = {key: getattr(settings, key) for key in _SHOWN}
    defaults = PostgresSettings(settings.name)
    for key in _SHOWN_IF_SAID:
        value = getattr(settings, key)
        if value != getattr(defaults, key):
            shown[key] = value if isinstance(value, str | float | bool) else str(value)
    if settings.more_hosts:
        shown["more_hosts"] = [f"{host}:{port}" for host, port in settings.more_hosts]
    if settings.password is not None:
        shown["password"] = "***" if isinstance(settings.password, str) else str(settings.password)
    return shown
