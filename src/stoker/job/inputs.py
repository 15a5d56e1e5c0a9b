"""What a pipeline reads from outside of its run, told apart by its content."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from stoker.pipeline.pipeline import PipelineSource

if TYPE_CHECKING:
    from collections.abc import Collection

    from stoker.connectors.base import Context, Source
    from stoker.job.job import Job
    from stoker.pipeline import Pipeline

logger = logging.getLogger(__name__)


def inputs(job: Job, pipeline: Pipeline, context: Context, inside: Collection[str]) -> dict[str, Any]:
    """What tells the content of each external source, by the transformer's argument; starts no Spark job.

    Args:
        job: The job.
        pipeline: One of its pipelines, or a view.
        context: The run's.
        inside: The names of the run's pipelines: what they publish is not external.

    Returns:
        For a source that cannot say, None. The sources of a view have its argument before theirs, `orders.rates`.
    """
    found: dict[str, Any] = {}
    for argument, source in pipeline.extract.items():
        if isinstance(source, PipelineSource):
            if source.pipeline.is_view:
                below = inputs(job, source.pipeline, context, inside)
                found |= {f"{argument}.{key}": value for key, value in below.items()}
                continue
            if is_inside(job, source.pipeline, inside):
                continue
        found[argument] = fingerprint(source, context)
    return found


def is_inside(job: Job, pipeline: Pipeline, inside: Collection[str]) -> bool:
    """Whether a pipeline that is extracted from is one of the run's own."""
    return pipeline.name in inside and job.pipelines.get(pipeline.name) is pipeline


def fingerprint(source: Source, context: Context) -> dict[str, Any] | None:
    """What tells the source's content, or None if it cannot say; what is wrong with it is said when it is read."""
    try:
        return source.fingerprint(context)
    except Exception as error:  # noqa: BLE001 - py4j and Hadoop raise many
        logger.debug("the content of %s cannot be told apart: %s", source, str(error).partition("\n")[0])
        return None
