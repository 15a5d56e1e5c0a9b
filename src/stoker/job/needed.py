"""Whose staged rows a repair keeps: those of runs that can be resumed and have published the same rows in another sink."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stoker.connectors.base import Context
from stoker.errors import StokerError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import SparkSession

    from stoker.connectors.base import Names, Sink
    from stoker.job.job import Job


@dataclass(frozen=True)
class Resumable:
    """Runs that did not succeed, by their ids, each with its job and its parameters."""

    spark: SparkSession
    runs: Mapping[str, tuple[Job, Names]]

    def needs(self, run_id: str, sink: Sink, where: str) -> bool:
        """Whether a run cannot go on without what it has staged at a place.

        Args:
            run_id: The run; one that is not among these needs nothing.
            sink: A sink of any job that loads the place.
            where: The place.
        """
        if run_id not in self.runs:
            return False
        job, names = self.runs[run_id]
        for pipeline in job.pipelines.values():
            context = Context(self.spark, names, run_id=run_id, job=job.name, pipeline=pipeline.name)
            for sinks in pipeline.loads.values():
                others = [each for each in sinks if not _is(each, names, sink, where)]
                if len(others) < len(sinks) and any(_has_published(each, context) for each in others):
                    return True
        return False


def _is(sink: Sink, names: Names, other: Sink, where: str) -> bool:
    with suppress(StokerError):  # not configured here: not this place
        return sink.label() == other.label() and sink.describe(names).where == where
    return False


def _has_published(sink: Sink, context: Context) -> bool:
    """Whether the run has published there. Where that cannot be learnt it may have, and what it may need stays."""
    try:
        load = sink.open(context)
        try:
            return load.published() is not None
        finally:
            load.close()
    except Exception:  # noqa: BLE001 - py4j, Hadoop, servers and connectors raise many
        return True
