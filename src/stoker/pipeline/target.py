"""One sink of a pipeline at work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stoker.connectors.base import Endpoint, Load, Sink
    from stoker.record import SinkRecord


@dataclass(eq=False)
class Target:
    """One sink, its load and its record."""

    output: str
    sink: Sink
    load: Load
    where: Endpoint
    record: SinkRecord
