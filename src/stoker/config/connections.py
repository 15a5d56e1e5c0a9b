"""`[postgres.NAME]`: a server of Stoker's own (embedded), or one that is named by its host or by a URL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stoker.config.connection_values import contradictions
from stoker.config.values import evaluate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from stoker.config.entries import EntryPath, Layer

OF_EMBEDDED = ("embedded", "folder")


def in_effect(layers: Sequence[Layer], environ: Mapping[str, str]) -> Layer:
    """The entries that count: later layers win.

    A layer that says which server it is (`embedded`, `host` or `url`) takes nothing of another kind from the layers below,
    so that production's host and development's embedded server do not mix.
    """
    merged: Layer = {}
    for layer in layers:
        for path, entry in layer.items():
            if path[0] != "postgres" or path[-1] not in {"embedded", "host", "url"}:
                continue
            kind = path[-1]
            if kind == "embedded" and evaluate(entry, environ, []) is not True:
                kind = "not embedded"
            for other in [other for other in merged if other[:2] == path[:2]]:
                if not _goes_with(other[-1], kind):
                    del merged[other]
        merged |= layer
    return merged


def _goes_with(key: str, kind: str) -> bool:
    """Whether a key of a layer below stays where a layer says which server it is."""
    if kind == "url":
        return False
    if key in OF_EMBEDDED or kind == "embedded":
        return key in OF_EMBEDDED and kind == "embedded"
    return key != "url" or kind != "host"


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
        embedded = values.get((*path[:2], "embedded"))
        if embedded is True and path[-1] not in OF_EMBEDDED:
            mistakes.append(f"{entry.where}: does not go together with embedded = true")
        elif embedded is False and path[-1] == "folder":
            mistakes.append(f"{entry.where}: goes together with embedded = true only")
    for connection in dict.fromkeys(path[:2] for path in layer if path[0] == "postgres"):
        given = {path[-1]: value for path, value in values.items() if path[:2] == connection}
        if given.get("embedded") is not True:
            wrong = contradictions(given)
            mistakes += [
                f"{layer[*connection, key].where}: {reason}" for key, reason in wrong if (*connection, key) in layer
            ]
