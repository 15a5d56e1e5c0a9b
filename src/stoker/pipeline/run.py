"""One pipeline at work: stage every sink, then publish them in the stated order."""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from stoker import logs
from stoker.connectors.lifetime import Lifetime
from stoker.errors import SinkError
from stoker.failpoints import failpoint
from stoker.pipeline.checking import check_staged, refuse_checks, refuse_violations
from stoker.pipeline.failures import explained
from stoker.pipeline.target import Target
from stoker.record import SinkRecord
from stoker.spark.metrics import reads
from stoker.spark.tasks import wait_for_tasks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import DataFrame

    from stoker.connectors.base import Context, Loaded
    from stoker.pipeline.pipeline import Pipeline
    from stoker.record import PipelineRecord
    from stoker.spark.data_files import DataFiles

_CANCELLED_TASKS = 15.0
"""Seconds that the tasks of a job that was cancelled or failed have to end: Spark kills their Python workers after two."""


def run_pipeline(pipeline: Pipeline, context: Context, record: PipelineRecord) -> None:
    """Run it and fill its record.

    Raises:
        StokerError: What failed, in words; nothing of this pipeline is published unless the error's state says so.
    """
    targets = _targets(pipeline, context, record)
    lifetime = Lifetime()
    context = replace(context, lifetime=lifetime)
    step, failed = _step("open"), False
    try:
        for target in sorted(targets, key=lambda each: each.where.where):
            # By one order everywhere, so that two runs cannot wait for each other.
            context.progress(f"waits for {target.where.where}")
            target.load.acquire()
        for target in targets:
            done = target.load.published()
            if done is not None:
                target.record.already = True
                _note(target, done)
        if not all(target.record.published for target in targets):
            step = _step("stage")
            fresh = _stage(pipeline, context, targets, record)
            step = _step("check")
            _check(pipeline, context, targets, fresh)
            # Nothing is read any more, and a publish may wait for locks that only a source still holds.
            lifetime.end()
            step = _step("publish")
            _publish(context, [target for target in targets if not target.record.published])
        record.rows_written = _rows(targets)
    except Exception as error:
        failed = step == "stage"
        raise explained(error, pipeline, context, step, record) from error
    finally:
        lifetime.end()
        _close(targets, context, tasks_may_run=failed or context.stopped())


def _step(name: str) -> str:
    """Have the lines of this thread say what the pipeline does."""
    logs.note(step=name)
    return name


def _targets(pipeline: Pipeline, context: Context, record: PipelineRecord) -> list[Target]:
    targets: list[Target] = []
    for output, sink in pipeline.sinks():
        where = sink.describe(context.names)
        noted = SinkRecord(where.kind, where.where, where.mode or "", output or None)
        record.sinks.append(noted)
        try:
            load = sink.open(context)
        except Exception as error:
            _close(targets, context, tasks_may_run=False)
            raise explained(error, pipeline, context, "open", record) from error
        targets.append(Target(output, sink, load, where, noted))
    return targets


def _stage(pipeline: Pipeline, context: Context, targets: list[Target], record: PipelineRecord) -> list[str]:
    """Compute each output once and stage it into its sinks.

    Returns:
        The outputs of which no sink was published before.
    """
    context.progress("plans")
    frames: dict[str, DataFrame] = {}
    fresh: list[str] = []
    files: dict[str, DataFiles | None] = {}
    for output in pipeline.outputs:
        sinks = [target for target in targets if target.output == output]
        before = [target for target in sinks if target.record.published]
        if len(before) == len(sinks):
            continue
        if before:
            # An earlier attempt of this run published a part: the rest must hold the same rows.
            frames[output], files[output] = _same_rows(before, sinks, context)
        else:
            fresh.append(output)
            if output not in frames:
                frames |= {key: frame for key, frame in pipeline.frames(context).items() if key not in frames}
        _stage_output(pipeline, context, sinks, (frames[output], files.get(output)), record)
    return fresh


def _same_rows(before: list[Target], sinks: list[Target], context: Context) -> tuple[DataFrame, DataFiles | None]:
    """The rows from where they are published, or else from where they were staged."""
    for target in sorted(sinks, key=lambda each: each not in before):
        frame = target.load.frame()
        if frame is not None:
            return frame, target.load.data_files()
    where = before[0].where.where
    raise SinkError(
        f"Run {context.run_id} published {where} before, and its rows cannot be had for its other sinks: another run has "
        "replaced them, or removed what was staged.",
        state=f"What is published in {where} stands; the sinks after it do not have the rows of this run.",
        next_step="Start a new run.",
    )


def _stage_output(
    pipeline: Pipeline,
    context: Context,
    sinks: list[Target],
    rows: tuple[DataFrame, DataFiles | None],
    record: PipelineRecord,
) -> None:
    frame, files = rows
    todo = [target for target in sinks if not target.record.published]
    for target in todo:
        target.load.prepare(frame.schema)
    if len(todo) == len(sinks):
        refuse_checks(context, todo, frame)
    # The sink that can be read back goes first, whatever the order of publishing.
    order = sorted(todo, key=lambda each: not each.sink.keeps_types)
    for target in order:
        context.stop_if_asked()
        label = f"{pipeline.name} -> {target.where.where} [{context.run_id} {secrets.token_hex(2)}]"
        context.spark.sparkContext.setJobDescription(label)
        context.progress(f"stages {target.where.where}")
        if files is not None:
            target.load.offer(files)
        try:
            _note(target, target.load.stage(frame, label), published=False)
        finally:
            context.spark.sparkContext.setJobDescription(pipeline.name)
        if len(todo) == len(sinks) and target is _first(todo):
            read = reads(context.spark, label)
            record.rows_read = _sum(record.rows_read, read.rows)
            record.rows_dropped = _sum(record.rows_dropped, read.dropped or None)
        failpoint("pipeline.one_staged")
        if target is not order[-1]:
            staged = target.load.frame()
            if staged is not None:
                frame, files = staged, target.load.data_files()


def _check(pipeline: Pipeline, context: Context, targets: list[Target], outputs: list[str]) -> None:
    """Check what is staged. An output that is published in part passed its checks, and is published to its end."""
    failpoint("pipeline.all_staged")
    for output in outputs:
        context.stop_if_asked()
        context.spark.sparkContext.setJobDescription(f"checks {output or pipeline.name}")
        check_staged(context, [target for target in targets if target.output == output])
    refuse_violations(pipeline.name, targets)
    failpoint("pipeline.checked")


def _first(todo: list[Target]) -> Target:
    return next((target for target in todo if target.sink.keeps_types), todo[0])


def _publish(context: Context, targets: list[Target]) -> None:
    for target in targets:
        context.stop_if_asked()
        # Asks the JVM: after a lost gateway nothing is published.
        context.spark.sparkContext.setJobDescription(f"publishes {target.where.where}")
        context.progress(f"publishes {target.where.where}")
        _note(target, target.load.publish())
        failpoint("pipeline.one_published")


def _note(target: Target, loaded: Loaded, *, published: bool = True) -> None:
    target.record.published = published
    target.record.rows, target.record.files, target.record.bytes = loaded.rows, loaded.files, loaded.bytes
    target.record.inserted, target.record.updated = loaded.inserted, loaded.updated
    target.record.deleted = loaded.deleted
    target.record.changes = list(loaded.changes) or target.record.changes
    target.record.way = loaded.way or target.record.way


def _rows(targets: list[Target]) -> int | None:
    """Rows of all outputs; the sinks of one output hold the same ones."""
    total: int | None = None
    for output in dict.fromkeys(target.output for target in targets):
        known = [target.record.rows for target in targets if target.output == output and target.record.rows is not None]
        total = _sum(total, known[0] if known else None)
    return total


def _sum(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else one + other


def _close(targets: list[Target], context: Context, *, tasks_may_run: bool) -> None:
    """Close all, also when one fails: what it leaves is cleaned by the next run."""
    if tasks_may_run:  # those of a job that failed end a moment later, too
        with suppress(Exception):  # the JVM may be gone
            wait_for_tasks(context.spark, _CANCELLED_TASKS)
    for output in {target.output for target in targets}:
        sinks = [target for target in targets if target.output == output]
        if 0 < sum(target.record.published for target in sinks) < len(sinks):
            for target in sinks:
                target.load.keep()
    for target, error in _closing(targets):
        context.fallback(f"the staging of {target.where.where} was not removed ({error}); the next run removes it")


def _closing(targets: list[Target]) -> Iterator[tuple[Target, str]]:
    for target in targets:
        try:
            target.load.close()
        except Exception as error:  # noqa: BLE001 - py4j, pg8000 and the disk raise many; the run's own error matters more
            yield target, f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
