"""One pipeline on given frames: no source is read and no sink is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from stoker.connectors.schemas import declared_schema
from stoker.errors import TransformError, UsageError, suggestion
from stoker.pipeline.pipeline import Pipeline, PipelineSource
from stoker.testing.given import active_session, is_frame
from stoker.testing.tables import frame

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

    from stoker.connectors.base import Source

__tracebackhide__ = True  # a failure is shown at the line of the test


def run_pipeline(
    pipeline: Pipeline, inputs: Mapping[str, DataFrame | str | Mapping[str, Any]], *, parameters: Any = None
) -> dict[str, DataFrame]:
    """What the sinks of a pipeline would be given. Nothing is read, written or computed.

    Args:
        pipeline: The pipeline.
        inputs: Something for each key of `extract=`: a frame, or an inline table (see `frame`). Where the source declares a
            schema, a heading of the table may be a name alone, and columns that may be null may be left out. For a view, either
            its frame, or a dict of the view's own inputs.
        parameters: The job's parameters, where the transformer needs them: an instance of the dataclass.

    Returns:
        The frames by the transformer's outputs; that of a transformer with a single one by the pipeline's name.

    Raises:
        UsageError: If an input is missing, unknown or no frame, or an argument of the transformer is not filled.
        TransformError: If the transformer raises, or returns something else than `load=` says.
    """
    if not isinstance(pipeline, Pipeline):
        raise UsageError(f"run_pipeline takes a Pipeline, not {type(pipeline).__name__}.")
    values = _values(parameters)
    frames = _frames(_session(inputs), pipeline, inputs, values)
    return {output or pipeline.name: found for output, found in frames.items()}


def _frames(
    spark: SparkSession, pipeline: Pipeline, inputs: Mapping[str, Any], values: Mapping[str, Any]
) -> dict[str, DataFrame]:
    _check_names(pipeline, inputs, values)
    extracted = {
        key: _frame(spark, f"The input {key!r} of pipeline {pipeline.name!r}", source, inputs[key], values)
        for key, source in pipeline.extract.items()
    }
    try:
        return pipeline.transformer.call(extracted, values, pipeline.outputs)
    except TransformError as error:
        # Its hints are about the command line; the cause, with its own trace, is what pytest shows.
        step = None if error.__cause__ else error.next_step
        raise TransformError(f"Pipeline {pipeline.name!r}: {error.what}", next_step=step) from error.__cause__


def _check_names(pipeline: Pipeline, inputs: Any, values: Mapping[str, Any]) -> None:
    known = list(pipeline.extract)
    if not isinstance(inputs, Mapping):
        raise UsageError(
            f"The inputs of pipeline {pipeline.name!r} are {type(inputs).__name__}, and should be a dict.",
            next_step=f"Give {{{', '.join(f'{key!r}: ...' for key in known)}}}.",
        )
    for name in inputs:
        if name not in known:
            raise UsageError(
                f"Pipeline {pipeline.name!r} extracts no {name!r}.{suggestion(str(name), known)}",
                next_step=f"Its inputs are {', '.join(map(repr, known))}.",
            )
    missing = [name for name in known if name not in inputs]
    if missing:
        raise UsageError(
            f"Pipeline {pipeline.name!r} also extracts {', '.join(map(repr, missing))}, which the inputs lack.",
            next_step=f"Give {{{', '.join(f'{key!r}: ...' for key in known)}}}.",
        )
    unfilled = pipeline.transformer.missing([*known, *values])
    if unfilled:
        raise UsageError(
            f"The argument {unfilled[0]!r} of {pipeline.transformer.name} is neither extracted by pipeline "
            f"{pipeline.name!r} nor a parameter.{suggestion(unfilled[0], [*known, *values])}",
            next_step="Give parameters=, an instance of the job's parameters that has it.",
        )


def _frame(spark: SparkSession, name: str, source: Source, given: Any, values: Mapping[str, Any]) -> DataFrame:
    if isinstance(given, Mapping):
        if not isinstance(source, PipelineSource) or not source.pipeline.is_view:
            raise UsageError(
                f"{name} is a dict, which only a view takes.", next_step="Give a frame or an inline table."
            )
        return _frames(spark, source.pipeline, given, values)[""]
    if is_frame(given, name):
        return given
    return frame(spark, given, schema=_columns(source))


def _columns(source: Source) -> StructType | None:
    """What a source declares of its columns."""
    schema, file_column = getattr(source, "schema", None), getattr(source, "file_column", None)
    if schema is None:
        return None
    declared = declared_schema(schema)
    return type(declared)(declared.fields).add(file_column, "string") if file_column else declared


def _session(inputs: Any) -> SparkSession:
    """That of the first frame, else the active one."""
    for given in inputs.values() if isinstance(inputs, Mapping) else ():
        if isinstance(given, Mapping):
            return _session(given)
        if hasattr(given, "sparkSession"):
            found: SparkSession = given.sparkSession
            return found
    return active_session()


def _values(parameters: Any) -> dict[str, Any]:
    if parameters is None:
        return {}
    if isinstance(parameters, type) or not hasattr(parameters, "__dataclass_fields__"):
        raise UsageError(
            f"parameters= is {parameters!r}, and should be an instance of the job's parameters.",
            next_step="Give Parameters(...), with the values that the test needs.",
        )
    return {name: getattr(parameters, name) for name in parameters.__dataclass_fields__}
