"""A format of files, as Spark has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class FileFormat:
    """How Spark writes, and reads back, one format."""

    name: str
    write_options: dict[str, Any]
    read_options: dict[str, Any]
    keeps_types: bool
