"""`[postgres.NAME]`: a server of Stoker's own (embedded), or one that is named by its host."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from stoker.config.entries import Layer, toml_table
from stoker.config.model import PostgresSettings
from stoker.config.values import evaluate
from stoker.secrets import parse, remember

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

_OF_EMBEDDED = {"embedded", "folder"}
_REQUIRED = ("host", "database", "user")


def in_effect(layers: Sequence[Layer], environ: Mapping[str, str]) -> Layer:
    """The entries that count: later layers win.

    A layer that says which server it is (`embedded` or `host`) takes nothing from the other kind in the layers below, so
    that production's host and development's embedded server do not mix.
    """
    merged: Layer = {}
    for layer in layers:
        for path, entry in layer.items():
            if path[0] != "postgres" or path[-1] not in {"embedded", "host"}:
                continue
            embedded = path[-1] == "embedded" and evaluate(entry, environ, []) is True
            for other in [other for other in merged if other[:2] == path[:2]]:
                if (other[-1] not in _OF_EMBEDDED) == embedded:
                    del merged[other]
        merged |= layer
    return merged


def conflicts(layer: Layer, values: Mapping[tuple[str, ...], Any], mistakes: list[str]) -> None:
    """Collect the keys of a server where the connection is embedded, and the other way round."""
    for path, entry in layer.items():
        if path[0] != "postgres":
            continue
        embedded = values.get((*path[:2], "embedded"))
        if embedded is True and path[-1] not in _OF_EMBEDDED:
            mistakes.append(f"{entry.where}: does not go together with embedded = true")
        if embedded is False and path[-1] == "folder":
            mistakes.append(f"{entry.where}: goes together with embedded = true only")


def make_connection(
    name: str,
    entries: Layer,
    values: Mapping[str, Any],
    heading: Callable[[str], str],
    resolved: Callable[[tuple[str, ...], str], Path],
    mistakes: list[str],
) -> PostgresSettings:
    """The settings of one connection.

    Args:
        name: The connection's.
        entries: What is in effect.
        values: Its checked values, by key.
        heading: Gives the start of a message about a key that is missing.
        resolved: Gives the path for an entry and its text.
        mistakes: Is added to.
    """
    given = {path[-1]: entry for path, entry in entries.items() if path[:2] == ("postgres", name)}
    settings = dict(values)
    folder = settings.pop("folder", ".stoker/postgres")
    if settings.get("embedded") or ("embedded" in given and "embedded" not in settings):
        return PostgresSettings(name, embedded=True, folder=resolved(("postgres", name, "folder"), folder))
    if "folder" in given and "embedded" not in given:
        mistakes.append(f"{given['folder'].where}: goes together with embedded = true only")
    mistakes.extend(
        f"{heading(toml_table('postgres', name))} {key}: is missing (or set embedded = true)"
        for key in _REQUIRED
        if key not in given
    )
    if "sslrootcert" in settings:
        settings["sslrootcert"] = resolved(("postgres", name, "sslrootcert"), settings["sslrootcert"])
        if settings.get("sslmode") in {"disable", "require"}:
            mistakes.append(
                f"{given['sslrootcert'].where}: is not used with sslmode = \"{settings['sslmode']}\"; "
                "verify-ca and verify-full use it"
            )
    elif "sslmode" not in settings and is_loopback(settings.get("host", "")):
        settings["sslmode"] = "disable"
    if "password" in settings:
        text = settings["password"]
        settings["password"] = parse(text) or text
        if settings["password"] is text:
            remember(text)
    return PostgresSettings(name, **settings)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, where nobody listens on the way."""
    name = host.lower().rstrip(".")
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")
