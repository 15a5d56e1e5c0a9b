"""The checks of a pipeline's sinks, between staging and publishing.

The sinks of one output hold the same rows, so a check that several of them have is computed once: by the first of them that
can, where its rows are.
"""

from __future__ import annotations

import logging
import time
from importlib.util import find_spec
from typing import TYPE_CHECKING

from stoker.checks.definitions import FAIL, Check, References, Rows, Table
from stoker.connectors.base import Load
from stoker.errors import CheckError, SinkError
from stoker.pipeline.pipeline import as_source
from stoker.record import CheckRecord, CheckState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame

    from stoker.checks import Checker, Measured
    from stoker.checks.checker import Keys
    from stoker.connectors.base import Context
    from stoker.pipeline.target import Target
    from stoker.spark.data_files import DataFiles

logger = logging.getLogger(__name__)

_SHOWN = 2
"""Examples in a message; the run record has more."""


def refuse_checks(context: Context, targets: Sequence[Target], frame: DataFrame) -> None:
    """Refuse checks that cannot be computed, before any row is.

    Args:
        context: The run.
        targets: The sinks of one output, prepared.
        frame: What they will load.

    Raises:
        SinkError: With all mistakes.
    """
    mistakes = [
        mistake for home, checks in _homes(targets) for mistake in _checker(context, home, frame).mistakes(checks)
    ]
    if mistakes:
        where = ", ".join(target.where.where for target in targets if target.sink.checks)
        raise SinkError(
            f"The checks on {where} cannot be computed:" + "".join(f"\n  - {mistake}" for mistake in mistakes),
            state="No row was computed. Nothing was published.",
            next_step="Correct the checks or the transformer, then run again.",
        )


def check_staged(context: Context, targets: Sequence[Target]) -> None:
    """Hold the staged rows of one output to the checks of its sinks, and note what was found.

    Args:
        context: The run.
        targets: The sinks of one output, staged.
    """
    found: list[tuple[Check, Measured, float]] = []
    for home, checks in _homes(targets):
        context.progress(f"checks {home.where.where}")
        begin = time.monotonic()
        measured = _checker(context, home, home.load.staged(), home.load.data_files()).measure(checks)
        seconds = time.monotonic() - begin
        found += [(check, each, seconds) for check, each in zip(checks, measured, strict=True)]
    for target in targets:
        for check in target.sink.checks:
            if isinstance(check, Rows):
                target.record.checks.append(_judged(context, target, check))
                continue
            each, seconds = next((each, seconds) for other, each, seconds in found if other == check)
            target.record.checks.append(
                CheckRecord(
                    str(check),
                    check.on_failure,
                    _state(check, violated=each.violations > 0),
                    violations=each.violations,
                    rows=each.rows,
                    examples=each.examples,
                    seconds=round(seconds, 3),
                )
            )


def refuse_violations(pipeline: str, targets: Sequence[Target]) -> None:
    """Warn of what is violated, and stop where that is asked for.

    Raises:
        CheckError: If a check failed, with all that did.
    """
    noted = [(target, check) for target in targets for check in target.record.checks]
    for target, check in noted:
        if check.state is CheckState.WARNED:
            logger.warning("%s: %s: check %s", pipeline, target.where.where, _told(check))
    failed = [(target, check) for target, check in noted if check.state is CheckState.FAILED]
    if failed:
        where = ", ".join(dict.fromkeys(target.where.where for target, _ in failed))
        raise CheckError(
            f"{len(failed)} of {len(noted)} checks failed on the rows for {where}:"
            + "".join(f"\n  - {_told(check)}" for _, check in failed),
            state="Nothing was published: the targets hold what they held before.",
            next_step="Correct the source or the transformer, then run again. The run record has more examples. If such rows "
            'may pass, change the check or give it on_failure="warn".',
        )


def _told(check: CheckRecord) -> str:
    """What a check found, in one line."""
    examples = "; ".join(check.instances[:_SHOWN])
    return f"{check.name}: {check.found}{f', such as {examples}' if examples else ''}"


def _judged(context: Context, target: Target, check: Rows) -> CheckRecord:
    rows = target.record.rows
    if rows is None:
        rows = _checker(context, target, target.load.staged()).count()
    before = target.load.last_rows() if check.within is not None else None
    right, detail = check.judged(rows, before)
    return CheckRecord(str(check), check.on_failure, _state(check, violated=not right), rows=rows, detail=detail)


def _state(check: Check, *, violated: bool) -> CheckState:
    if not violated:
        return CheckState.PASSED
    return CheckState.FAILED if check.on_failure == FAIL else CheckState.WARNED


def _homes(targets: Sequence[Target]) -> list[tuple[Target, list[Check]]]:
    """Which sink computes which checks.

    Raises:
        SinkError: If none of them can.
    """
    homes: list[tuple[Target, list[Check]]] = []
    for target in targets:
        for check in target.sink.checks:
            if isinstance(check, Rows) or any(check == other for _, checks in homes for other in checks):
                continue
            home = next((each for each in (target, *targets) if _can_be_read(each.load)), None)
            if home is None:
                raise SinkError(
                    f"The checks on {target.where.where} cannot be computed: what this sink stages cannot be read back.",
                    state="No row was computed. Nothing was published.",
                    next_step="Give its Load a method staged() that answers a frame, or add a write.parquet(...) beside it.",
                )
            for other, checks in homes:
                if other is home:
                    checks.append(check)
                    break
            else:
                homes.append((home, [check]))
    return homes


def _can_be_read(load: Load) -> bool:
    return any(getattr(type(load), name) is not getattr(Load, name) for name in ("frame", "staged", "checker"))


def _checker(context: Context, target: Target, frame: DataFrame | None, files: DataFiles | None = None) -> Checker:
    def keys(check: References) -> DataFrame:
        if isinstance(check.source, Table):
            from stoker.connectors.postgres_keys import keys_of

            return keys_of(context, check.source, check.to)
        frame: DataFrame = as_source(check.source).read(context)
        return frame

    return target.load.checker(keys) or _by_spark(target, frame, keys, files)


def _by_spark(target: Target, frame: DataFrame | None, keys: Keys, files: DataFiles | None) -> Checker:
    from stoker.checks.parquet import ParquetChecker
    from stoker.checks.spark import SparkChecker

    if frame is None:
        raise SinkError(
            f"The checks on {target.where.where} cannot be computed: what is staged there cannot be read back.",
            state="Nothing was published.",
            next_step="Run again; a Load with checks must answer a frame from frame() or staged().",
        )
    checker, spark = SparkChecker(frame, keys), frame.sparkSession.sparkContext
    # A cluster looks with more than the one machine that the driver has.
    if files is None or not str(spark.master).startswith("local") or not find_spec("pyarrow"):
        return checker
    return ParquetChecker(files, spark.defaultParallelism, checker)
