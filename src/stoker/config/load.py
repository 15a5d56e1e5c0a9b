"""From a file's text to the configuration of one environment, with every mistake in one message."""

from __future__ import annotations

import logging
import os
import tomllib
from typing import TYPE_CHECKING, Any

from stoker.config.build import Builder
from stoker.config.connections import conflicts, in_effect
from stoker.config.layers import Layers, read_layers
from stoker.config.model import ENVIRONMENTS, Config
from stoker.config.values import evaluate, references
from stoker.config.variables import read_variables
from stoker.errors import ConfigurationError, suggestion
from stoker.secrets import has_url_password, parse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stoker.config.entries import Entry, EntryPath, Layer
    from stoker.config.find import ConfigSource

logger = logging.getLogger(__name__)

_NOTHING = "Nothing was started."


def load_config(
    source: ConfigSource, *, environment: str | None = None, environ: Mapping[str, str] = os.environ
) -> Config:
    """Check the whole file, for all environments, and merge it for one.

    A value comes from `STOKER_TABLE__KEY` (`STOKER_POSTGRES__WAREHOUSE__HOST`), else from `[environments.NAME.table]`, else
    from `[table]`. Only what is in effect has its `${VARIABLES}` filled in.

    Args:
        source: The file.
        environment: Else `STOKER_ENV`, else `development`.
        environ: The environment variables.

    Raises:
        ConfigurationError: With every mistake, each with file, table and key; or if the environment is not one of the three.
    """
    chosen = _environment(environment, environ)
    mistakes: list[str] = []
    layers = _read(source, mistakes)
    variables = read_variables(environ, layers.all(), source.text, mistakes)
    effective = in_effect([layers.base, layers.environments.get(chosen, {}), variables], environ)
    values: dict[EntryPath, Any] = {}
    for layer in (*layers.all(), variables):
        values |= _evaluated(layer, effective, environ, mistakes)
    conflicts(effective, values, mistakes)
    config = Builder(chosen, source, effective, values, mistakes).config()
    _refuse(source, list(dict.fromkeys(mistakes)))
    _warn(layers, effective, chosen, config)
    return config


def _environment(asked: str | None, environ: Mapping[str, str]) -> str:
    told_by = "" if asked is not None else " (STOKER_ENV)"
    chosen = asked if asked is not None else environ.get("STOKER_ENV") or ENVIRONMENTS[0]
    if chosen not in ENVIRONMENTS:
        raise ConfigurationError(
            f"The environment {chosen!r}{told_by} is not known.{suggestion(chosen, ENVIRONMENTS)}",
            state=_NOTHING,
            next_step=f"Choose {', '.join(ENVIRONMENTS[:-1])} or {ENVIRONMENTS[-1]} by --env or STOKER_ENV.",
        )
    return chosen


def _read(source: ConfigSource, mistakes: list[str]) -> Layers:
    try:
        return read_layers(tomllib.loads(source.text), source.name, mistakes)
    except RecursionError:
        reason, step = "it is nested too deeply", "Write it with fewer levels."
    # An integer of thousands of digits is a ValueError too.
    except ValueError as error:
        reason = str(error).partition(";")[0]
        if "at end of document" in reason:
            reason = reason.replace("at end of document", _end(source.text))
        step = "Correct it there. Texts and dates stand in quotes, tables in brackets."
    raise ConfigurationError(f"{source.name} is not TOML: {reason}.", state=_NOTHING, next_step=step) from None


def _end(text: str) -> str:
    lines = text.rstrip("\r\n").split("\n")
    return f"at line {len(lines)}, column {len(lines[-1]) + 1}, the end"


def _evaluated(layer: Layer, effective: Layer, environ: Mapping[str, str], mistakes: list[str]) -> dict[EntryPath, Any]:
    """The values of a layer that are in effect; all others are checked as far as that needs no variables."""
    known = {}
    for path, entry in layer.items():
        value = evaluate(entry, environ if effective.get(path) is entry else None, mistakes)
        if value is not None:
            known[path] = value
    conflicts(layer, known, mistakes)
    return {path: value for path, value in known.items() if effective.get(path) is layer[path]}


def _refuse(source: ConfigSource, mistakes: list[str]) -> None:
    if not mistakes:
        return
    one = len(mistakes) == 1
    lines = "".join(f"\n  {mistake}" for mistake in mistakes)
    raise ConfigurationError(
        f"The configuration {source.name} has {'a mistake' if one else f'{len(mistakes)} mistakes'}:{lines}",
        state=_NOTHING,
        next_step=f"Correct {'it' if one else 'them'} and run again.",
    )


def _warn(layers: Layers, effective: Layer, chosen: str, config: Config) -> None:
    """What is allowed in production, but hardly meant."""
    production = layers.environments.get("production", {}) | (effective if chosen == "production" else {})
    for entry in production.values():
        if entry.path[0] == "postgres" and entry.path[-1] in {"password", "url"} and _is_literal(entry):
            logger.warning(
                "%s: the password stands in the file as it is. Keep it elsewhere and name it here, as "
                '%s = "secret://aws/NAME#KEY", "secret://env/NAME" or "secret://file/PATH"',
                entry.where,
                entry.path[-1],
            )
    if chosen == "production":
        for name, settings in config.postgres.items():
            if settings.embedded:
                logger.warning(
                    "%s [postgres.%s]: embedded = true in production: rows are loaded into a server on this machine, "
                    "in %s",
                    config.source.name,
                    name,
                    settings.folder,
                )


def _is_literal(entry: Entry) -> bool:
    if entry.from_variable or references(entry.value) or parse(entry.value) is not None:
        return False
    return entry.path[-1] == "password" or has_url_password(entry.value)
