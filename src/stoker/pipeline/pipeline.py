"""The declaration of a pipeline."""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from stoker.checks import checks_of
from stoker.checks.definitions import References, Table, only
from stoker.connectors.base import Context, Endpoint, Names, Sink, Source
from stoker.errors import DefinitionError, TransientError, suggestion
from stoker.files.view import ChangedError
from stoker.pipeline.transformer import check_extract, transformer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pyspark.sql import DataFrame

    from stoker.checks import Check

_LOOKS = 10
"""At a source whose folders are published again and again."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,99}")


class Pipeline:
    """Extract, transform, load: the smallest thing that can be run, retried and resumed.

    Args:
        name: Letters, digits, `_`, `.` and `-`; unique in its job.
        extract: Sources by the transformer's argument names; another pipeline is a source too.
        transform: A function from these frames (and the job's parameters, by name) to a frame, or to a dict of frames. It
            may be left out if there is one source.
        load: A sink, several sinks of the one frame, or, for a transformer that returns a dict, these by its keys. Without,
            the pipeline is a view: its plan becomes part of the pipelines that extract from it.
        retries: How often it is tried again after a `TransientError`; by default `[run] retries`. After a commit whose outcome
            is unknown it is not: the next run with the same id finds out.

    Raises:
        DefinitionError: If the parts do not fit each other.
    """

    def __init__(
        self,
        name: str,
        *,
        extract: Mapping[str, Source | Pipeline],
        transform: Callable[..., Any] | None = None,
        load: Sink | Sequence[Sink] | Mapping[str, Sink | Sequence[Sink]] | None = None,
        retries: int | None = None,
    ) -> None:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise DefinitionError(
                f"{name!r} cannot be the name of a pipeline.",
                next_step="Use letters, digits, _ . and -, a letter or _ first, at most 100.",
            )
        self.name = name
        self.extract: Mapping[str, Source] = MappingProxyType(_sources(name, extract))
        if transform is None:
            if len(self.extract) != 1:
                raise DefinitionError(
                    f"Pipeline {name!r} has no transform= and {len(self.extract)} sources.",
                    next_step="Give transform=, or one source to copy.",
                )
            transform = _unchanged(next(iter(self.extract)))
        self.transformer = transformer(transform)
        check_extract(self.transformer, name, self.extract)
        self.loads: Mapping[str, tuple[Sink, ...]] = MappingProxyType(_sinks(name, load))
        if retries is not None and (not isinstance(retries, int) or isinstance(retries, bool) or retries < 0):
            raise DefinitionError(
                f"Pipeline {name!r}: retries={retries!r} is no number of tries.", next_step="Give 0 or more."
            )
        self.retries = retries

    @property
    def outputs(self) -> list[str]:
        """The transformer's outputs; `[""]` for a single one."""
        return list(self.loads) or [""]

    @property
    def is_view(self) -> bool:
        """Whether nothing is stored."""
        return not self.loads

    def sinks(self) -> Iterator[tuple[str, Sink]]:
        """Outputs and sinks in the order in which they are published."""
        for output, sinks in self.loads.items():
            for sink in sinks:
                yield output, sink

    def __getitem__(self, output: str) -> PipelineSource:
        """One of several outputs, as a source."""
        if output not in self.loads or output == "":
            raise DefinitionError(
                f"Pipeline {self.name!r} has no output {output!r}."
                f"{suggestion(str(output), [name for name in self.loads if name])}"
            )
        return PipelineSource(self, output)

    def all(self) -> PipelineSource:
        """All that is published, by this run and by former ones, as a source."""
        return PipelineSource(self, "", "all")

    def this_run(self) -> PipelineSource:
        """Only what the running run has published, as a source."""
        return PipelineSource(self, "", "this_run")

    def upstream(self) -> Iterator[Pipeline]:
        """The pipelines that it extracts from or whose keys its checks need; through a view, also those of the view."""
        for source in (*self.extract.values(), *self.referred()):
            if isinstance(source, PipelineSource):
                yield source.pipeline
                if source.pipeline.is_view:
                    yield from source.pipeline.upstream()

    def referred(self) -> Iterator[Source]:
        """The sources whose keys the checks of its sinks refer to."""
        for _, sink in self.sinks():
            for check in sink.checks:
                if isinstance(check, References) and not isinstance(check.source, Table):
                    yield as_source(check.source)

    def frames(self, context: Context) -> dict[str, DataFrame]:
        """The transformer's frames by output, unevaluated.

        Raises:
            SourceError: If something to extract is missing.
            TransformError: If the transformer fails or returns something else.
        """
        context.reading()
        extracted = {key: _read(source, context) for key, source in self.extract.items()}
        given = context.names.parameters
        parameters = {} if given is None else {name: getattr(given, name) for name in given.__dataclass_fields__}
        return self.transformer.call(extracted, parameters, self.outputs)

    def preview(self, spark: Any, *, environment: str | None = None, parameters: Any = None) -> Any:
        """The transformer's frame (or dict of frames) for a notebook; nothing is loaded.

        Args:
            spark: The session.
            environment: As for `Job.run`.
            parameters: The job's parameters, where the transformer or a path needs them.
        """
        from stoker.config import find_config, load_config

        config = load_config(find_config(), environment=environment)
        context = Context(spark, Names(config, parameters), run_id="preview", job="preview", pipeline=self.name)
        frames = self.frames(context)
        return frames[""] if self.outputs == [""] else frames

    def __repr__(self) -> str:
        return f"Pipeline({self.name!r})"


@dataclass(frozen=True, eq=False)
class PipelineSource(Source):
    """What a pipeline publishes, as a source of another one: an edge of the graph."""

    pipeline: Pipeline
    output: str = ""
    scope: str = "bare"
    """`bare`, `all` or `this_run`."""

    def all(self) -> PipelineSource:
        """All that is published of this output."""
        return PipelineSource(self.pipeline, self.output, "all")

    def this_run(self) -> PipelineSource:
        """Only what the running run has published of this output."""
        return PipelineSource(self.pipeline, self.output, "this_run")

    @property
    def sink(self) -> Sink:
        """The sink that it is read from: the first that keeps types."""
        return next(sink for sink in self.pipeline.loads[self.output] if sink.keeps_types)

    def check(self, reader: str) -> None:
        """Refuse what cannot be read back.

        Args:
            reader: The pipeline that extracts from it.

        Raises:
            DefinitionError: If the output is not named, keeps no types, or appends and it is not said which rows are meant.
        """
        name, shown = (
            self.pipeline.name,
            f"{self.pipeline.name}[{self.output!r}]" if self.output else self.pipeline.name,
        )
        if self.output not in self.pipeline.outputs:
            raise DefinitionError(
                f"Pipeline {reader!r} extracts from {name!r}, which has several outputs.",
                next_step=f"Say which: {', '.join(f'{name}[{output!r}]' for output in self.pipeline.outputs)}.",
            )
        if self.pipeline.is_view:
            return
        typed = [sink for sink in self.pipeline.loads[self.output] if sink.keeps_types]
        if not typed:
            raise DefinitionError(
                f"Pipeline {reader!r} extracts from {shown!r}, none of whose sinks keeps Spark's types.",
                next_step="Add a write.parquet(...) to its load=.",
            )
        if self.scope == "bare" and typed[0].mode != "replace":
            raise DefinitionError(
                f"Pipeline {reader!r} extracts from {shown!r}, which is loaded with mode={typed[0].mode!r}: all of its rows, "
                "or those of this run?",
                next_step=f"Say {shown}.all() or {shown}.this_run().",
            )

    def describe(self, names: Names) -> Endpoint:
        """The pipeline, and where its rows are."""
        if self.pipeline.is_view:
            return Endpoint("view", self.pipeline.name)
        found = self.sink.describe(names)
        details = {"pipeline": self.pipeline.name, "format": found.kind, "rows": self.scope}
        return Endpoint("pipeline", found.where, None, details)

    def read(self, context: Context) -> DataFrame:
        """The rows as published, or the view's plan."""
        if self.pipeline.is_view:
            return self.pipeline.frames(context)[""]
        return self.sink.read_back(context, this_run=self.scope == "this_run")

    def fingerprint(self, context: Context) -> dict[str, Any] | None:
        """What tells the rows that are published; a view has none of its own."""
        return None if self.pipeline.is_view else self.sink.fingerprint(context)

    def explain(self, error: Exception, context: Context) -> Exception | None:
        """Through a view, what its sources know of the error."""
        if not self.pipeline.is_view:
            return None
        return explanation(self.pipeline, error, context)


def _read(source: Source, context: Context) -> DataFrame:
    """The source's frame; looked up again where a folder is published while that is done."""
    for _ in range(_LOOKS):
        try:
            return source.read(context)
        except ChangedError:
            context.found.clear()
            context.reading()
    raise TransientError(
        f"{source.describe(context.names).where} is published again and again while it is looked up.",
        state="Nothing was read.",
        next_step="Run again when its publishers are done.",
    )


def explanation(pipeline: Pipeline, error: Exception, context: Context) -> Exception | None:
    """A clearer error from the source that caused it, if one of the pipeline's sources knows it."""
    for source in (*pipeline.extract.values(), *pipeline.referred()):
        explained = source.explain(error, context)
        if explained is not None:
            return explained
    return None


def as_source(value: Any) -> Any:
    """What is extracted from: a pipeline stands for what it publishes."""
    return PipelineSource(value) if isinstance(value, Pipeline) else value


def _sources(name: str, extract: Any) -> dict[str, Source]:
    if not hasattr(extract, "items") or not extract:
        raise DefinitionError(
            f"Pipeline {name!r}: extract= is a dict of sources by the transformer's argument names, with at least one.",
            next_step='For instance extract={"flights": read.csv(...)}.',
        )
    found: dict[str, Source] = {}
    for key, value in extract.items():
        source = as_source(value)
        if not isinstance(source, Source):
            raise DefinitionError(
                f"Pipeline {name!r}: extract[{key!r}] is neither a source nor a pipeline but {type(value).__name__}.",
                next_step="Use read.csv(...), read.parquet(...), another Pipeline or a Source of your own.",
            )
        if isinstance(source, PipelineSource):
            source.check(name)
        found[str(key)] = source
    return found


def _sinks(name: str, load: Any) -> dict[str, tuple[Sink, ...]]:
    if load is None:
        return {}
    by_output = dict(load) if hasattr(load, "items") else {"": load}
    found: dict[str, tuple[Sink, ...]] = {}
    for output, given in by_output.items():
        sinks = tuple(given) if isinstance(given, list | tuple) else (given,)
        shown = f"load[{output!r}]" if output else "load="
        if not sinks:
            raise DefinitionError(f"Pipeline {name!r}: {shown} is empty.", next_step="Leave load= out for a view.")
        for sink in sinks:
            if not isinstance(sink, Sink):
                raise DefinitionError(
                    f"Pipeline {name!r}: {shown} has {type(sink).__name__}, which is no sink.",
                    next_step="Use write.parquet(...), write.csv(...), write.postgres(...) or a Sink of your own.",
                )
            _check_references(name, checks_of(f"Pipeline {name!r}: {shown}", sink.checks))
        if len(sinks) > 1 and not any(sink.keeps_types for sink in sinks):
            raise DefinitionError(
                f"Pipeline {name!r}: {shown} has {len(sinks)} sinks, none of which keeps Spark's types, so that the rows "
                "would be computed for each and could differ.",
                next_step="Add a write.parquet(...) for the others to read from.",
            )
        found[str(output)] = sinks
    if not found:
        raise DefinitionError(f"Pipeline {name!r}: load= is empty.", next_step="Leave load= out for a view.")
    return found


def _check_references(name: str, checks: Sequence[Check]) -> None:
    """Refuse what keys cannot be looked up in."""
    for check in only(checks, References):
        source = as_source(check.source)
        if isinstance(source, PipelineSource):
            source.check(name)
        elif not isinstance(source, Source | Table):
            raise DefinitionError(
                f"Pipeline {name!r}: {check} refers to {type(source).__name__}, which has no keys.",
                next_step="Give a pipeline, a source such as read.parquet(...), or check.table(...).",
            )


def _unchanged(key: str) -> Callable[..., Any]:
    def unchanged(**frames: Any) -> Any:
        return frames[key]

    return unchanged
