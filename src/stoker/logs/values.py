"""Any value as text: never raises, whatever the value does."""

from __future__ import annotations

import json
import math
from json.encoder import encode_basestring as _quoted
from typing import TYPE_CHECKING, Any

from stoker.secrets import MASK, is_secret, is_secret_name, redact

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST = 16_384
"""Characters of a value."""
MARGIN = 8_192
"""Characters after a cut that are looked into: a secret that lies across it is still found."""
INTERRUPTS = (KeyboardInterrupt, SystemExit)
"""Ctrl-C and SIGTERM may come while a line is made; they go on."""
_DEEPEST = 12
_BITS = 64
_MOST = 1_000
"""Items of a collection that are shown."""


def json_text(value: str | None) -> str:
    """A text, or nothing, as JSON."""
    return "null" if value is None else _quoted(value)


def clean(text: str, longest: int = LONGEST) -> str:
    """A text without secrets; a very long one is cut, and says so."""
    if len(text) <= longest:
        return redact(text, sentences=True)
    looked_at = redact(text[: longest + MARGIN], sentences=True)
    return f"{looked_at[:longest]}... [cut: {len(text):,} characters]"


def shown(name: str, text: str | None) -> str | None:
    """The text of a field as it may be shown."""
    if text is None:
        return None
    return MASK if is_secret(name, text) else clean(text)


def text_of(value: Any) -> str | None:
    """A value as text; collections as JSON, with the values of names such as `password` masked."""
    kind = type(value)
    if kind is str:
        return str(value)
    if value is None:
        return None
    if kind is bool:
        return "true" if value else "false"
    if isinstance(value, dict | list | tuple | set | frozenset):
        return _collection(value)
    return safe_text(value)


def safe_text(value: Any) -> str:
    """`str(value)`, or what went wrong with it."""
    try:
        return str(value)
    except INTERRUPTS:
        raise
    except BaseException as error:  # noqa: BLE001 - a line is never lost for what an object does; Rust's panics are no Exception
        return f"<{type(value).__name__} whose text cannot be had: {type(error).__name__}>"


def _collection(value: Any) -> str:
    try:
        return json.dumps(_plain(value, 0), ensure_ascii=False)
    except Exception as error:  # noqa: BLE001 - as above
        return f"<{type(value).__name__} that cannot be shown: {type(error).__name__}>"


def _plain(value: Any, depth: int) -> Any:
    kind = type(value)
    if value is None or kind is str or kind is bool or _is_json_number(value):
        return value
    if depth >= _DEEPEST:
        return "..."
    if isinstance(value, dict):
        return {safe_text(name): _named(safe_text(name), each, depth) for name, each in _some(value.items())}
    if isinstance(value, list | tuple | set | frozenset):
        # A named tuple, a Row of Spark: their names may say that a value is a secret.
        names = getattr(value, "__fields__", None) or getattr(value, "_fields", None)
        return (
            _plain(dict(zip(names, value, strict=False)), depth)
            if names
            else [_plain(each, depth + 1) for each in _some(value)]
        )
    return safe_text(value)


def _is_json_number(value: Any) -> bool:
    """No reader takes infinity, and not each takes more than 64 bits."""
    kind = type(value)
    return (kind is int and value.bit_length() < _BITS) or (kind is float and math.isfinite(value))


def _named(name: str, value: Any, depth: int) -> Any:
    secret = is_secret_name(name) and shown(name, text_of(value)) == MASK
    return MASK if secret else _plain(value, depth + 1)


def _some(items: Iterable[Any]) -> list[Any]:
    return [each for _, each in zip(range(_MOST), items, strict=False)]
