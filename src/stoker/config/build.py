"""From merged tables to the typed configuration."""

from __future__ import annotations

import ipaddress
import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stoker import secrets
from stoker.config.layout import FIXED, LEVELS, POSTGRES, flattened
from stoker.config.model import SSL_MODES, Config, LoggingSettings, PostgresSettings, RunSettings
from stoker.config.values import converted, filled
from stoker.errors import suggestion

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stoker.config.find import ConfigSource

logger = logging.getLogger(__name__)

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_PORTS = range(1, 65536)


def build(
    merged: Mapping[str, Any], environment: str, source: ConfigSource, environ: Mapping[str, str], mistakes: list[str]
) -> Config:
    """The configuration of merged tables; what is wrong is added to the mistakes."""
    maker = _Maker(environment, source, environ, mistakes)
    spark: list[str] = []
    settings = flattened(merged.get("spark", {}), "spark", spark)
    return Config(
        environment=environment,
        source=source,
        jobs=dict(merged.get("jobs", {})),
        run=maker.run(merged.get("run", {})),
        spark={key: maker.text(value, "spark", key) for key, value in settings.items()},
        places={name: maker.place(value, name) for name, value in merged.get("places", {}).items()},
        postgres={name: maker.connection(name, value) for name, value in merged.get("postgres", {}).items()},
        logging=maker.logging(merged.get("logging", {})),
    )


class _Maker:
    def __init__(self, environment: str, source: ConfigSource, environ: Mapping[str, str], mistakes: list[str]) -> None:
        self._environment = environment
        self._folder = source.folder
        self._environ = environ
        self._mistakes = mistakes

    def _wrong(self, table: str, key: str, what: str) -> None:
        self._mistakes.append(f"[{table}] for {self._environment}, {key}: {what}")

    def text(self, value: str, table: str, key: str) -> str:
        try:
            return filled(value, self._environ)
        except LookupError as error:
            self._wrong(table, key, f"the environment variable {error.args[0]} is not set")
            return ""

    def _values(self, content: Mapping[str, Any], kinds: Mapping[str, str], table: str) -> dict[str, Any]:
        found = {}
        for key, value in content.items():
            text = self.text(value, table, key) if isinstance(value, str) else value
            if text == "" and isinstance(value, str):
                if value == "":
                    self._wrong(table, key, "is empty")
                continue
            try:
                found[key] = converted(text, kinds[key])
            except ValueError:
                self._wrong(table, key, f"should be {kinds[key]}")
        return found

    def _path(self, text: str) -> Path:
        return self._folder / Path(text).expanduser()

    def run(self, content: Mapping[str, Any]) -> RunSettings:
        values = self._values(content, FIXED["run"], "run")
        if values.get("parallel", 1) < 1:
            self._wrong("run", "parallel", "should be 1 or more")
        if values.get("lease_wait", 0) < 0:
            self._wrong("run", "lease_wait", "should be 0 or more seconds")
        return RunSettings(**{**values, "records": self._path(values.get("records", ".stoker/runs"))})

    def logging(self, content: Mapping[str, Any]) -> LoggingSettings:
        level = self._values(content, FIXED["logging"], "logging").get("level")
        if level is not None and level.upper() not in LEVELS:
            self._wrong("logging", "level", f"{level!r} is no level.{suggestion(level.upper(), LEVELS)}")
        return LoggingSettings(level.upper() if level else None)

    def place(self, value: str, name: str) -> str:
        text = self.text(value, "places", name)
        if not text:
            return text
        # A Windows drive is no scheme, but WSL is what is supported there.
        return text.rstrip("/") or "/" if _SCHEME.match(text) else str(self._path(text))

    def connection(self, name: str, content: Mapping[str, Any]) -> PostgresSettings:
        table = f"postgres.{name}"
        values = self._values(content, POSTGRES, table)
        if values.get("embedded"):
            others = sorted(set(values) - {"embedded", "folder"})
            if others:
                self._wrong(table, others[0], "does not go together with embedded = true")
            return PostgresSettings(name, embedded=True, folder=self._path(values.get("folder", ".stoker/postgres")))
        values.pop("embedded", None)
        for key in ("host", "database", "user"):
            if key not in content:
                self._wrong(table, key, "is missing (or set embedded = true)")
        if values.get("port", 5432) not in _PORTS:
            self._wrong(table, "port", "should be 1 to 65535")
        if values.get("sslmode", SSL_MODES[0]) not in SSL_MODES:
            self._wrong(table, "sslmode", f"is not known.{suggestion(values['sslmode'], SSL_MODES)}")
        if values.pop("folder", None) is not None:
            self._wrong(table, "folder", "is for embedded = true only")
        values.setdefault("sslmode", "disable" if _is_this_machine(values.get("host", "")) else "verify-full")
        if "sslrootcert" in values:
            values["sslrootcert"] = self._path(values["sslrootcert"])
        if "password" in values:
            values["password"] = self._password(values["password"], table)
        return PostgresSettings(name, **values)

    def _password(self, text: str, table: str) -> str | secrets.SecretRef:
        try:
            reference = secrets.parse(text)
        except ValueError as error:
            self._wrong(table, "password", str(error))
            return ""
        if reference is not None:
            return reference
        secrets.remember(text)
        if self._environment == "production":
            logger.warning(
                "[%s] password is plain in the configuration of production: keep it as secret://aws/NAME#KEY", table
            )
        return text


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
