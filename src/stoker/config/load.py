"""From a file's text to the configuration of one environment, with every mistake in one message."""

from __future__ import annotations

import os
import tomllib
from typing import TYPE_CHECKING, Any

from stoker.config.build import build
from stoker.config.layout import TABLES, check_layer
from stoker.config.model import ENVIRONMENTS, Config
from stoker.config.overrides import overrides
from stoker.errors import ConfigurationError, UsageError, suggestion

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stoker.config.find import ConfigSource


def load_config(
    source: ConfigSource, *, environment: str | None = None, environ: Mapping[str, str] | None = None
) -> Config:
    """Check the whole file and merge it for one environment.

    A value comes from `STOKER_TABLE__KEY` (`STOKER_POSTGRES__WAREHOUSE__HOST`), else from `[environments.NAME.table]`, else
    from `[table]`.

    Args:
        source: The file.
        environment: Else `STOKER_ENV`, else `development`.
        environ: The environment variables; by default those of the process.

    Raises:
        UsageError: If the environment is not one of the three.
        ConfigurationError: With every mistake, each with file, table and key.
    """
    variables = os.environ if environ is None else environ
    chosen = environment or variables.get("STOKER_ENV") or "development"
    if chosen not in ENVIRONMENTS:
        raise UsageError(f"The environment {chosen!r} is not known.{suggestion(chosen, ENVIRONMENTS)}")
    mistakes: list[str] = []
    document = _parsed(source)
    base = {key: value for key, value in document.items() if key != "environments"}
    check_layer(base, "", mistakes)
    layers = document.get("environments", {})
    if not isinstance(layers, dict):
        mistakes.append("[environments] is a table of tables, one an environment")
        layers = {}
    for name, layer in layers.items():
        where = f"environments.{name}"
        if name not in ENVIRONMENTS:
            mistakes.append(f"[{where}] unknown environment.{suggestion(name, ENVIRONMENTS)}")
        elif not isinstance(layer, dict):
            mistakes.append(f"[{where}] is a table")
        else:
            check_layer(layer, where, mistakes, allowed=[table for table in TABLES if table != "jobs"])
    _refuse(source, mistakes)
    merged = _merged(base, layers.get(chosen, {}))
    overrides(merged, variables, mistakes)
    config = build(merged, chosen, source, variables, mistakes)
    _refuse(source, mistakes)
    return config


def _parsed(source: ConfigSource) -> dict[str, Any]:
    try:
        return tomllib.loads(source.text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(
            f"{source.name} is not TOML: {error}.", state="Nothing was started.", next_step="Correct that line."
        ) from None


def _merged(base: Mapping[str, Any], layer: Mapping[str, Any]) -> dict[str, Any]:
    """The layer over the base, key by key; a connection that the layer makes embedded takes nothing from the base's server."""
    merged = dict(base)
    for key, value in layer.items():
        former = merged.get(key)
        if isinstance(value, dict) and isinstance(former, dict):
            replaces = "embedded" in value or "embedded" in former
            merged[key] = dict(value) if replaces else _merged(former, value)
        else:
            merged[key] = value
    return merged


def _refuse(source: ConfigSource, mistakes: list[str]) -> None:
    if not mistakes:
        return
    lines = "".join(f"\n  {source.name} {mistake}" for mistake in mistakes)
    count = "a mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
    raise ConfigurationError(
        f"The configuration has {count}:{lines}",
        state="Nothing was started.",
        next_step=f"Correct {'it' if len(mistakes) == 1 else 'them'} and run again.",
    )
