"""From the parsed file to its entries, with every table and key checked by name."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stoker.config import spark_settings
from stoker.config.entries import Entry, Layer, toml_key, toml_table
from stoker.config.model import ENVIRONMENTS
from stoker.config.settings import KEYS, LEVELS, TABLES
from stoker.errors import suggestion

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


@dataclass
class Layers:
    """All that the file says."""

    base: Layer = field(default_factory=dict)
    environments: dict[str, Layer] = field(default_factory=dict)

    def all(self) -> list[Layer]:
        """The layers in the order of the file."""
        return [self.base, *self.environments.values()]


def read_layers(document: Mapping[str, Any], name: str, mistakes: list[str]) -> Layers:
    """The entries of a parsed file.

    Args:
        document: What TOML says.
        name: The file's, for messages.
        mistakes: Is added to.
    """
    found = Layers()
    base = {table: content for table, content in document.items() if table != "environments"}
    found.base = _Reader(name, None, mistakes).layer(base)
    environments = document.get("environments", {})
    if not isinstance(environments, dict):
        mistakes.append(
            f"{name} [environments]: has a table for each environment, such as [environments.testing.places]"
        )
        return found
    for environment, content in environments.items():
        where = f"{name} {toml_table('environments', environment)}"
        if environment not in ENVIRONMENTS:
            mistakes.append(f"{where}: unknown environment.{suggestion(environment, ENVIRONMENTS)}")
        if not isinstance(content, dict):
            mistakes.append(f"{where}: should be a table, such as [environments.{environment}.places]")
            continue
        layer = _Reader(name, environment, mistakes).layer(content)
        if environment in ENVIRONMENTS:
            found.environments[environment] = layer
    return found


class _Reader:
    """Reads the tables of the base, or of one environment."""

    def __init__(self, name: str, environment: str | None, mistakes: list[str]) -> None:
        self._name = name
        self._environment = environment
        self._above = () if environment is None else ("environments", environment)
        self._mistakes = mistakes
        self._layer: Layer = {}

    def layer(self, content: Mapping[str, Any]) -> Layer:
        for table, inside in content.items():
            if table not in TABLES or (table == "jobs" and self._environment is not None):
                self._unknown_table(table, inside)
            elif not isinstance(inside, dict):
                self._wrong((table,), None, "should be a table")
            elif table == "spark":
                self._spark(inside)
            elif table == "postgres":
                self._connections(inside)
            elif table == "logging":
                self._logging(inside)
            elif table in KEYS:
                self._keys((table,), inside, KEYS[table])
            else:
                self._named(table, inside)
        return self._layer

    def _wrong(self, table: tuple[str, ...], key: str | None, what: str) -> None:
        self._mistakes.append(f"{self._where(table, key)}: {what}")

    def _where(self, table: tuple[str, ...], key: str | None) -> str:
        heading = toml_table(*self._above, *table) if self._above or table else "(top)"
        return f"{self._name} {heading}" + (f" {toml_key(key)}" if key is not None else "")

    def _add(self, table: tuple[str, ...], key: str, value: Any, written: str | None = None) -> None:
        where = self._where(table, key if written is None else written)
        if (*table, key) in self._layer:
            self._mistakes.append(f"{where}: is given twice, once with dots and once as a table")
        self._layer[*table, key] = Entry((*table, key), value, where, self._environment)

    def _unknown_table(self, table: str, inside: Any) -> None:
        if not isinstance(inside, dict):
            self._wrong((), table, "unknown key, and keys stand in a table." + suggestion(table, TABLES))
        elif table == "jobs":
            self._wrong((table,), None, "jobs are the same in all environments: they stand in [jobs]")
        elif table in ENVIRONMENTS:
            self._wrong((table,), None, f"unknown table. Did you mean [environments.{table}]?")
        else:
            known = (
                [*TABLES, "environments"] if self._environment is None else [each for each in TABLES if each != "jobs"]
            )
            self._wrong((table,), None, f"unknown table.{suggestion(table, known)}")

    def _keys(self, table: tuple[str, ...], content: Mapping[str, Any], known: Mapping[str, Any]) -> None:
        for key, value in content.items():
            if key in known:
                self._add(table, key, value)
            elif not self._misplaced(table, key, value):
                self._wrong(table, key, f"unknown key.{suggestion(key, known)}")

    def _named(self, table: str, content: Mapping[str, Any]) -> None:
        for key, value in content.items():
            if self._misplaced((table,), key, value):
                continue
            if not _NAME.fullmatch(key):
                self._wrong((table,), key, "a name has letters, digits, _ and -, and no digit first")
            else:
                self._add((table,), key, value)

    def _misplaced(self, table: tuple[str, ...], key: str, value: Any) -> bool:
        """`[places.production]`, which is `[environments.production.places]`."""
        if key in ENVIRONMENTS and isinstance(value, dict):
            self._wrong((*table, key), None, f"unknown table. Did you mean {toml_table('environments', key, *table)}?")
            return True
        return False

    def _connections(self, content: Mapping[str, Any]) -> None:
        for name, settings in content.items():
            if not isinstance(settings, dict):
                heading = toml_table(*self._above, "postgres", "NAME")
                self._wrong(("postgres",), name, f"a connection has a table of its own, {heading}")
            elif not _NAME.fullmatch(name):
                self._wrong(("postgres", name), None, "a name has letters, digits, _ and -, and no digit first")
            else:
                self._keys(("postgres", name), settings, KEYS["postgres"])

    def _logging(self, content: Mapping[str, Any]) -> None:
        levels = content.get("levels", {})
        self._keys(LEVELS[:1], {key: value for key, value in content.items() if key != "levels"}, KEYS["logging"])
        if not isinstance(levels, dict):
            self._wrong(LEVELS[:1], "levels", "is a table, such as levels = {urllib3 = 'ERROR'}")
            return
        for logger, level in _flat(levels):
            self._add(LEVELS, logger, level)

    def _spark(self, content: Mapping[str, Any]) -> None:
        for written, name, value in spark_settings.flattened(content):
            wrong = spark_settings.wrong_key(name)
            if wrong:
                self._wrong(("spark",), written, wrong)
            else:
                self._add(("spark",), name, value, written)


def _flat(table: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """`a.b = "INFO"` is a table in a table, and means the logger `a.b`."""
    for name, value in table.items():
        if isinstance(value, dict) and value:
            yield from ((f"{name}.{below}", level) for below, level in _flat(value))
        else:
            yield name, value
