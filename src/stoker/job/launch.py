"""A run from its arguments."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from stoker.config import find_config, load_config
from stoker.job.events import Observer
from stoker.job.parameters import checked
from stoker.job.perform import perform
from stoker.job.request import Request

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import SparkSession

    from stoker.config import Config
    from stoker.job.job import Job
    from stoker.record import RunRecord


def launch(
    job: Job,
    *,
    spark: SparkSession | None = None,
    environment: str | None = None,
    parameters: Any = None,
    only: Sequence[str] | None = None,
    run_id: str | None = None,
    config: str | Path | Config | None = None,
    observer: Observer | None = None,
) -> RunRecord:
    """Run a job; the arguments are those of `Job.run`, and `config` may be loaded already."""
    return perform(
        Request(
            job,
            as_config(config, environment),
            checked(job.parameters, parameters),
            only=only,
            run_id=run_id,
            spark=spark,
            observer=observer or Observer(),
        )
    )


def as_config(given: str | Path | Config | None, environment: str | None) -> Config:
    """A configuration that is loaded already, or that of a path."""
    if given is None or isinstance(given, str | Path):
        return load_config(find_config(explicit=given), environment=environment)
    return given
