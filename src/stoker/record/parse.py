"""From a record's JSON back to its classes."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from datetime import datetime
from enum import StrEnum
from typing import Any

from stoker.record.model import VERSION, RunRecord


class UnreadableRecordError(ValueError):
    """A text that is no run record of this version, with the reason in words."""


def parse(text: str) -> RunRecord:
    """The record of a text.

    Fields that this version does not know are passed over, and those that are missing have their defaults.

    Raises:
        UnreadableRecordError: If it is torn, of a newer version, or no record.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        raise UnreadableRecordError(f"it is torn, or no JSON ({error})") from error
    version = document.get("version") if isinstance(document, dict) else None
    if not isinstance(version, int):
        raise UnreadableRecordError("it is no run record")
    if version > VERSION:
        raise UnreadableRecordError(f"a newer Stoker wrote it (version {version}; this one reads {VERSION})")
    try:
        record: RunRecord = _made(RunRecord, document)
        # A time without its zone could not be compared with the others.
        if record.start.tzinfo is None:
            raise UnreadableRecordError("its start has no time zone")
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise UnreadableRecordError(f"it is no run record ({error})") from error
    return record


def _made(kind: Any, value: Any) -> Any:
    """A value of the type from its JSON."""
    if typing.get_origin(kind) in {typing.Union, types.UnionType}:
        if value is None:
            return None
        kind = next(part for part in typing.get_args(kind) if part is not type(None))
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        names = [field.name for field in dataclasses.fields(kind) if field.name in value]
        return kind(**{name: _made(hints[name], value[name]) for name in names})  # type: ignore[operator]  # a class
    if typing.get_origin(kind) is list:
        (item,) = typing.get_args(kind)
        return [_made(item, entry) for entry in value]
    if kind is datetime:
        return datetime.fromisoformat(value)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return kind(value)
    return value
