"""Which lines are wanted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from stoker.logs.read.line import RANKS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from stoker.logs.read.line import LogLine


@dataclass(frozen=True)
class Wanted:
    """What a line must be; what is None or empty excludes nothing."""

    run: str | None = None
    rank: int = 0
    """The least severe, as `RANKS` has it."""
    pipelines: frozenset[str] = frozenset()
    context: Mapping[str, str] = field(default_factory=dict)
    since: datetime | None = None
    until: datetime | None = None

    def takes(self, line: LogLine, moment: datetime | None, *, foreign: bool = False) -> bool:
        """Whether the line is wanted.

        Args:
            line: The line.
            moment: When it was logged; if it does not say, the time of the one before it.
            foreign: Whether it is from a standard error. What Spark says there below WARNING is wanted only if no run is.
        """
        if foreign and self.run is not None and "run_id" not in line.context and line.rank < RANKS["WARNING"]:
            return False
        return (
            line.rank >= self.rank
            # What no run has logged is shown with each: a start that fails has no run yet.
            and (self.run is None or line.context.get("run_id", self.run) == self.run)
            and (not self.pipelines or line.context.get("pipeline") in self.pipelines)
            and all(line.context.get(key) == value for key, value in self.context.items())
            and (
                moment is None
                or ((self.since is None or moment >= self.since) and (self.until is None or moment < self.until))
            )
        )
