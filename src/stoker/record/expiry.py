"""Which run records are of no more use."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from stoker.record.model import State

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from stoker.record.model import RunRecord


def expired(
    records: Sequence[RunRecord], *, before: datetime, keep: int = 0, unfinished: bool = False
) -> list[RunRecord]:
    """The records that may go; never that of a run which still runs, or may do so on another machine.

    Args:
        records: All, the run that started last first.
        before: Only runs that ended (or started, if they could not say) before this time.
        keep: The last runs of each job in each environment that stay, however old they are.
        unfinished: Whether also those go that did not succeed, and that could be resumed.
    """
    seen = Counter[tuple[str, str]]()
    found = []
    for record in records:
        seen[record.job, record.environment] += 1
        kept = seen[record.job, record.environment] <= keep or (record.end or record.start) >= before
        wanted = record.settled is State.RUNNING or (record.settled is not State.SUCCEEDED and not unfinished)
        if not kept and not wanted:
            found.append(record)
    return found
