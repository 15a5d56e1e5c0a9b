"""The declaration of a job."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from stoker.errors import DefinitionError, suggestion
from stoker.job.graph import edges, order
from stoker.job.parameters import check_class, listing
from stoker.pipeline import Pipeline
from stoker.pipeline.pipeline import PipelineSource

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pyspark.sql import SparkSession

    from stoker.job.events import Observer
    from stoker.record import RunRecord


class Job:
    """Pipelines that run together, in the order that their edges say.

    Args:
        name: Letters, digits, `_`, `.` and `-`.
        pipelines: In any order. A pipeline that one of these extracts from and that is not among them is external: it is
            read as last published.
        parameters: A frozen dataclass, the class itself.

    Raises:
        DefinitionError: If there are cycles, equal names, two pipelines that load one place, or a transformer with an
            argument that nothing fills.
    """

    def __init__(self, name: str, pipelines: Sequence[Pipeline], *, parameters: type | None = None) -> None:
        if not isinstance(name, str) or not name or not name.replace("-", "_").replace(".", "_").isidentifier():
            raise DefinitionError(
                f"{name!r} cannot be the name of a job.", next_step="Use letters, digits, _ . and -, a letter first."
            )
        self.name = name
        if parameters is not None:
            check_class(parameters)
        self.parameters = parameters
        by_name = _by_name(name, pipelines)
        self.graph: Mapping[str, frozenset[str]] = MappingProxyType(
            {key: frozenset(above) for key, above in edges(list(by_name.values())).items()}
        )
        self.pipelines: Mapping[str, Pipeline] = MappingProxyType(
            {key: by_name[key] for key in order({key: set(above) for key, above in self.graph.items()})}
        )
        for pipeline in self.pipelines.values():
            _check_arguments(pipeline, parameters)
        _check_targets(self.pipelines)

    def run(
        self,
        *,
        spark: SparkSession | None = None,
        environment: str | None = None,
        parameters: Any = None,
        only: Sequence[str] | None = None,
        run_id: str | None = None,
        config: str | Path | None = None,
        observer: Observer | None = None,
    ) -> RunRecord:
        """Run the job; for notebooks and programs. It never exits the process nor stops a session that it did not make.

        Args:
            spark: A session to use; else the active one; else one is made, and stopped at the end.
            environment: `development`, `testing` or `production`; else `STOKER_ENV`, else `development`.
            parameters: An instance of the job's parameters; else their defaults.
            only: Names of pipelines to run; the others are read as last published.
            run_id: The id, for instance of the scheduler; else `STOKER_RUN_ID`, else a new one. With an id that has run
                before, what it has published is not published again.
            config: The path of `stoker.toml`, if it is not beside the entry point or above the working directory.
            observer: Is told what happens.

        Returns:
            The run record; its state says whether the job succeeded. Failures of pipelines are in it and do not raise.

        Raises:
            UsageError: If an argument is wrong.
            ConfigurationError: If the configuration is, or Spark does not start.
        """
        from stoker.job.launch import launch

        return launch(
            self,
            spark=spark,
            environment=environment,
            parameters=parameters,
            only=only,
            run_id=run_id,
            config=config,
            observer=observer,
        )

    def resume(
        self,
        run_id: str,
        *,
        spark: SparkSession | None = None,
        environment: str | None = None,
        config: str | Path | None = None,
        observer: Observer | None = None,
        anyway: bool = False,
    ) -> RunRecord:
        """Go on with a run that did not succeed: only what is left is run, with the parameters that it had.

        Args:
            run_id: Its id, or the beginning of it; `last-failed` for the last one that did not succeed.
            spark: As for `run`.
            environment: Whose records are looked into; the run keeps its own environment.
            config: As for `run`.
            observer: As for `run`.
            anyway: Whether to go on where code, configuration, parameters or inputs are not those of the run.

        Returns:
            The run record; that of a run which had succeeded comes back as it is.

        Raises:
            UsageError: If there is no such run of this job, it is still running, or something differs.
            ConfigurationError: If its record cannot be read, the configuration is wrong, or Spark does not start.
        """
        from stoker.job.resume import recorded, resume

        loaded, earlier = recorded(run_id, config=config, environment=environment)
        return resume(self, earlier, loaded, anyway=anyway, spark=spark, observer=observer)

    def __repr__(self) -> str:
        return f"Job({self.name!r})"


def _by_name(job: str, pipelines: Sequence[Pipeline]) -> dict[str, Pipeline]:
    found: dict[str, Pipeline] = {}
    for pipeline in pipelines:
        if not isinstance(pipeline, Pipeline):
            raise DefinitionError(f"Job {job!r} has a {type(pipeline).__name__} among its pipelines.")
        if pipeline.name in found:
            raise DefinitionError(
                f"Job {job!r} has two pipelines named {pipeline.name!r}.", next_step="Rename one of them."
            )
        found[pipeline.name] = pipeline
    if not found:
        raise DefinitionError(f"Job {job!r} has no pipelines.")
    return found


def _check_arguments(pipeline: Pipeline, parameters: type | None) -> None:
    names = [parameter.name for parameter in listing(parameters)]
    both = sorted(set(names) & set(pipeline.extract))
    if both:
        raise DefinitionError(
            f"Pipeline {pipeline.name!r} extracts {both[0]!r}, which is also a parameter of the job.",
            next_step="Rename one: a transformer's arguments are filled from both.",
        )
    missing = pipeline.transformer.missing([*pipeline.extract, *names])
    if missing:
        known = [*pipeline.extract, *names]
        raise DefinitionError(
            f"The argument {missing[0]!r} of {pipeline.transformer.name} is neither extracted by pipeline "
            f"{pipeline.name!r} nor a parameter of the job.{suggestion(missing[0], known)}",
            next_step="Add it to extract= or to the parameters, or give the argument a default.",
        )
    for source in pipeline.extract.values():
        if isinstance(source, PipelineSource) and source.pipeline.is_view:
            _check_arguments(source.pipeline, parameters)


def _check_targets(pipelines: Mapping[str, Pipeline]) -> None:
    """Two sinks into one place would undo each other."""
    seen: dict[str, str] = {}
    for pipeline in pipelines.values():
        for _, sink in pipeline.sinks():
            label = sink.label()
            if label in seen:
                raise DefinitionError(
                    both_load(seen[label], pipeline.name, label),
                    next_step="Give each its own place, or let one pipeline load the union.",
                )
            seen[label] = pipeline.name


def both_load(one: str, other: str, where: str) -> str:
    """What is said of two sinks into one place, of two pipelines or of one."""
    if one == other:
        return f"Pipeline {one!r} loads {where} twice."
    return f"Pipelines {one!r} and {other!r} both load {where}."
