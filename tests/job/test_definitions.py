"""What is refused, or accepted, when a pipeline or a job is made. No Spark."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from stoker import DefinitionError, Job, Pipeline, place, read, write
from stoker.job.plan import make_plan

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.project import Project

lake = place("lake")


def source(name: str = "a") -> Any:
    """Some source."""
    return read.parquet(lake / name)


def sink(name: str = "out", mode: str = "replace") -> Any:
    """Some sink."""
    return write.parquet(lake / name, mode=mode)


def one(frame: Any) -> Any:
    """A transformer."""
    return frame


@dataclass(frozen=True)
class Parameters:
    """Of the jobs below."""

    since: date = date(2013, 1, 1)


def job(*pipelines: Pipeline) -> Job:
    """A job with parameters."""
    return Job("j", pipelines, parameters=Parameters)


first = Pipeline("first", extract={"frame": source()}, transform=one, load=sink("first"))
appends = Pipeline("appends", extract={"frame": source()}, transform=one, load=sink("appends", "append"))
two = Pipeline("two", extract={"frame": source()}, transform=one, load={"good": sink("good"), "bad": sink("bad")})
to_csv = Pipeline("to_csv", extract={"frame": source()}, load=write.csv(lake / "c", mode="replace"))


@dataclass
class Thawed:
    """Not frozen."""

    since: int = 0


@dataclass(frozen=True)
class Odd:
    """With a type that text cannot fill."""

    names: dict[str, str] = field(default_factory=dict)


WRONG: dict[str, tuple[Callable[[], object], str]] = {
    "bad name": (lambda: Pipeline("a b", extract={"frame": source()}), "'a b' cannot be the name"),
    "no source": (lambda: Pipeline("p", extract={}), "with at least one"),
    "no dict": (lambda: Pipeline("p", extract=source()), "extract= is a dict of sources"),
    "no source object": (lambda: Pipeline("p", extract={"a": "path"}), "is neither a source nor a pipeline but str"),  # type: ignore[dict-item]
    "surplus": (lambda: Pipeline("p", extract={"frmae": source()}, transform=one), "Did you mean 'frame'?"),
    "positional only": (lambda: Pipeline("p", extract={"a": source()}, transform=len), "positional-only"),
    "no function": (lambda: Pipeline("p", extract={"a": source()}, transform=5), "transform= is a function, not int"),  # type: ignore[arg-type]
    "no sink": (lambda: Pipeline("p", extract={"a": source()}, load=5), "has int, which is no sink"),  # type: ignore[arg-type]
    "empty load": (lambda: Pipeline("p", extract={"a": source()}, load=[]), "load= is empty"),
    "copy of two": (lambda: Pipeline("p", extract={"a": source(), "b": source()}), "no transform= and 2 sources"),
    "two without types": (
        lambda: Pipeline(
            "p",
            extract={"a": source()},
            load=[write.csv(lake / "x", mode="append"), write.csv(lake / "y", mode="append")],
        ),
        "none of which keeps Spark's types",
    ),
    "bad mode": (lambda: sink(mode="overwrite"), "mode='overwrite' is not a mode of files"),
    "no partition_by": (lambda: sink(mode="replace_partitions"), "needs partition_by="),
    "partition_by text": (lambda: write.parquet("x", mode="replace", partition_by="day"), "partition_by= is a list"),
    "postgres mode": (
        lambda: write.postgres("t", connection="c", mode="overwrite"),
        "mode='overwrite' is not a mode of PostgreSQL",
    ),
    "bare append": (lambda: Pipeline("p", extract={"a": appends}), "Say appends.all() or appends.this_run()"),
    "bare of several": (lambda: Pipeline("p", extract={"a": two}), "Say which: two['good'], two['bad']"),
    "unknown output": (lambda: two["god"], "Did you mean 'good'?"),
    "no types kept": (lambda: Pipeline("p", extract={"a": to_csv}), "none of whose sinks keeps Spark's types"),
    "missing argument": (
        lambda: job(Pipeline("p", extract={"a": source()}, transform=lambda a, sinse: a)),
        "Did you mean 'since'?",
    ),
    "name twice": (
        lambda: job(first, Pipeline("first", extract={"a": source()}, load=sink("x"))),
        "two pipelines named 'first'",
    ),
    "no pipelines": (job, "has no pipelines"),
    "one place": (
        lambda: job(first, Pipeline("b", extract={"a": source()}, load=write.csv(lake / "first", mode="append"))),
        "'b' and 'first' both load",
    ),
    "one place, one pipeline": (
        lambda: job(Pipeline("p", extract={"a": source()}, load=[sink("x"), sink("x", "append")])),
        "Pipeline 'p' loads files:<lake>/x twice.",
    ),
    "parameter is extracted": (
        lambda: job(Pipeline("p", extract={"since": source()}, transform=lambda since: since)),
        "also a parameter",
    ),
    "not frozen": (lambda: Job("j", [first], parameters=Thawed), "can be changed while the job runs"),
    "odd type": (lambda: Job("j", [first], parameters=Odd), "which text cannot fill"),
    "an instance": (lambda: Job("j", [first], parameters=Parameters()), "parameters= is a frozen dataclass"),  # type: ignore[arg-type]
    "no pipeline": (lambda: Job("j", ["first"]), "has a str among its pipelines"),  # type: ignore[list-item]
    "job name": (lambda: Job("a/b", [first]), "cannot be the name of a job"),
    "table name": (lambda: write.postgres("a.b.c", connection="c", mode="append"), "a.b.c"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_right_is_refused_when_it_is_made(case: str) -> None:
    """Each mistake is a DefinitionError that names it and says what to do."""
    make, told = WRONG[case]
    with pytest.raises(DefinitionError) as caught:
        make()
    assert told in str(caught.value)


def test_a_cycle_is_refused_with_its_pipelines() -> None:
    """Pipelines that extract from each other are named in order."""
    from stoker.job.graph import order

    with pytest.raises(DefinitionError, match=r"circle: (a -> c -> b -> a|c -> b -> a -> c|b -> a -> c -> b)\."):
        order({"a": {"c"}, "b": {"a"}, "c": {"b"}})


def test_a_cycle_of_pipelines_is_refused() -> None:
    """Also when pipelines were tied together by hand."""
    from types import MappingProxyType

    from stoker.pipeline import PipelineSource

    a = Pipeline("a", extract={"frame": source()}, load=sink("a"))
    b = Pipeline("b", extract={"frame": a}, load=sink("b"))
    a.extract = MappingProxyType({"frame": PipelineSource(b)})

    with pytest.raises(DefinitionError, match="in a circle"):
        job(a, b)


def test_the_order_comes_from_the_edges() -> None:
    """Not from the list; equal choices go by name."""
    a = Pipeline("a", extract={"frame": first}, load=sink("a"))
    b = Pipeline("b", extract={"x": a, "y": first}, transform=lambda x, y: x.join(y), load=sink("b"))

    assert list(job(b, a, first).pipelines) == ["first", "a", "b"]


def test_an_edge_through_a_view_counts() -> None:
    """Who extracts from a view waits for what the view extracts from."""
    view = Pipeline("view", extract={"frame": first}, transform=one)
    reader = Pipeline("a_reader", extract={"frame": view}, load=sink("r"))

    assert list(job(reader, first).pipelines) == ["first", "a_reader"]


def test_partial_functions_and_defaults_fill_arguments() -> None:
    """Bound and defaulted arguments need neither a source nor a parameter."""

    def rates(frame: Any, country: str, limit: int = 5) -> Any:
        return frame

    pipelines = [
        Pipeline(
            f"rates_{country}",
            extract={"frame": source()},
            transform=functools.partial(rates, country=country),
            load=sink(country),
        )
        for country in ("de", "fr")
    ]

    assert list(Job("j", pipelines).pipelines) == ["rates_de", "rates_fr"]


def test_a_source_that_is_no_pipeline_of_the_job_is_external() -> None:
    """A pipeline outside of the job gives no edge."""
    reader = Pipeline("reader", extract={"frame": first}, load=sink("r"))

    assert job(reader).graph == {"reader": frozenset()}


def test_a_plan_looks_at_each_path_of_a_list(project: Project) -> None:
    """A path that another pipeline writes is found in a list, also when it holds what separates the shown paths."""
    lake = place("lake")
    writer = Pipeline("writer", extract={"frame": source()}, load=write.csv(lake / "a, b", mode="replace"))
    files = read.csv([lake / "c", lake / "a, b"], schema="id int")
    reader = Pipeline("reader", extract={"frame": files}, load=sink("r"))

    made = make_plan(Job("j", [writer, reader]), project.config(), None)

    assert [f"{project.lake}/a, b, which 'writer' writes" in text for text in made.warnings] == [True]
    assert {f"{project.lake}/a, b", f"{project.lake}/c"} <= set(made.external)
