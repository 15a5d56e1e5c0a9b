"""What a run has to respect of an earlier one with its id."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any

from stoker.errors import UsageError
from stoker.record import AttemptRecord, Process, State

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from stoker.record import RunRecord

_claims: set[Path] = set()
_claiming = threading.Lock()


@contextlib.contextmanager
def claimed(path: Path) -> Iterator[None]:
    """Make sure that no other thread of this process does the run of that record.

    Raises:
        UsageError: If one does.
    """
    with _claiming:
        if path in _claims:
            raise UsageError(
                f"The run of {path} is still running in this process.", next_step="Wait for it, or give another run id."
            )
        _claims.add(path)
    try:
        yield
    finally:
        _claims.discard(path)


def refuse_live(earlier: RunRecord) -> None:
    """Refuse to do a run that another process of this machine is doing.

    Raises:
        UsageError: If it is.
    """
    process = earlier.process
    if earlier.state is State.RUNNING and process is not None and process.is_alive and process != Process.current():
        raise UsageError(
            f"The run {earlier.run_id} is still running ({process}).",
            state="It goes on; nothing was started beside it.",
            next_step=f"Wait for it; or stop it (kill {process.pid}), then: {_again(earlier)}",
        )


def refuse_other(earlier: RunRecord, record: RunRecord) -> None:
    """Refuse a run id for something else than it stands for: it would be taken as done.

    Raises:
        UsageError: If job, environment, pipelines or parameters are others. A parameter that only one of them has is the
            job's change, and none of the call.
    """
    differ = [
        f"{what} {_shown(before)}, now {_shown(now)}"
        for what, before, now in (
            ("job", earlier.job, record.job),
            ("environment", earlier.environment, record.environment),
            ("--only", earlier.only and sorted(earlier.only), record.only and sorted(record.only)),
            *(
                (name, earlier.parameters[name], record.parameters[name])
                for name in sorted(earlier.parameters.keys() & record.parameters.keys())
            ),
        )
        if before != now
    ]
    if differ:
        raise UsageError(
            f"The run id {record.run_id!r} stands for another run: {'; '.join(differ)}.",
            state="Nothing was started. What is published under a run id is not published twice, so that it may stand for one "
            "thing only.",
            next_step=f"Give another run id, or none; or go on with that run, with its parameters: {_again(earlier)}",
        )


def follow(record: RunRecord, earlier: RunRecord, *, keep: Collection[str]) -> None:
    """Make a record that of the next try of an earlier one.

    Args:
        record: The new one.
        earlier: The one before; not running any more.
        keep: The pipelines whose success stands and that are not run again: see `standing`.
    """
    # That it runs was looked at: whoever still says so did not live to say more.
    state = State.KILLED if earlier.state is State.RUNNING else earlier.state
    record.attempts = [*earlier.attempts, AttemptRecord(earlier.start, earlier.end, state)]
    record.differences = list(earlier.differences)
    record.pipelines = [pipeline for pipeline in earlier.pipelines if pipeline.name in keep]
    for pipeline in record.pipelines:
        for sink in pipeline.sinks:
            sink.already = True


def standing(earlier: RunRecord, graph: Mapping[str, Collection[str]], selected: Sequence[str]) -> list[str]:
    """The pipelines of a run that need not run again: they succeeded, and so did all that they extract from.

    Args:
        earlier: The record of the last try.
        graph: For each pipeline of the job those that it extracts from.
        selected: The run's pipelines, in order.
    """
    succeeded = {pipeline.name for pipeline in earlier.pipelines if pipeline.state is State.SUCCEEDED}
    found: list[str] = []
    for name in selected:
        if name in succeeded and all(above in found or above not in selected for above in graph[name]):
            found.append(name)
    return found


def _again(earlier: RunRecord) -> str:
    return f"stoker resume {earlier.run_id} --env {earlier.environment}"


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
