"""`[postgres.NAME]`: a server of Stoker's own (embedded), or one that is named by its host."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from stoker.config.values import evaluate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from stoker.config.entries import EntryPath, Layer

OF_EMBEDDED = ("embedded", "folder")
REQUIRED = ("host", "database", "user")
PAIR = ("sslcert", "sslkey")
_OF_TLS = ("sslrootcert", *PAIR)


def in_effect(layers: Sequence[Layer], environ: Mapping[str, str]) -> Layer:
    """The entries that count: later layers win.

    A layer that says which server it is (`embedded` or `host`) takes nothing of the other kind from the layers below, so
    that production's host and development's embedded server do not mix.
    """
    merged: Layer = {}
    for layer in layers:
        for path, entry in layer.items():
            if path[0] != "postgres" or path[-1] not in {"embedded", "host"}:
                continue
            embedded = evaluate(entry, environ, []) is True
            for other in [other for other in merged if other[:2] == path[:2]]:
                if (other[-1] in OF_EMBEDDED) != embedded:
                    del merged[other]
        merged |= layer
    return merged


def conflicts(layer: Layer, values: Mapping[EntryPath, Any], mistakes: list[str]) -> None:
    """Collect keys that do not go together.

    Args:
        layer: One layer, or what is in effect.
        values: Its checked values, as far as they are known.
        mistakes: Is added to.
    """
    for path, entry in layer.items():
        if path[0] != "postgres":
            continue
        embedded, mode = (values.get((*path[:2], key)) for key in ("embedded", "sslmode"))
        if embedded is True and path[-1] not in OF_EMBEDDED:
            mistakes.append(f"{entry.where}: does not go together with embedded = true")
        elif embedded is False and path[-1] == "folder":
            mistakes.append(f"{entry.where}: goes together with embedded = true only")
        elif path[-1] in _OF_TLS and mode == "disable":
            mistakes.append(f'{entry.where}: is not used with sslmode = "disable"')


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, so that nobody listens on the way."""
    name = host.lower().rstrip(".")
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")
