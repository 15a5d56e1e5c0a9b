"""From checked values to the typed configuration."""

from __future__ import annotations

import os.path
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stoker.config import checks, spark_settings
from stoker.config.connection_values import PAIR, REQUIRED, contradictions, settings_of, values_of_url
from stoker.config.entries import Entry, EntryPath, Layer, toml_table
from stoker.config.model import Config, LoggingSettings, PostgresSettings, RunSettings
from stoker.config.settings import LEVELS
from stoker.secrets import parse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stoker.config.find import ConfigSource

_RECORDS = ".stoker/runs"
_SERVER = ".stoker/postgres"
_LOGS = ".stoker/logs"
_SPOOL = ".stoker/logs/spool"


@dataclass
class Builder:
    """Makes the parts of a configuration; what is wrong between values is added to the mistakes."""

    environment: str
    source: ConfigSource
    entries: Layer
    """What is in effect."""
    values: Mapping[EntryPath, Any]
    """The values of the entries that are right."""
    mistakes: list[str]

    def config(self) -> Config:
        """The whole."""
        return Config(
            environment=self.environment,
            source=self.source,
            jobs=self._values("jobs"),
            run=self._run(),
            spark={name: spark_settings.as_text(value) for name, value in self._values("spark").items()},
            places={name: self._place(name, text) for name, text in self._values("places").items()},
            postgres={name: self._connection(name) for name in self._connections()},
            logging=self._logging(),
        )

    def _values(self, *above: str) -> dict[str, Any]:
        return {path[-1]: value for path, value in self.values.items() if path[:-1] == above}

    def _path(self, path: EntryPath, text: str) -> Path:
        try:
            expanded = Path(text).expanduser()
        except RuntimeError:
            self.mistakes.append(f"{self.entries[path].where}: the home folder that ~ stands for is not known")
            expanded = Path(text)
        # Hadoop resolves .. by the text alone, also across links: so do we, and two names of a folder compare equal.
        return Path(re.sub(r"\A//+", "/", os.path.normpath(self.source.folder / expanded)))

    def _run(self) -> RunSettings:
        values = self._values("run")
        values["records"] = self._path(("run", "records"), values.get("records", _RECORDS))
        for name in {"lease_wait", "retry_wait"} & values.keys():
            values[name] = float(values[name])
        return RunSettings(**values)

    def _logging(self) -> LoggingSettings:
        values = self._values("logging")
        levels = self._values(*LEVELS)
        for name, default in (("folder", _LOGS), ("spool", f"{_SPOOL}/{self.environment}")):
            values[name] = self._path(("logging", name), values.get(name, default))
        if "level" in values:
            values["level"] = values["level"].upper()
        if "destinations" in values:
            values["destinations"] = tuple(dict.fromkeys(values["destinations"]))
        return LoggingSettings(levels={name: level.upper() for name, level in levels.items()}, **values)

    def _place(self, name: str, text: str) -> str:
        if not checks.is_uri(text):
            return str(self._path(("places", name), text))
        stripped = text.rstrip("/")
        return text if stripped.endswith(":") else stripped

    def _connections(self) -> list[str]:
        return list(dict.fromkeys(path[1] for path in self.entries if path[0] == "postgres"))

    def _connection(self, name: str) -> PostgresSettings:
        given = {path[-1]: entry for path, entry in self.entries.items() if path[:2] == ("postgres", name)}
        values = self._values("postgres", name)
        if "embedded" in given and values.get("embedded", True):
            folder = self._path(("postgres", name, "folder"), values.get("folder", _SERVER))
            return PostgresSettings(name, embedded=True, folder=folder)
        if "folder" in given:
            self.mistakes.append(f"{given['folder'].where}: goes together with embedded = true only")
        if "url" in values and (reference := parse(values["url"])):
            beside = {key: value for key, value in values.items() if key != "url"}
            return PostgresSettings(name, url=reference, beside=beside)
        if "url" in given:
            values = self._with_url(given, values)
        elif set(given) != {"folder"}:
            self._require(name, given)
        keys = given.keys() | values.keys()
        alone = set(PAIR) & keys
        if len(alone) == 1:
            self.mistakes.append(f"{self._where(given, alone.pop())}: sslcert and sslkey go together")

        def path(key: str, text: str) -> Path:
            return self._path(("postgres", name, key if key in given else "url"), text)

        return settings_of(name, values, path, keys)

    @staticmethod
    def _where(given: Mapping[str, Entry], key: str) -> str:
        return given[key].where if key in given else f"{given['url'].where}, its {key}"

    def _with_url(self, given: Mapping[str, Entry], values: dict[str, Any]) -> dict[str, Any]:
        """The values with those of the URL, which keys beside it win over."""
        where = given["url"].where
        beside = {key: value for key, value in values.items() if key != "url"}
        if "url" not in values:
            return beside
        before = len(self.mistakes)
        merged = {**values_of_url(values["url"], f"{where}:", self.mistakes), **beside}
        if len(self.mistakes) == before:
            self.mistakes += [f"{where}: lacks {key}" for key in REQUIRED if key not in given and key not in merged]
        # What is wrong between keys alone is told already.
        own = [(key, reason) for key, reason in contradictions(merged) if (key, reason) not in contradictions(beside)]
        self.mistakes += [f"{self._where(given, key)}: {reason}" for key, reason in own]
        return merged

    def _require(self, name: str, given: Mapping[str, Entry]) -> None:
        """Each key that a server cannot be without, at the table where it is to be added."""
        missing = [key for key in REQUIRED if key not in given]
        written = [entry for entry in given.values() if not entry.from_variable]
        if missing and not written:
            self.mistakes.append(
                f"{next(iter(given.values())).where}: {self.environment} has no {toml_table('postgres', name)}, and "
                f"variables alone lack its {', '.join(missing)}"
            )
            return
        only_base = all(entry.environment is None for entry in written)
        above = () if only_base else ("environments", self.environment)
        heading = f"{self.source.name} {toml_table(*above, 'postgres', name)}"
        self.mistakes += [f"{heading} {key}: is missing (or set embedded = true)" for key in missing]
