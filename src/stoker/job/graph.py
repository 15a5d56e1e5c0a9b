"""The order of pipelines, from who extracts from whom."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from stoker.errors import DefinitionError, UsageError, suggestion

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from stoker.pipeline import Pipeline


def edges(pipelines: Sequence[Pipeline]) -> dict[str, set[str]]:
    """For each pipeline the names of those, among the given ones, that must run before it."""
    ours = {pipeline.name: pipeline for pipeline in pipelines}
    return {
        pipeline.name: {above.name for above in _upstream(pipeline) if ours.get(above.name) is above}
        for pipeline in pipelines
    }


def _upstream(pipeline: Pipeline) -> Iterable[Pipeline]:
    try:
        return list(pipeline.upstream())
    except RecursionError:
        raise DefinitionError(f"Pipeline {pipeline.name!r} extracts from itself through views.") from None


def order(graph: Mapping[str, set[str]]) -> list[str]:
    """The pipelines so that each comes after those it extracts from; where that leaves a choice, by name.

    Raises:
        DefinitionError: If there is a cycle, with its pipelines in order.
    """
    sorter = TopologicalSorter(graph)
    try:
        sorter.prepare()
    except CycleError as error:
        circle = " -> ".join(reversed(error.args[1]))
        raise DefinitionError(
            f"The pipelines extract from each other in a circle: {circle}.",
            next_step="Take one of these edges away, or let one pipeline do the work of two.",
        ) from None
    found: list[str] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        found += ready
        sorter.done(*ready)
    return found


def chosen(names: Sequence[str], only: Sequence[str] | None) -> list[str]:
    """The pipelines to run.

    Args:
        names: All of the job, in order.
        only: Those that were asked for; None or empty for all.

    Raises:
        UsageError: If one is not of the job.
    """
    if not only:
        return list(names)
    for name in only:
        if name not in names:
            raise UsageError(f"{name!r} is no pipeline of the job.{suggestion(name, names)}")
    return [name for name in names if name in set(only)]
