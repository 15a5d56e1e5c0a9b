"""What differs between an earlier try of a run and now, in words."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from stoker.connectors.base import Context
from stoker.job.code import changes
from stoker.job.inputs import inputs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pyspark.sql import SparkSession

    from stoker.config import Config
    from stoker.connectors.base import Names
    from stoker.job.job import Job
    from stoker.record import RunRecord

_SERVER = ("embedded", "folder", "host", "port", "database")
"""What says which database a connection leads to; the rest says how."""


def code_changes(earlier: RunRecord, folder: Path) -> list[str]:
    """The project's modules that have changed, are gone or new."""
    return changes(earlier.code, folder, earlier.start) if earlier.code else []


def configuration_changes(earlier: RunRecord, config: Config) -> list[str]:
    """Places and databases that are others; not how Spark runs, which may be what has to be changed."""
    before, now = earlier.configuration, config.public()
    return [
        *_changed("place", before.get("places", {}), now["places"]),
        *_changed("connection", _databases(before), _databases(now)),
    ]


def _databases(configuration: Mapping[str, Any]) -> dict[str, str]:
    return {
        name: ", ".join(f"{key} {settings[key]}" for key in _SERVER if key in settings)
        for name, settings in configuration.get("postgres", {}).items()
    }


def _changed(kind: str, before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    # What only one of them has is unused here, or the plan of the run has refused it.
    for name in sorted(before.keys() & now.keys()):
        if before[name] != now[name]:
            yield f"configuration: the {kind} {name} was {before[name]}, now {now[name]}"


def input_changes(job: Job, names: Names, spark: SparkSession, earlier: RunRecord) -> list[str]:
    """The external sources, of the pipelines that had begun, whose content is not what it was; starts no Spark job."""
    inside = set(earlier.only or job.pipelines)
    told: list[str] = []
    for record in earlier.pipelines:
        pipeline = job.pipelines.get(record.name)
        if pipeline is None or not record.inputs:
            continue
        context = Context(spark, names, earlier.run_id, job.name, record.name)
        now = inputs(job, pipeline, context, inside)
        for argument, before in record.inputs.items():
            if before is None or argument not in now:
                continue
            changed = _input_change(before, now[argument], earlier.run_id)
            if changed is not None:
                told.append(f"input: {argument} of {record.name}, {before.get('where', 'its source')}, {changed}")
    return told


def _input_change(before: Mapping[str, Any], now: Mapping[str, Any] | None, run_id: str) -> str | None:
    if now is None:
        return "is gone, or cannot be read"
    now = json.loads(json.dumps(now))
    if now == before or now.get("run") == run_id:  # what the run itself has published since is its own
        return None
    differ = [key for key in before if before[key] != now.get(key) and key != "digest"]
    if not differ:
        return "has changed: other names or times of its files"
    return "has changed: " + "; ".join(f"{key} {before[key]}, now {now.get(key)}" for key in differ)
