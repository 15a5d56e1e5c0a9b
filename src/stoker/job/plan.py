"""What a run would do, found without Spark and without touching data."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from stoker.checks.definitions import References, Table
from stoker.connectors.base import Endpoint, Names
from stoker.errors import ConfigurationError, StokerError
from stoker.job.graph import chosen
from stoker.job.job import both_load
from stoker.job.parameters import as_json, listing
from stoker.pipeline.pipeline import PipelineSource, as_source

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from stoker.checks import Check
    from stoker.config import Config
    from stoker.connectors.base import Sink
    from stoker.job.job import Job
    from stoker.pipeline import Pipeline


@dataclass(frozen=True)
class PlannedSource:
    """What one argument of a transformer is filled from."""

    argument: str
    kind: str
    where: str
    pipeline: str | None = None
    external: bool = False
    """Whether it comes from outside of this run."""
    paths: list[str] = field(default_factory=list)
    """Each path by itself: `where` shows all of a list."""


@dataclass(frozen=True)
class PlannedCheck:
    """What the rows of a sink must hold."""

    name: str
    on_failure: str
    where: str | None = None
    """Where the keys are that it refers to."""
    pipeline: str | None = None
    """Who publishes them."""
    external: bool = False
    """Whether they come from outside of this run."""


@dataclass(frozen=True)
class PlannedSink:
    """Where one output goes."""

    output: str | None
    kind: str
    where: str
    mode: str | None
    details: dict[str, Any] = field(default_factory=dict)
    columns: dict[str, str] | None = None
    """The types of the columns that are published there, by their names, if that is known without Spark."""
    checks: list[PlannedCheck] = field(default_factory=list)
    sql: list[str] = field(default_factory=list)
    """What a server would do, as lines of SQL, or why that cannot be told; if it was asked for."""


@dataclass(frozen=True)
class PlannedPipeline:
    """One pipeline of the plan."""

    name: str
    transformer: str
    after: list[str]
    sources: list[PlannedSource]
    sinks: list[PlannedSink]
    """Empty for a view."""


@dataclass(frozen=True)
class Plan:
    """What a run would do."""

    job: str
    environment: str
    parameters: dict[str, Any]
    parameter_list: list[dict[str, Any]]
    pipelines: list[PlannedPipeline]
    """In the order of the run."""
    external: list[str]
    """Everything that is read and that no pipeline of the run writes."""
    mistakes: list[str]
    warnings: list[str]

    def to_json(self) -> dict[str, Any]:
        """The plan as JSON values."""
        return {"version": 1, **asdict(self)}

    def check(self) -> None:
        """Refuse a plan with mistakes.

        Raises:
            ConfigurationError: With all of them.
        """
        if self.mistakes:
            lines = "".join(f"\n  - {mistake}" for mistake in self.mistakes)
            raise ConfigurationError(
                f"Job {self.job!r} cannot run in {self.environment}:{lines}",
                state="Nothing was started.",
                next_step=f"Correct these, then look again with: stoker plan {self.job}",
            )


def make_plan(
    job: Job, config: Config, parameters: Any, only: Sequence[str] | None = None, *, sql: bool = False
) -> Plan:
    """Plan a run.

    Args:
        job: The job.
        config: The configuration of its environment.
        parameters: An instance of its parameters, or None.
        only: The pipelines that were asked for.
        sql: Whether to ask the servers what a load would do.
    """
    names = Names(config, parameters)
    mistakes: list[str] = []
    selected = chosen(list(job.pipelines), only)
    planned = [_pipeline(job, job.pipelines[name], names, selected, mistakes, sql=sql) for name in selected]
    _overlaps(planned, mistakes)
    warnings = [*_hidden_edges(planned), *_repeated_views(job, selected)]
    read = [source for pipeline in planned for source in pipeline.sources]
    looked_up = [check for pipeline in planned for sink in pipeline.sinks for check in sink.checks if check.where]
    outside = {path for source in read if source.external for path in source.paths}
    outside |= {check.where for check in looked_up if check.external and check.where}
    return Plan(
        job=job.name,
        environment=config.environment,
        parameters=as_json(parameters),
        parameter_list=[asdict(parameter) for parameter in listing(job.parameters)],
        pipelines=planned,
        external=sorted(outside),
        mistakes=list(dict.fromkeys(mistakes)),
        warnings=warnings,
    )


def _pipeline(
    job: Job, pipeline: Pipeline, names: Names, selected: list[str], mistakes: list[str], *, sql: bool
) -> PlannedPipeline:
    sources = []
    for argument, source in pipeline.extract.items():
        found = _described(source.describe, names, mistakes)
        above, inside = _origin(job, source, selected)
        paths = list(found.paths) or [found.where]
        sources.append(PlannedSource(argument, found.kind, found.where, above, not inside, paths))
    sinks = []
    for output, sink in pipeline.sinks():
        found = _described(sink.describe, names, mistakes)
        checks = [_check(job, check, names, selected, mistakes) for check in sink.checks]
        lines = _statements(sink, names) if sql else []
        sinks.append(
            PlannedSink(
                output or None, found.kind, found.where, found.mode, found.details, found.columns, checks, lines
            )
        )
    after = [name for name in selected if name in job.graph[pipeline.name]]
    return PlannedPipeline(pipeline.name, pipeline.transformer.name, after, sources, sinks)


def _statements(sink: Sink, names: Names) -> list[str]:
    """What the sink says, or why it cannot: a server that is down is no mistake of the job."""
    try:
        return sink.statements(names) or []
    except StokerError as error:
        return [f"-- {line}" for line in f"not known: {error.what}".splitlines()]


def _origin(job: Job, source: Any, selected: list[str]) -> tuple[str | None, bool]:
    """The pipeline behind a source, and whether this run computes its rows."""
    if not isinstance(source, PipelineSource):
        return None, False
    above = source.pipeline
    return above.name, above.is_view or (above.name in selected and job.pipelines.get(above.name) is above)


def _check(job: Job, check: Check, names: Names, selected: list[str], mistakes: list[str]) -> PlannedCheck:
    if not isinstance(check, References):
        return PlannedCheck(str(check), check.on_failure)
    if isinstance(check.source, Table):
        table = check.source

        def describe(_: Names) -> Endpoint:
            names.config.connection(table.connection)
            return Endpoint("postgres", f"{table.connection}:{table.name}")

        return PlannedCheck(str(check), check.on_failure, _described(describe, names, mistakes).where, external=True)
    source = as_source(check.source)
    above, inside = _origin(job, source, selected)
    where = _described(source.describe, names, mistakes).where
    return PlannedCheck(str(check), check.on_failure, where, above, not inside)


def _described(describe: Callable[[Names], Endpoint], names: Names, mistakes: list[str]) -> Endpoint:
    try:
        return describe(names)
    except StokerError as error:
        mistakes.append(error.what + (f" {error.next_step}" if error.next_step else ""))
        return Endpoint("?", "?")


def _overlaps(planned: list[PlannedPipeline], mistakes: list[str]) -> None:
    """Two sinks in one place, or one inside the other, once places and parameters are filled."""
    seen: list[tuple[str, str]] = []
    for pipeline in planned:
        for sink in pipeline.sinks:
            for other, where in seen:
                if sink.where == where and where != "?":
                    mistakes.append(both_load(other, pipeline.name, where))
                elif _inside(sink.where, where) or _inside(where, sink.where):
                    who = f"Pipeline {other!r} loads"
                    if other != pipeline.name:
                        who = f"Pipelines {other!r} and {pipeline.name!r} load"
                    mistakes.append(f"{who} {where} and {sink.where}, one inside the other.")
            seen.append((pipeline.name, sink.where))


def _inside(one: str, other: str) -> bool:
    return one.startswith(other.rstrip("/") + "/")


def _hidden_edges(planned: list[PlannedPipeline]) -> list[str]:
    """Paths that one pipeline reads and another writes, without an edge that gives the order."""
    writers = {sink.where: pipeline.name for pipeline in planned for sink in pipeline.sinks if sink.where != "?"}
    return [
        f"Pipeline {pipeline.name!r} reads {where}, which {writers[where]!r} writes, by its path: their order "
        f"is open. Extract from the pipeline itself."
        for pipeline in planned
        for source in pipeline.sources
        for where in source.paths
        if source.pipeline is None and writers.get(where, pipeline.name) != pipeline.name
    ]


def _repeated_views(job: Job, selected: list[str]) -> list[str]:
    """Views whose plan runs more than once."""
    readers: dict[str, list[str]] = {}
    for name in selected:
        for source in job.pipelines[name].extract.values():
            if isinstance(source, PipelineSource) and source.pipeline.is_view:
                readers.setdefault(source.pipeline.name, []).append(name)
    return [
        f"The view {view!r} is computed {len(names)} times, in {', '.join(names)}: with a load= it would be once."
        for view, names in readers.items()
        if len(names) > 1
    ]
